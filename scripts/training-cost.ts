/**
 * Holds the formulas behind `plan` and the dry run (`src/jobs/train/model-cost.ts`) against steps of training on this machine:
 * processor time of a step and peak memory, each case in a process of its own, on one thread.
 *
 * Run: node scripts/training-cost.ts [--engine onnx|torch] [--steps N] [--save FILE] [--from FILE]
 *   --steps  timed steps of a case, after one that is not; default 3
 *   --save, --from  what was measured, so that other formulas can be held against it
 *
 * Two rates of the engine, and two numbers of its memory, are fitted; each case is held against what was fitted to all others.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { benchShapes } from "../bench/sides/shapes.ts";
import { seededRandom } from "../src/core/random.ts";
import { openEngine } from "../src/engine/engines.ts";
import { peakBytes, spentSeconds } from "../src/jobs/engine/process-cost.ts";
import {
  betweenNumbers,
  type Passage,
  stateBytes,
  trainingOperations,
} from "../src/jobs/train/model-cost.ts";
import { adaptedModel } from "../src/model/adapted-model.ts";
import type { ModelConfig } from "../src/model/config.ts";
import { saveCheckpoint } from "../src/model/save-checkpoint.ts";
import { newAdapter } from "../src/weights/new-adapter.ts";
import { writeAdapter } from "../src/weights/write-adapter.ts";
import { randomTensors } from "./training-work/random-weights.ts";
import { flowsOf, sftStepper, type Work } from "./training-work/steps.ts";

interface Case {
  readonly name: string;
  readonly config: ModelConfig;
  readonly work: Work;
  readonly rank: number | undefined;
}

const base: Work = { clips: 4, grid: [4, 16, 16], before: 16, behind: 50, contrastBlock: undefined };
const { small, medium } = benchShapes;
const tiny: ModelConfig = {
  ...small.config,
  text: {
    ...small.config.text,
    hiddenSize: 128,
    headDim: 16,
    intermediateSize: 344,
    layers: 4,
    mropeSection: [2, 3, 3],
  },
  vision: { ...small.config.vision, outHiddenSize: 128 },
};
const cases: readonly Case[] = [
  { name: "small", config: small.config, work: base, rank: undefined },
  {
    name: "small, 8 steps",
    config: small.config,
    work: { ...base, grid: [8, 16, 16] },
    rank: undefined,
  },
  {
    name: "small, 2 clips",
    config: small.config,
    work: { ...base, clips: 2 },
    rank: undefined,
  },
  {
    name: "small, contrast",
    config: small.config,
    work: { ...base, contrastBlock: 3 },
    rank: undefined,
  },
  { name: "small, LoRA", config: small.config, work: base, rank: 8 },
  { name: "tiny", config: tiny, work: base, rank: undefined },
  {
    name: "tiny, contrast",
    config: tiny,
    work: { ...base, contrastBlock: 2 },
    rank: undefined,
  },
  {
    name: "medium, 2 clips",
    config: medium.config,
    work: { ...base, clips: 2 },
    rank: undefined,
  },
];

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "onnx" },
    steps: { type: "string", default: "3" },
    save: { type: "string" },
    from: { type: "string" },
    case: { type: "string" },
  },
});

/** What a case took. */
interface Measured {
  readonly seconds: number;
  readonly bytes: number;
}

const measure = async ({ config, work, rank }: Case): Promise<Measured> => {
  const folder = mkdtempSync(join(tmpdir(), "training-cost-"));
  try {
    saveCheckpoint(join(folder, "model"), config, randomTensors(config), { dtype: "float32" });
    const model = adaptedModel(config);
    const adapterFolder = join(folder, "adapter");
    const shape = { targets: "all-linear", rank: rank ?? 1, alpha: 16, rsLora: false };
    if (rank !== undefined) writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("a")), model);
    const opened = await openEngine(
      { engine: values.engine, threads: 1 },
      {
        folder: join(folder, "model"),
        trained: rank === undefined ? "all" : "adapter",
        ...(rank !== undefined && { adapterFolder }),
      },
    );
    await using engine = opened.engine;
    const step = await sftStepper(engine, config, work);
    await step();
    const begun = spentSeconds();
    const count = Number(values.steps);
    for (let i = 0; i < count; i++) await step();
    const seconds = (spentSeconds() - begun) / count;
    const bytes = peakBytes();
    return { seconds, bytes };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What the formulas say of a case. */
