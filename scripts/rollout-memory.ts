/**
 * Memory of drawing completions on real long clips: one step of `videoperceiver-grpo` from random weights of shape small, with
 * the draws of a step at once and in pieces. Prints the largest memory of each (all processes), its time, and whether the
 * roll-outs are the same, bit for bit.
 *
 * Run: node scripts/rollout-memory.ts --tokenizer FOLDER --clips FOLDER [--count 6] [--frames 64] [--out FOLDER]
 *   --tokenizer   a Qwen2.5-VL folder without weights
 *   --clips       a folder with clips and clips.json, a list of { file, caption, probe: { containerDuration } }
 *   --positions   values of positionsPerDraw
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { treeBytes } from "../bench/process-memory.ts";
import { makeFolder, readJsonFile } from "../src/core/files.ts";
import { readRollouts } from "../src/runs/read-run.ts";
import { smallHubModel } from "./small-hub-model.ts";

const { values } = parseArgs({
  options: {
    tokenizer: { type: "string" },
    clips: { type: "string" },
    count: { type: "string", default: "6" },
    frames: { type: "string", default: "64" },
    positions: { type: "string", default: "1000000000,65536,32768" },
    out: { type: "string" },
  },
});
const { tokenizer, clips, count, frames } = values;
if (tokenizer === undefined || clips === undefined) {
  console.error(
    "usage: node scripts/rollout-memory.ts --tokenizer FOLDER --clips FOLDER [--count N] [--frames N]",
  );
  process.exit(2);
}
const out = values.out ?? mkdtempSync(join(tmpdir(), "rollout-memory-"));
const program = fileURLToPath(new URL("../bin/videoperceiver.mjs", import.meta.url));

/** A data set of the longest clips and their captions. */
const makeSet = (): string => {
  const [set, folder] = [join(out, "set"), join(out, "clips")];
  if (existsSync(join(set, "dataset.json"))) return set;
  makeFolder(folder);
  const known = readJsonFile(join(clips, "clips.json")) as readonly {
    readonly file: string;
    readonly caption: string;
    readonly probe: { readonly containerDuration: number | null };
  }[];
  const long = known
    .filter(({ caption, probe }) => caption && (probe.containerDuration ?? 0) >= 10)
    .sort((a, b) => b.probe.containerDuration! - a.probe.containerDuration!);
  const rows = long.slice(0, Number(count)).map(({ file, caption }) => {
    cpSync(join(clips, file), join(folder, file));
    return `${file},"${caption.replaceAll('"', '""')}"`;
  });
  const captions = join(out, "captions.csv");
  writeFileSync(captions, ["clip,caption", ...rows].join("\n"));
  const words = ["build", folder, "--captions", captions, "--out", set, "--questions", "describe"];
  const { status } = spawnSync(process.execPath, [program, ...words], { stdio: "inherit" });
  if (status !== 0) throw new Error(`build ended with ${status}`);
  return set;
};

const train = async (name: string, positions: string): Promise<{ seconds: number; bytes: number }> => {
  const settings = {
    steps: "1",
    promptsPerStep: count,
    completions: "8",
    maxNewTokens: "16",
    beta: "0",
    "prefilter.draws": "0",
    "instructionGuard.prompts": "0",
    refeedTries: "1",
    positionsPerBatch: "4096",
    positionsPerDraw: positions,
    "look.frames": frames,
    "look.minPixels": "25088",
    "look.maxPixels": "50176",
  };
  const given = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const words = [
    "train",
    "videoperceiver-grpo",
    "--model",
    join(out, "model"),
    "--data",
    set,
    "--threads",
    "1",
  ];
  const start = performance.now();
  const child = spawn(process.execPath, [program, ...words, ...given, "--out", join(out, name)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  let bytes = 0;
  const watch = setInterval(() => {
    bytes = Math.max(bytes, treeBytes(child.pid!));
  }, 100);
  const code = await new Promise((done) => child.once("exit", done));
  clearInterval(watch);
  if (code !== 0) throw new Error(`train with positionsPerDraw=${positions} ended with ${code}`);
  return { seconds: (performance.now() - start) / 1000, bytes };
};

const set = makeSet();
if (!existsSync(join(out, "model", "config.json"))) await smallHubModel(join(out, "model"), tokenizer);
let first: string | undefined;
for (const positions of values.positions.split(",")) {
  const name = `run-${positions}-${Date.now()}`;
  const { seconds, bytes } = await train(name, positions);
  const drawn = JSON.stringify(readRollouts(join(out, name)));
  first ??= drawn;
  const same = drawn === first ? "the same roll-outs" : "OTHER ROLL-OUTS";
  console.log(
    `positionsPerDraw=${positions}: ${(bytes / 2 ** 20).toFixed(0)} MiB, ${seconds.toFixed(0)} s, ${same}`,
  );
}
