/**
 * The engine torch on a GPU in one go, under ten minutes: it against the engine onnx on a tiny model, then steps of SFT with all
 * three contrastive losses and one step of Comparative GRPO of a large shape with random weights, the weights themselves and
 * an adapter; a step whose completions are all rated alike, or whose policy has no gradient, is none. Prints tokens a second, peak memory, and the share of the GPU's operations that was reached.
 *
 * Run: node scripts/gpu-conformance.ts [--shape 3B] [--engine torch] [--gpu h200] [--steps 3] [--minutes 9] [--out FILE]
 *   --shape   tiny, 3B, 7B, or a folder with config.json
 *   --engine  as of train, e.g. torch:compute=bfloat16
 *   --gpu     whose operations a second the share is of; left out: no share
 *   --minutes what would begin later is left out, and said
 *
 * Ends with status 0 when all parts were there and fine, 1 when one was not, 3 when one was left out.
 * Without a GPU it computes on the CPU: `--shape tiny` is what its test runs.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchShapes } from "../bench/sides/shapes.ts";
import { messageOf } from "../src/core/errors.ts";
import { silentProgress } from "../src/core/progress.ts";
import { seededRandom } from "../src/core/random.ts";
import type { Engine } from "../src/engine/contract.ts";
import { openEngine } from "../src/engine/engines.ts";
import { loadPlugin } from "../src/jobs/load-plugin.ts";
import { accelerators } from "../src/jobs/train/machine-rates.ts";
import { type TrainedParts, trainingOperations } from "../src/jobs/train/model-cost.ts";
import { modelShape } from "../src/jobs/train/model-shapes.ts";
import { adaptedModel } from "../src/model/adapted-model.ts";
import type { ModelConfig } from "../src/model/config.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { createRun } from "../src/runs/run.ts";
import { newAdapter } from "../src/weights/new-adapter.ts";
import { writeAdapter } from "../src/weights/write-adapter.ts";
import { grpoStep, oddPlugins } from "./training-work/grpo-step.ts";
import { randomTensors } from "./training-work/random-weights.ts";
import { flowsOf, sftStepper, type Work } from "./training-work/steps.ts";
import { type CheckedPart, verdictOf } from "./training-work/verdict.ts";

const { values } = parseArgs({
  options: {
    shape: { type: "string", default: "3B" },
    engine: { type: "string", default: "torch" },
    gpu: { type: "string" },
    steps: { type: "string", default: "3" },
    minutes: { type: "string", default: "9" },
    out: { type: "string" },
  },
});
const begun = performance.now();
for (const file of oddPlugins) await loadPlugin(file);
const isTiny = values.shape === "tiny";
const config = isTiny ? benchShapes.small.config : await modelShape(values.shape);
const work: Work = isTiny
  ? { clips: 2, grid: [2, 8, 8], before: 8, behind: 8, contrastBlock: 3 }
  : { clips: 4, grid: [16, 32, 18], before: 32, behind: 64, contrastBlock: 16 };
const rank = 32;
const lines: CheckedPart[] = [];

/** Runs one part, unless there is no time for it; a part that fails does not end the others. */
const part = async (name: string, run: () => Promise<Record<string, unknown>>): Promise<void> => {
  const minutes = (performance.now() - begun) / 60_000;
  let found: Record<string, unknown>;
  if (minutes > Number(values.minutes)) found = { left: `out: ${minutes.toFixed(1)} minutes have passed` };
  else found = await run().catch((error: unknown) => ({ failed: messageOf(error) }));
  lines.push({ part: name, ...found });
  console.log(JSON.stringify(lines.at(-1)));
};

/** What nvidia-smi knows of the GPU; undefined: there is none. */
const gpuFacts = (): { readonly name: string; readonly usedBytes: number } | undefined => {
  try {
    const fields = "--query-gpu=name,memory.used";
    const text = execFileSync("nvidia-smi", [fields, "--format=csv,noheader,nounits"], { encoding: "utf8" });
    const [name, used] = text.split("\n")[0]!.split(",");
    return { name: name!.trim(), usedBytes: Number(used) * 2 ** 20 };
  } catch {
    return undefined;
  }
};

/** The most that the GPU held while something ran. */
const withPeak = async <T>(
  run: () => Promise<T>,
): Promise<{ readonly value: T; readonly peakBytes: number | null }> => {
  let peak = gpuFacts()?.usedBytes ?? 0;
  const look = setInterval(() => {
    peak = Math.max(peak, gpuFacts()?.usedBytes ?? 0);
  }, 1000);
  try {
    return { value: await run(), peakBytes: peak === 0 ? null : peak };
  } finally {
    clearInterval(look);
  }
};

