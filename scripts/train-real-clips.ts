/**
 * From clips to an answer: a data set of captioned clips, a random checkpoint of shape small with a real tokenizer,
 * processor and template, `train sft` to the end of the schedule, `ask` about every clip. Prints how many captions come
 * back word for word, and exits with 1 below 90 %. With --lora the checkpoint is first trained whole on as many other clips,
 * and then an adapter of rank 32 on its language model is what learns the captions.
 *
 * Run: node scripts/train-real-clips.ts --tokenizer FOLDER --clips FOLDER [--count N] [--steps N] [--lora] [--out FOLDER]
 *   --tokenizer   a Qwen2.5-VL folder without weights: tokenizer, chat template, processor settings
 *   --clips       a folder with clips and clips.json, a list of { file, caption, probe: { containerDuration } }
 *   --base-steps  with --lora: steps on the other clips
 *   --rate        learning rate
 *   --out         goes on where an earlier call in the same folder stopped
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeFolder, readJsonFile } from "../src/core/files.ts";
import { questionText } from "../src/dataset/question.ts";
import { readSamples } from "../src/dataset/read.ts";
import { smallHubModel } from "./small-hub-model.ts";

const { values } = parseArgs({
  options: {
    tokenizer: { type: "string" },
    clips: { type: "string" },
    count: { type: "string", default: "20" },
    steps: { type: "string", default: "200" },
    threads: { type: "string", default: "1" },
    lora: { type: "boolean", default: false },
    "base-steps": { type: "string", default: "80" },
    rate: { type: "string" },
    out: { type: "string" },
  },
});
const { tokenizer, clips, count, steps, threads, lora } = values;
if (tokenizer === undefined || clips === undefined) {
  console.error(
    "usage: node scripts/train-real-clips.ts --tokenizer FOLDER --clips FOLDER [--count N] [--steps N] [--lora]",
  );
  process.exit(2);
}
const out = values.out ?? mkdtempSync(join(tmpdir(), "train-real-clips-"));
const program = fileURLToPath(new URL("../bin/videoperceiver.mjs", import.meta.url));

const run = (args: readonly string[]): string => {
  const { status, stdout } = spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new Error(`videoperceiver ${args[0]} ended with ${status}: ${stdout}`);
  return stdout;
};

interface KnownClip {
  readonly file: string;
  readonly caption: string;
  readonly probe: { readonly containerDuration: number | null };
}

/** A data set of clips of 1 to 12 seconds and their captions. @param first how many such clips are passed over */
const makeSet = (name: string, first: number): string => {
  const set = join(out, name);
  if (existsSync(join(set, "dataset.json"))) return set;
  const folder = join(out, `${name} clips`);
  makeFolder(folder);
  const known = readJsonFile(join(clips, "clips.json")) as readonly KnownClip[];
  const usable = known.filter(
    ({ caption, probe: { containerDuration: long } }) => caption && long && long > 1 && long < 12,
  );
  const rows = usable.slice(first, first + Number(count)).map(({ file, caption }) => {
    cpSync(join(clips, file), join(folder, file));
    return `${file},"${caption.replaceAll('"', '""')}"`;
  });
  const captions = join(out, `${name}.csv`);
  writeFileSync(captions, ["clip,caption", ...rows].join("\n"));
  const plain = ["--skip-rules", "near-duplicate", "--untwinned", "--questions", "describe"];
  console.log(run(["build", folder, "--captions", captions, "--out", set, ...plain]));
  return set;
};

const look = { frames: "8", minPixels: "3136", maxPixels: "12544" };
const common = {
  clipsPerStep: "10",
  "optimizer.weightDecay": "0",
  positionsPerBatch: "2048",
  "look.frames": look.frames,
  "look.minPixels": look.minPixels,
  "look.maxPixels": look.maxPixels,
};

/** Trains into a run folder. */
const train = (model: string, set: string, folder: string, own: Readonly<Record<string, string>>): void => {
  const given = Object.entries({ ...common, ...own }).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
  const request = ["train", "sft", "--model", model, "--data", set, "--threads", threads, ...given];
  console.log(run([...request, "--dry-run"]));
  console.log(run([...request, "--out", folder, "--resume"]));
};

const model = join(out, "model");
const trained = join(out, "run");
const set = makeSet("set", 0);
if (!existsSync(join(model, "config.json"))) await smallHubModel(model, tokenizer);
const rate = "schedule.learningRate";
if (lora) {
  const base = join(out, "base");
  const baseSteps = values["base-steps"];
  train(model, makeSet("other", Number(count)), base, { steps: baseSteps, [rate]: "1e-3" });
  const checkpoint = join(base, "checkpoints", baseSteps);
  train(checkpoint, set, trained, { steps, [rate]: values.rate ?? "3e-3", "lora.rank": "32" });
} else train(model, set, trained, { steps, [rate]: values.rate ?? "1e-3" });
let [right, asked] = [0, 0];
for await (const sample of readSamples(set)) {
  const limits = ["--frames", look.frames, "--min-pixels", look.minPixels, "--max-pixels", look.maxPixels];
  const answer = run([
    "ask",
    join(set, sample.clip.file),
    questionText(sample),
    "--model",
    trained,
    "--threads",
    threads,
    ...limits,
  ]).trim();
  asked++;
  if (answer === sample.answer) right++;
  else console.log(`${sample.id}\n  expected ${sample.answer}\n  got      ${answer}`);
}
console.log(`${right} of ${asked} captions word for word`);
process.exit(right >= 0.9 * asked ? 0 : 1);