const counted = ({ config, work, rank }: Case) => {
  const lora = { rank: rank ?? 1, alpha: 16, targets: "all-linear", rsLora: false, vision: false };
  const parts = { trained: "all" as const, lora: rank === undefined ? null : lora };
  const flows = flowsOf(work, config);
  const sum = (of: (flow: Passage) => number): number => flows.reduce((total, flow) => total + of(flow), 0);
  return {
    operations: sum((flow) => trainingOperations(flow, config, parts)),
    // A tower that is not trained is passed once instead of twice.
    written: sum(
      (flow) =>
        (betweenNumbers(flow, config, { trained: "all", lora: null }) + betweenNumbers(flow, config, parts)) /
        2,
    ),
    kept: sum((flow) => betweenNumbers(flow, config, parts)),
    state: stateBytes(config, parts),
  };
};

/** The two factors for which a x + b y is nearest to 1, relative to what was measured. */
const fitted = (rows: readonly { readonly x: number; readonly y: number; readonly wanted: number }[]) => {
  let [xx, xy, yy, x1, y1] = [0, 0, 0, 0, 0];
  for (const { x, y, wanted } of rows) {
    const [a, b] = [x / wanted, y / wanted];
    xx += a * a;
    xy += a * b;
    yy += b * b;
    x1 += a;
    y1 += b;
  }
  const det = xx * yy - xy * xy;
  return [(x1 * yy - y1 * xy) / det, (xx * y1 - xy * x1) / det] as const;
};

/** What a case is expected to take by factors that were fitted to all the others. */
const predicted = (rows: Parameters<typeof fitted>[0], at: number): number => {
  const [a, b] = fitted(rows.filter((_, i) => i !== at));
  return a * rows[at]!.x + b * rows[at]!.y;
};

if (values.case !== undefined) {
  const found = cases.find(({ name }) => name === values.case)!;
  console.log(JSON.stringify(await measure(found)));
} else {
  const file = fileURLToPath(import.meta.url);
  const measured: Record<string, Measured> =
    values.from === undefined
      ? {}
      : (JSON.parse(readFileSync(values.from, "utf8")) as Record<string, Measured>);
  for (const { name } of values.from === undefined ? cases : []) {
    const args = [file, "--case", name, "--engine", values.engine, "--steps", values.steps];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    measured[name] = JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
    console.log(`${name}: ${JSON.stringify(measured[name])}`);
  }
  if (values.save !== undefined) writeFileSync(values.save, JSON.stringify(measured));
  const known = cases.map((one) => ({ one, ...counted(one), ...measured[one.name]! }));
  const times = known.map(({ operations, written, seconds }) => ({
    x: operations,
    y: written,
    wanted: seconds,
  }));
  const sizes = known.map(({ kept, state, bytes }) => ({ x: 1, y: kept, wanted: bytes - state }));
  const [perOperation, perNumber] = fitted(times);
  const [own, bytesEach] = fitted(sizes);
  console.log(
    `\n${(1e-9 / perOperation).toFixed(0)}e9 operations a second, ${(1e-9 / perNumber).toFixed(2)}e9 numbers between them; ${(own / 1e6).toFixed(0)} MB of a process, ${bytesEach.toFixed(1)} bytes a number kept\n`,
  );
  console.log("| case | s a step | expected | off | MB | expected | off |\n|---|---|---|---|---|---|---|");
  known.forEach(({ one, seconds, bytes, state }, at) => {
    const off = (got: number, wanted: number): string => `${((got / wanted - 1) * 100).toFixed(0)} %`;
    const [time, size] = [predicted(times, at), state + predicted(sizes, at)];
    const megabytes = [bytes, size].map((value) => (value / 1e6).toFixed(0));
    const cells = [one.name, seconds.toFixed(2), time.toFixed(2), off(time, seconds)];
    console.log(`| ${[...cells, ...megabytes, off(size, bytes)].join(" | ")} |`);
  });
}
