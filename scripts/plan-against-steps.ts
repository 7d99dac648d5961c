/**
 * Holds what `plan RECIPE --rates FILE` says (`src/jobs/train/plan-training.ts`) against steps of the engine torch on this machine,
 * computed as it supposes: bfloat16 over float32 masters, blocks computed again. A case is a process of its own on one thread a
 * rank, its time that of the processor: the median of some steps behind one that does not count.
 *
 * The rates are those that `engine rates torch` measured here, on other shapes; no case has a part in them.
 *
 * Run: node scripts/plan-against-steps.ts --python PATH --rates FILE --out FILE [--steps 3] [--only TEXT]
 *   --out   what was measured, a line a case; what stands there already is not measured again
 *   --only  cases whose names hold a text
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchShapes } from "../bench/sides/shapes.ts";
import { parseJsonRows } from "../src/core/files.ts";
import { silentProgress } from "../src/core/progress.ts";
import { seededRandom } from "../src/core/random.ts";
import { openEngine } from "../src/engine/engines.ts";
import { peakBytes, spentSeconds } from "../src/jobs/engine/process-cost.ts";
import { loadPlugin } from "../src/jobs/load-plugin.ts";
import type { LanguageLoop } from "../src/jobs/train/loops.ts";
import { readRates } from "../src/jobs/train/machine-rates.ts";
import { planTraining, type TrainingPlan } from "../src/jobs/train/plan-training.ts";
import { adaptedModel } from "../src/model/adapted-model.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { createRun } from "../src/runs/run.ts";
import { sftParams } from "../src/training/sft-options.ts";
import { newAdapter } from "../src/weights/new-adapter.ts";
import { writeAdapter } from "../src/weights/write-adapter.ts";
import { type GrpoSize, grpoStep, grpoWorkOptions, oddPlugins } from "./training-work/grpo-step.ts";
import { randomTensors } from "./training-work/random-weights.ts";
import { sftStepper, type Work } from "./training-work/steps.ts";

interface Case {
  readonly name: string;
  readonly shape: keyof typeof benchShapes;
  readonly work: Work;
  readonly rank?: number;
  readonly size?: GrpoSize;
  readonly ranks?: number;
}

// Lengths that batches of a run (`batch/conversation-batches.ts`) and those of clips in memory, used here, round up alike.
const base: Work = { clips: 4, grid: [4, 16, 16], before: 16, behind: 45, contrastBlock: undefined };
const asked: Work = { ...base, before: 57 };
const size: GrpoSize = { prompts: 2, completions: 4, tokens: 32 };
const cases: readonly Case[] = [
  { name: "sft", shape: "small", work: base },
  { name: "sft, 9 temporal steps", shape: "small", work: { ...base, grid: [9, 16, 16] } },
  { name: "sft, half the clips", shape: "small", work: { ...base, clips: 2 } },
  { name: "sft, contrast", shape: "small", work: { ...base, contrastBlock: 3 } },
  { name: "sft, adapter", shape: "small", work: base, rank: 8 },
  { name: "sft, medium", shape: "medium", work: { ...base, clips: 2 } },
  { name: "sft, medium, contrast", shape: "medium", work: { ...base, clips: 2, contrastBlock: 5 } },
  { name: "sft, two ranks", shape: "small", work: base, ranks: 2 },
  { name: "grpo", shape: "small", work: asked, size },
  { name: "grpo, 80 tokens", shape: "small", work: asked, size: { ...size, tokens: 80 } },
  { name: "grpo, 10 completions", shape: "small", work: asked, size: { ...size, completions: 10 } },
  { name: "grpo, adapter", shape: "small", work: asked, size, rank: 8 },
  { name: "grpo, medium", shape: "medium", work: asked, size },
];

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    rates: { type: "string" },
    steps: { type: "string", default: "3" },
    case: { type: "string" },
    only: { type: "string", default: "" },
    out: { type: "string" },
  },
});
const { python, out, rates: ratesFile } = values;
if (python === undefined || out === undefined || ratesFile === undefined)
  throw new Error("name an interpreter and two files: --python, --rates, --out");

interface Measured {
  readonly seconds: number;
  readonly bytes: number;
}

const adapter = (rank: number) => ({
  ...{ rank, alpha: 16, targets: "all-linear", rsLora: false, vision: false },
});

const measure = async ({ shape, work, rank, size, ranks = 1 }: Case): Promise<Measured> => {
  const { config } = benchShapes[shape];
  const folder = mkdtempSync(join(tmpdir(), "plan-against-steps-"));
  try {
    saveCheckpoint(join(folder, "model"), config, randomTensors(config), { dtype: "float32" });
    const adapterFolder = join(folder, "adapter");
    const model = adaptedModel(config);
    if (rank !== undefined)
      writeAdapter(adapterFolder, newAdapter(model, adapter(rank), seededRandom("a")), model);
    const opened = await openEngine(
      { engine: `torch:python=${python},compute=bfloat16,recompute=true`, threads: ranks, ranks },
      {
        folder: join(folder, "model"),
        trained: rank === undefined ? "all" : "adapter",
        ...(rank !== undefined && { adapterFolder }),
      },
    );
    await using engine = opened.engine;
    const count = Number(values.steps);
    const stepOf = async (): Promise<() => Promise<unknown>> => {
      if (size === undefined) return await sftStepper(engine, config, work);
      for (const file of oddPlugins) await loadPlugin(file);
      let number = 0;
      return async () => {
        using run = createRun(join(folder, `run ${number++}`), {});
        const context = { run, progress: silentProgress, signal: new AbortController().signal };
        return await grpoStep(engine, config, work, size, context);
      };
    };
    const step = await stepOf();
    await step();
    const times: number[] = [];
    for (let i = 0; i < count; i++) {
      const begun = spentSeconds();
      await step();
      times.push((spentSeconds() - begun) / ranks);
    }
    return { seconds: times.sort((a, b) => a - b)[count >> 1]!, bytes: peakBytes() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const rates = readRates(ratesFile);

const planOf = ({ shape, work, rank, size, ranks = 1 }: Case): TrainingPlan => {
  const { config } = benchShapes[shape];
  const [steps, rows, columns] = work.grid;
  const { contrastBlock: block } = work;
  const losses = { "cross-entropy": {}, ...(block !== undefined && { contrastive: { block } }) };
  const sizes = { clipsPerStep: work.clips, textsPerClip: 1 };
  const chosen: LanguageLoop =
    size === undefined
      ? {
          loop: "sft",
          options: {
            ...sftParams.parse({ ...sizes, steps: 1, losses, schedule: { learningRate: 1e-5 } }),
            mix: { sets: null, skills: null },
          },
        }
      : {
          loop: "grpo",
          options: { ...grpoWorkOptions(size), answers: "text", refeedInstruction: "look" },
        };
  return planTraining({
    config,
    chosen,
    parts: { trained: "all", lora: rank === undefined ? null : adapter(rank) },
    // All clips of a step are one batch.
    positionsPerBatch: Number.POSITIVE_INFINITY,
    shown: {
      clips: work.clips,
      frames: steps * config.vision.temporalPatchSize,
      pixels: rows * columns * config.vision.patchSize ** 2,
      questionTokens: work.before + 3,
      answerTokens: work.behind,
      replaced: 1 / steps,
    },
    rates,
    gpus: ranks,
  });
};

if (values.case !== undefined)
  console.log(JSON.stringify(await measure(cases.find(({ name }) => name === values.case)!)));
else {
  const known = new Map(
    existsSync(out)
      ? parseJsonRows(readFileSync(out, "utf8"), out).map(({ value }) => {
          const row = value as Measured & { readonly name: string };
          return [row.name, row];
        })
      : [],
  );
  const chosen = cases.filter(({ name }) => name.includes(values.only));
  const measured = chosen.map(({ name }): Measured => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const args = [
      fileURLToPath(import.meta.url),
      "--case",
      name,
      "--python",
      python,
      "--steps",
      values.steps,
      "--rates",
      ratesFile,
      "--out",
      out,
    ];
    const text = execFileSync(process.execPath, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", 2],
    });
    const found = JSON.parse(text.trim().split("\n").at(-1)!) as Measured;
    appendFileSync(out, `${JSON.stringify({ name, ...found })}\n`);
    return found;
  });
  const off = (planned: number, got: number): string => `${((planned / got - 1) * 100).toFixed(0)} %`;
  console.log("\n| case | s a step | `plan` | off | MB | `plan` | off |\n|---|---|---|---|---|---|---|");
  chosen.forEach((case_, i) => {
    const plan = planOf(case_);
    const { seconds, bytes } = measured[i]!;
    const time = plan.secondsPerStep;
    const cells = [case_.name, seconds.toFixed(2), time.toFixed(2), off(time, seconds)];
    const sizes = [bytes, plan.bytes.all].map((value) => (value / 1e6).toFixed(0));
    console.log(`| ${[...cells, ...sizes, off(plan.bytes.all, bytes)].join(" | ")} |`);
  });
}