const folder = mkdtempSync(join(tmpdir(), "gpu-conformance-"));
const whole: TrainedParts = { trained: "all", lora: null };
const adapted: TrainedParts = {
  trained: "all",
  lora: { rank, alpha: 2 * rank, targets: "all-linear", rsLora: false, vision: false },
};

/** Opens a checkpoint of random weights. */
const open = async (
  shape: ModelConfig,
  name: string,
  engine: string,
  parts: TrainedParts,
): Promise<Engine> => {
  const adapterFolder = join(folder, `${name} adapter`);
  const model = adaptedModel(shape);
  if (parts.lora !== null)
    writeAdapter(adapterFolder, newAdapter(model, parts.lora, seededRandom("a")), model);
  const opened = await openEngine(
    { engine, threads: 2 },
    {
      folder: join(folder, name),
      trained: parts.lora === null ? "all" : "adapter",
      ...(parts.lora !== null && { adapterFolder }),
    },
  );
  return opened.engine;
};

/** Losses and norms of three steps by both engines on a tiny model. */
const conformance = async (): Promise<Record<string, unknown>> => {
  const { config: small } = benchShapes.small;
  saveCheckpoint(join(folder, "small"), small, randomTensors(small), { dtype: "float32" });
  const shape: Work = { clips: 2, grid: [2, 8, 8], before: 8, behind: 8, contrastBlock: 3 };
  const losses: number[][] = [];
  for (const name of ["onnx", values.engine]) {
    await using engine = await open(small, "small", name, whole);
    const step = await sftStepper(engine, small, shape);
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      const { loss, norm } = await step();
      seen.push(loss, norm);
    }
    losses.push(seen);
  }
  const [expected, got] = losses;
  const off = Math.max(...got!.map((value, i) => Math.abs(value - expected![i]!) / Math.abs(expected![i]!)));
  // A thousandth of bfloat16's own rounding is not asked for: two decimal places are what it has.
  return { largestDifference: off, holds: off < 0.02 };
};

const sft = async (parts: TrainedParts): Promise<Record<string, unknown>> => {
  await using engine = await open(config, "model", values.engine, parts);
  const step = await sftStepper(engine, config, work);
  const first = await step();
  const count = Number(values.steps);
  const { value: seconds, peakBytes } = await withPeak(async () => {
    const start = performance.now();
    for (let i = 0; i < count; i++) await step();
    return (performance.now() - start) / 1000 / count;
  });
  const flows = flowsOf(work, config);
  const tokens = flows[0]!.positions;
  // What the loss asks for; that a block is computed again is the engine's own affair.
  const operations = flows.reduce((sum, flow) => sum + trainingOperations(flow, config, parts), 0);
  const peak = values.gpu === undefined ? undefined : accelerators[values.gpu]?.operationsPerSecond;
  return {
    loss: first.loss,
    norm: first.norm,
    secondsPerStep: seconds,
    tokensPerSecond: tokens / seconds,
    utilisation: peak === undefined ? null : operations / seconds / peak,
    peakBytes,
    device: engine.capabilities.device,
    parameters: engine.capabilities.parameterType,
  };
};

const grpo = async (parts: TrainedParts): Promise<Record<string, unknown>> => {
  await using engine = await open(config, "model", values.engine, parts);
  using run = createRun(join(folder, `grpo ${parts.lora === null ? "all" : "adapter"}`), {});
  const context = { run, progress: silentProgress, signal: new AbortController().signal };
  const size = isTiny
    ? { prompts: 2, completions: 2, tokens: 3 }
    : { prompts: 4, completions: 8, tokens: 64 };
  const { value, peakBytes } = await withPeak(() => grpoStep(engine, config, work, size, context));
  return { ...value, peakBytes };
};

try {
  console.log(JSON.stringify({ gpu: gpuFacts()?.name ?? "none: computed on the CPU", shape: values.shape }));
  await part("conformance", conformance);
  saveCheckpoint(join(folder, "model"), config, randomTensors(config), {
    dtype: isTiny ? "float32" : "bfloat16",
    shardBytes: 4e9,
  });
  await part("sft, adapter", () => sft(adapted));
  await part("grpo, adapter", () => grpo(adapted));
  await part("sft, all", () => sft(whole));
  await part("grpo, all", () => grpo(whole));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify(lines, undefined, 2)}\n`);
const { line, status } = verdictOf(lines);
console.log(`${line}, after ${((performance.now() - begun) / 60_000).toFixed(1)} minutes`);
process.exitCode = status;
