/**
 * Holds the formulas behind `plan` and the dry run (`src/jobs/train/model-cost.ts`) against steps of training on this machine:
 * processor time of a step and peak memory, each case in a process of its own, on one thread.
 *
 * Run: node scripts/training-cost.ts [--engine onnx|torch] [--steps N] [--only TEXT]
 *   --steps  timed steps of a case, after one that is not; default 3
 *   --only   cases whose name holds the text
 *
 * Two rates of the engine are fitted to two cases, those marked; the others are predicted.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { benchShapes } from "../bench/sides/shapes.ts";
import { seededRandom } from "../src/core/random.ts";
import { openEngine } from "../src/engine/engines.ts";
import { parameterCount } from "../src/engine/model-store.ts";
import { productRate } from "../src/engine/product-rate.ts";
import { betweenNumbers, stepBytes, trainingOperations } from "../src/jobs/train/model-cost.ts";
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
  /** The engine's rates are fitted to it. */
  readonly isFitted: boolean;
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
  { name: "small", config: small.config, work: base, rank: undefined, isFitted: true },
  {
    name: "small, 8 steps",
    config: small.config,
    work: { ...base, grid: [8, 16, 16] },
    rank: undefined,
    isFitted: true,
  },
  {
    name: "small, 2 clips",
    config: small.config,
    work: { ...base, clips: 2 },
    rank: undefined,
    isFitted: false,
  },
  {
    name: "small, contrast",
    config: small.config,
    work: { ...base, contrastBlock: 3 },
    rank: undefined,
    isFitted: false,
  },
  { name: "small, LoRA", config: small.config, work: base, rank: 8, isFitted: false },
  { name: "tiny", config: tiny, work: base, rank: undefined, isFitted: false },
  {
    name: "tiny, contrast",
    config: tiny,
    work: { ...base, contrastBlock: 2 },
    rank: undefined,
    isFitted: false,
  },
  {
    name: "medium, 2 clips",
    config: medium.config,
    work: { ...base, clips: 2 },
    rank: undefined,
    isFitted: false,
  },
];

const { values } = parseArgs({
  options: {
    engine: { type: "string", default: "onnx" },
    steps: { type: "string", default: "3" },
    only: { type: "string", default: "" },
    case: { type: "string" },
  },
});

/** What a case took. */
interface Measured {
  readonly seconds: number;
  readonly bytes: number;
  readonly rate: number;
}

/** Processes of this one, itself first. */
const family = (): number[] => {
  const children = (id: number): number[] =>
    readdirSync(`/proc/${id}/task`).flatMap((task) =>
      readFileSync(`/proc/${id}/task/${task}/children`, "utf8")
        .split(" ")
        .filter((text) => text !== "")
        .map(Number),
    );
  const own = process.pid;
  return [own, ...children(own)];
};

/** Seconds of processor that all of them have had, and the most memory of the one that computes. */
const spent = (): number =>
  family().reduce((sum, id) => {
    const fields = readFileSync(`/proc/${id}/stat`, "utf8").split(") ")[1]!.split(" ");
    // User and system time in hundredths.
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);
const peak = (): number =>
  Math.max(
    ...family().map((id) => {
      const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"));
      return Number(line?.[1] ?? 0) * 1024;
    }),
  );

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
    const begun = spent();
    const count = Number(values.steps);
    for (let i = 0; i < count; i++) await step();
    const seconds = (spent() - begun) / count;
    const bytes = peak();
    return { seconds, bytes, rate: await productRate(1) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What the formulas say of a case. */
const counted = ({ config, work, rank }: Case) => {
  const lora = { rank: rank ?? 1, alpha: 16, targets: "all-linear", rsLora: false, vision: false };
  const parts = { trained: "all" as const, lora: rank === undefined ? null : lora };
  const flows = flowsOf(work, config);
  return {
    operations: flows.reduce((sum, flow) => sum + trainingOperations(flow, config, parts), 0),
    between: flows.reduce((sum, flow) => sum + betweenNumbers(flow, config), 0),
    bytes: stepBytes(flows, config, parts, parameterCount(config)),
  };
};

if (values.case !== undefined) {
  const found = cases.find(({ name }) => name === values.case)!;
  console.log(JSON.stringify(await measure(found)));
} else {
  const file = fileURLToPath(import.meta.url);
  const rows: { readonly one: Case; readonly measured: Measured }[] = [];
  for (const one of cases.filter(({ name, isFitted }) => isFitted || name.includes(values.only))) {
    const args = [file, "--case", one.name, "--engine", values.engine, "--steps", values.steps];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const measured = JSON.parse(stdout.trim().split("\n").at(-1)!) as Measured;
    rows.push({ one, measured });
    console.log(`${one.name}: ${measured.seconds.toFixed(3)} s, ${(measured.bytes / 1e6).toFixed(0)} MB`);
  }
  // seconds = operations / (rate share) + between / speed, through the two fitted cases.
  const [a, b] = rows
    .filter(({ one }) => one.isFitted)
    .map(({ one, measured }) => {
      const { operations, between } = counted(one);
      return { x: operations / measured.rate, y: between, seconds: measured.seconds };
    });
  const det = a!.x * b!.y - b!.x * a!.y;
  const slowness = (a!.seconds * b!.y - b!.seconds * a!.y) / det;
  const perNumber = (a!.x * b!.seconds - b!.x * a!.seconds) / det;
  console.log(
    `\n${values.engine}: products at ${(1 / slowness).toFixed(2)} of the rate, ${(1e-9 / perNumber).toFixed(2)}e9 numbers between them a second\n`,
  );
  console.log(
    "| case | processor s a step | expected | off | MB | expected | off |\n|---|---|---|---|---|---|---|",
  );
  for (const { one, measured } of rows) {
    const { operations, between, bytes } = counted(one);
    const seconds = (slowness * operations) / measured.rate + perNumber * between;
    const off = (got: number, wanted: number): string => `${((got / wanted - 1) * 100).toFixed(0)} %`;
    const cells = [
      one.name + (one.isFitted ? " (fitted)" : ""),
      measured.seconds.toFixed(2),
      seconds.toFixed(2),
      off(seconds, measured.seconds),
      (measured.bytes / 1e6).toFixed(0),
      (bytes / 1e6).toFixed(0),
      off(bytes, measured.bytes),
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}
