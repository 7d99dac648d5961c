/**
 * Holds what `plan RECIPE` says (`src/jobs/train/plan-training.ts`) against steps of the engine torch on this machine, computed as
 * it supposes: bfloat16 over float32 masters, blocks computed again, one rank. A case is a process of its own on one thread, its
 * time that of the processor.
 *
 * Operations a second and bytes of a process are taken from the case `sft`, bytes of memory a second from a copy; all others are
 * what `plan` would have said.
 *
 * Run: node scripts/plan-against-steps.ts --python PATH --out FILE [--steps 2]
 *   --out  what was measured, a line a case; what stands there already is not measured again
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
import { loadPlugin } from "../src/jobs/load-plugin.ts";
import type { LanguageLoop } from "../src/jobs/train/loops.ts";
import { type PlannedTraining, planTraining, type TrainingPlan } from "../src/jobs/train/plan-training.ts";
import { adaptedModel } from "../src/model/adapted-model.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { createRun } from "../src/runs/run.ts";
import { sftParams } from "../src/training/sft-options.ts";
import { newAdapter } from "../src/weights/new-adapter.ts";
import { writeAdapter } from "../src/weights/write-adapter.ts";
import { type GrpoSize, grpoStep, grpoWorkOptions, oddPlugins } from "./training-work/grpo-step.ts";
import { peakBytes, spentSeconds } from "./training-work/process-cost.ts";
import { randomTensors } from "./training-work/random-weights.ts";
import { sftStepper, type Work } from "./training-work/steps.ts";

interface Case {
  readonly name: string;
  readonly shape: keyof typeof benchShapes;
  readonly work: Work;
  readonly rank?: number;
  readonly size?: GrpoSize;
}

const base: Work = { clips: 4, grid: [4, 16, 16], before: 16, behind: 50, contrastBlock: undefined };
const size: GrpoSize = { prompts: 2, completions: 4, tokens: 32 };
const cases: readonly Case[] = [
  { name: "sft", shape: "small", work: base },
  { name: "sft, twice as long", shape: "small", work: { ...base, grid: [8, 16, 16] } },
  { name: "sft, contrast", shape: "small", work: { ...base, contrastBlock: 3 } },
  { name: "sft, adapter", shape: "small", work: base, rank: 8 },
  { name: "sft, medium", shape: "medium", work: { ...base, clips: 2 } },
  { name: "grpo", shape: "small", work: base, size },
  { name: "grpo, twice as many tokens", shape: "small", work: base, size: { ...size, tokens: 64 } },
  { name: "grpo, medium", shape: "medium", work: base, size },
];

const { values } = parseArgs({
  options: {
    python: { type: "string" },
    steps: { type: "string", default: "2" },
    case: { type: "string" },
    out: { type: "string" },
  },
});
const { python, out } = values;
if (python === undefined || out === undefined)
  throw new Error("name an interpreter and a file: --python, --out");

interface Measured {
  readonly seconds: number;
  readonly bytes: number;
}

const adapter = (rank: number) => ({
  ...{ rank, alpha: 16, targets: "all-linear", rsLora: false, vision: false },
});

const measure = async ({ shape, work, rank, size }: Case): Promise<Measured> => {
  const { config } = benchShapes[shape];
  const folder = mkdtempSync(join(tmpdir(), "plan-against-steps-"));
  try {
    saveCheckpoint(join(folder, "model"), config, randomTensors(config), { dtype: "float32" });
    const adapterFolder = join(folder, "adapter");
    const model = adaptedModel(config);
    if (rank !== undefined)
      writeAdapter(adapterFolder, newAdapter(model, adapter(rank), seededRandom("a")), model);
    const opened = await openEngine(
      { engine: `torch:python=${python},compute=bfloat16,recompute=true`, threads: 1 },
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
    const begun = spentSeconds();
    for (let i = 0; i < count; i++) await step();
    return { seconds: (spentSeconds() - begun) / count, bytes: peakBytes() };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What the machine is supposed to be like. */
type Machine = PlannedTraining["gpu"];

const planOf = ({ shape, work, rank, size }: Case, gpu: Machine): TrainingPlan => {
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
    positionsPerBatch: work.clips * ((steps * rows * columns) / 4 + 3 + work.before + work.behind),
    shown: {
      clips: work.clips,
      frames: steps * config.vision.temporalPatchSize,
      pixels: rows * columns * config.vision.patchSize ** 2,
      questionTokens: work.before + 3,
      answerTokens: work.behind,
      replaced: 1 / steps,
    },
    gpu,
    gpus: 1,
    utilisation: 1,
  });
};

/** Bytes that a copy of 256 MB reads and writes a second of processor time: the best of eight. */
const copiedBytesPerSecond = (): number => {
  const [from, to] = [new Float64Array(1 << 25).fill(1), new Float64Array(1 << 25).fill(2)];
  const times = Array.from({ length: 8 }, () => {
    const begun = process.cpuUsage();
    to.set(from);
    const { user, system } = process.cpuUsage(begun);
    return (user + system) / 1e6;
  });
  return (2 * from.byteLength) / Math.min(...times);
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
  const measured = cases.map(({ name }): Measured => {
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
    ];
    const text = execFileSync(process.execPath, [...args, "--out", out], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", 2],
    });
    const found = JSON.parse(text.trim().split("\n").at(-1)!) as Measured;
    appendFileSync(out, `${JSON.stringify({ name, ...found })}\n`);
    return found;
  });
  const at = (name: string): number => cases.findIndex((one) => one.name === name);
  const sft = at("sft");
  const bytesPerSecond = copiedBytesPerSecond();
  const only = (operationsPerSecond: number): TrainingPlan["parts"] =>
    planOf(cases[sft]!, { operationsPerSecond, bytesPerSecond }).parts;
  const operationsPerSecond = only(1).training / (measured[sft]!.seconds - only(1).update);
  const machine = { operationsPerSecond, bytesPerSecond };
  const own = measured[sft]!.bytes - planOf(cases[sft]!, machine).bytes.all;
  console.log(
    `\n${(operationsPerSecond / 1e9).toFixed(0)}e9 operations and ${(bytesPerSecond / 1e9).toFixed(2)}e9 bytes a second; a process ${(own / 1e6).toFixed(0)} MB more than a GPU's\n`,
  );
  console.log("| case | s a step | planned | off | MB | planned | off |\n|---|---|---|---|---|---|---|");
  cases.forEach((case_, i) => {
    const plan = planOf(case_, machine);
    const { seconds, bytes } = measured[i]!;
    const off = (planned: number, got: number): string => `${((planned / got - 1) * 100).toFixed(0)} %`;
    const [time, room] = [plan.secondsPerStep, plan.bytes.all + own];
    const sizes = [bytes, room].map((value) => (value / 1e6).toFixed(0));
    const cells = [case_.name, seconds.toFixed(2), time.toFixed(2), i === sft ? "taken" : off(time, seconds)];
    console.log(`| ${[...cells, ...sizes, i === sft ? "taken" : off(room, bytes)].join(" | ")} |`);
  });
}
