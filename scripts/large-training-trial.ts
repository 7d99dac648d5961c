/**
 * Training at the 3B shape on real clips: writes a random checkpoint of Qwen2.5-VL-3B's shape, builds a data set, takes LoRA
 * steps of `videoperceiver-sft` with contrast and one of `videoperceiver-grpo`, and says what each step took and the largest
 * memory of all processes of a run. Answers of random weights are told apart by a reward and a judge of the scripts' own, so
 * that the step has a policy gradient. The folder is removed at the end unless it was named.
 *
 * Run: node scripts/large-training-trial.ts --tokenizer FOLDER --clips FOLDER [--folder FOLDER] [--layers N] [--steps 5]
 *   --tokenizer  a Qwen2.5-VL folder without weights
 *   --clips      a folder with clips and clips.json, a list of { file, caption, probe: { containerDuration } }
 *   --layers     fewer language blocks, to try the script; default 36
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { treeBytes } from "../bench/process-memory.ts";
import { makeFolder, readJsonFile } from "../src/core/files.ts";
import { readRollouts, readRun } from "../src/runs/read-run.ts";
import { writeThreeBillion } from "./large-model-trial/checkpoint.ts";
import { oddPlugins, oddSettings } from "./training-work/grpo-step.ts";
import { policyFault } from "./training-work/policy-fault.ts";

const { values } = parseArgs({
  options: {
    tokenizer: { type: "string" },
    clips: { type: "string" },
    folder: { type: "string" },
    layers: { type: "string", default: "36" },
    steps: { type: "string", default: "5" },
  },
});
const { tokenizer, clips } = values;
if (tokenizer === undefined || clips === undefined) {
  console.error("usage: node scripts/large-training-trial.ts --tokenizer FOLDER --clips FOLDER [--steps N]");
  process.exit(2);
}
const folder = values.folder ?? mkdtempSync(join(tmpdir(), "large-training-"));
const program = fileURLToPath(new URL("../bin/videoperceiver.mjs", import.meta.url));
const env = { ...process.env, VIDEOPERCEIVER_CACHE: join(folder, "cache") };

/** A data set of short clips and their captions, with twins. */
const makeSet = (): string => {
  const set = join(folder, "set");
  if (existsSync(join(set, "dataset.json"))) return set;
  makeFolder(join(folder, "clips"));
  const known = readJsonFile(join(clips, "clips.json")) as readonly {
    readonly file: string;
    readonly caption: string;
    readonly probe: { readonly containerDuration: number | null };
  }[];
  const seconds = (one: (typeof known)[number]): number => one.probe.containerDuration ?? 0;
  const short = known
    .filter((one) => one.caption && seconds(one) >= 1.5)
    .sort((a, b) => seconds(a) - seconds(b));
  const rows = short.slice(0, 6).map(({ file, caption }) => {
    cpSync(join(clips, file), join(folder, "clips", file));
    return `${file},"${caption.replaceAll('"', '""')}"`;
  });
  const captions = join(folder, "captions.csv");
  writeFileSync(captions, ["clip,caption", ...rows].join("\n"));
  const words = [
    "build",
    join(folder, "clips"),
    "--captions",
    captions,
    "--out",
    set,
    "--questions",
    "describe",
  ];
  const { status } = spawnSync(process.execPath, [program, ...words], { stdio: "inherit", env });
  if (status !== 0) throw new Error(`build ended with ${status}`);
  return set;
};

/** Runs a recipe; prints its steps and the largest memory of all its processes; returns its folder. */
const train = async (recipe: string, given: Readonly<Record<string, unknown>>): Promise<string> => {
  const common = {
    "look.frames": 4,
    "look.minPixels": 25_088,
    "look.maxPixels": 50_176,
    "lora.rank": 8,
    "watch.validateEvery": 0,
  };
  const settings = Object.entries({ ...common, ...given }).flatMap(([key, value]) => [
    "--set",
    `${key}=${typeof value === "object" ? JSON.stringify(value) : value}`,
  ]);
  const plugins = oddPlugins.flatMap((file) => ["--plugin", file]);
  const out = join(folder, `${recipe}-${Date.now()}`);
  const words = [
    "train",
    recipe,
    "--model",
    checkpoint,
    "--data",
    set,
    "--out",
    out,
    ...plugins,
    ...settings,
  ];
  const start = performance.now();
  const child = spawn(process.execPath, [program, ...words], { stdio: "inherit", env });
  let bytes = 0;
  const watch = setInterval(() => {
    bytes = Math.max(bytes, treeBytes(child.pid!));
  }, 500);
  const code = await new Promise((done) => child.once("exit", done));
  clearInterval(watch);
  for (const row of readRun(out).metrics) {
    const numbers = ["step", "loss", "gradientNorm", "speed/seconds", "speed/waitingShare"];
    console.log(`${recipe}: ${JSON.stringify(numbers.map((name) => [name, row[name]]))}`);
  }
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  console.log(
    `${recipe}: status ${code}, ${seconds} s in all, largest memory ${(bytes / 2 ** 30).toFixed(1)} GiB`,
  );
  if (code !== 0) throw new Error(`${recipe} ended with ${code}`);
  return out;
};

const isThere = existsSync(join(folder, "checkpoint", "config.json"));
const checkpoint = isThere
  ? join(folder, "checkpoint")
  : writeThreeBillion(folder, tokenizer, Number(values.layers));
const set = makeSet();
try {
  const block = Math.min(16, Number(values.layers));
  await train("videoperceiver-sft", {
    steps: values.steps,
    clipsPerStep: 1,
    textsPerClip: 1,
    checkpointEvery: 100,
    "losses.contrastive.block": block,
    "monitor.every": 0,
  });
  const compared = await train("videoperceiver-grpo", {
    steps: 1,
    promptsPerStep: 1,
    completions: 4,
    maxNewTokens: 4,
    "prefilter.draws": 0,
    "instructionGuard.prompts": 0,
    refeedTries: 1,
    ...oddSettings,
  });
  const fault = policyFault(readRun(compared).metrics, readRollouts(compared));
  if (fault !== undefined) throw new Error(fault);
} finally {
  if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
}
