/** What `train` says about a disk that is full, a place that cannot be written, and a run that is not the one asked for. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readRun } from "../../src/runs/read-run.ts";
import { makeTrainingSet, trainingModel } from "../training-set.ts";
import { withoutClocks } from "../without-clocks.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
let folder: string;
let model: string;
let set: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "train-refusals-"));
  model = trainingModel(folder);
  set = await makeTrainingSet(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const words = (out: string, from: string = model, data: string = set): string[] => {
  const settings = [
    "clipsPerStep=4",
    "steps=4",
    "checkpointEvery=2",
    "look.minPixels=784",
    "look.maxPixels=4704",
  ];
  const given = settings.flatMap((setting) => ["--set", setting]);
  const paths = ["--model", from, "--data", data, "--threads", "1", "--out", out, "--resume"];
  return [program, "train", "sft", ...paths, ...given];
};
const train = (...args: Parameters<typeof words>) =>
  spawnSync(process.execPath, words(...args), { encoding: "utf8" });
/** Its last line, which is the only one about an error. */
const lastLine = ({ stderr }: { readonly stderr: string }): string => {
  expect(stderr).not.toContain("    at ");
  return stderr.trimEnd().split("\n").at(-1)!;
};
const curve = (out: string) => readRun(out).metrics.map(withoutClocks);

test("a place that cannot be written is named", () => {
  const file = join(folder, "a file");
  writeFileSync(file, "");
  const refused = train(join(file, "run"));
  expect(refused.status).toBe(2);
  expect(lastLine(refused)).toMatch(
    /^cannot make the run folder: .*a file\/run.*choose a place that can be written$/,
  );
});

test("a loss that the recipe cannot feed is named by the dry run, with what it asks for", () => {
  const place = ["--model", model, "--data", set, "--dry-run", "--set"];
  for (const [recipe, loss, feed] of [
    ["dpo", "contrastive", "twinMask"],
    ["sft", "preference", "chosen"],
  ]) {
    const args = [program, "train", recipe!, ...place, `losses.${loss}={}`];
    const refused = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect(refused.status).toBe(2);
    expect(lastLine(refused)).toMatch(new RegExp(`does not have: losses\\.${loss}; .*got ${feed}; `));
  }
});

test("data that changed and another model are refused in one line, and the run stays as it was", () => {
  const out = join(folder, "run");
  expect(train(out).status).toBe(0);
  const before = curve(out);
  const rows = join(set, "samples-00000.jsonl");
  const text = readFileSync(rows, "utf8");
  writeFileSync(rows, text.replace("a red disc comes early", "a red disc comes late"));
  const changed = train(out);
  expect(changed.status).toBe(2);
  expect(lastLine(changed)).toMatch(/got rows of the data sets have changed since the run began/);
  writeFileSync(rows, text);
  const other = join(folder, "other model");
  cpSync(model, other, { recursive: true });
  expect(lastLine(train(out, other))).toMatch(/got model: ".*" before, ".*other model" now/);
  const weights = join(model, "model.safetensors");
  const bytes = readFileSync(weights);
  const wrong = Buffer.from(bytes);
  wrong[wrong.length - 1]! ^= 1;
  writeFileSync(weights, wrong);
  const swapped = train(out);
  expect(swapped.status).toBe(2);
  expect(lastLine(swapped)).toMatch(/got the model's weights are others/);
  writeFileSync(weights, bytes);
  expect(train(out).status).toBe(0);
  expect(curve(out)).toEqual(before);
});

test("another film in a clip's place is dropped and named, though it has as many frames", () => {
  const other = join(folder, "other set");
  cpSync(set, other, { recursive: true });
  cpSync(join(set, "clips/1.mp4"), join(other, "clips/0.mp4"));
  const { status, stderr } = train(join(folder, "exchanged"), model, other);
  expect(status).toBe(0);
  expect(stderr).toMatch(/dropped clip-0: a clip that is not the one of the data set: .*clips\/0\.mp4/);
  const dropped = readFileSync(join(folder, "exchanged/dropped.jsonl"), "utf8");
  expect(
    dropped
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).id as string)
      .sort(),
  ).toEqual(["clip-0", "gone", "late-0", "turns"]);
});

/** Runs a shell program as root of a file system namespace of its own. */
const apart = (script: string, ...args: readonly string[]) =>
  spawnSync("unshare", ["-rm", "bash", "-c", script, "-", ...args], { encoding: "utf8" });
const cannotMount = apart('mount -t tmpfs -o size=1m tmpfs "$1"', tmpdir()).status !== 0;
if (cannotMount) console.log("\nSKIPPED: train on a full disk: no file system can be mounted here\n");

describe.skipIf(cannotMount)("on a full disk", () => {
  test("says so in one line; with room it goes on from what was saved and ends as it would have", () => {
    const [disk, kept] = [join(folder, "disk"), join(folder, "kept")];
    for (const place of [disk, kept]) mkdirSync(place);
    // Room for one checkpoint, then for all.
    const script = `disk=$1 kept=$2; shift 2
      mount -t tmpfs -o size=2400k tmpfs "$disk"
      "$@"; first=$?
      ls "$disk/run/checkpoints" > "$kept/saved"
      mount -o remount,size=64m "$disk"
      "$@"; second=$?
      cp -r "$disk/run" "$kept"; echo "$first $second" > "$kept/status"`;
    const { stderr } = apart(script, disk, kept, process.execPath, ...words(join(disk, "run")));
    expect(readFileSync(join(kept, "status"), "utf8")).toBe("2 0\n");
    expect(readFileSync(join(kept, "saved"), "utf8")).toMatch(/^2\n/);
    const told = stderr.split("\n").filter((line) => line.includes("ENOSPC"));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatch(/checkpoints\/4.*no space left on device.*free space on the disk/);
    const whole = join(folder, "whole");
    expect(train(whole).status).toBe(0);
    expect(curve(join(kept, "run"))).toEqual(curve(whole));
    const weights = (out: string): Buffer => readFileSync(join(out, "checkpoints/4/model.safetensors"));
    expect(weights(join(kept, "run")).equals(weights(whole))).toBe(true);
  });
});
