import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { dualEncoderStore, saveDualEncoder } from "../../src/engine/dual-encoder-store.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { initialize } from "../../src/model/initialize.ts";
import { readPictureSettings, writePictureSettings } from "../../src/model/picture-settings.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { segmentEndTokens } from "../../src/text/word-level-tokenizer.ts";
import { openVideoService } from "../../src/video/service.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { tokenFields, writeRandomCheckpoint, writeWordTokenizer } from "../random-checkpoint.ts";
import { smallConfig } from "../unit/model/small-config.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const [width, height] = [64, 48];
let folder: string;
let clip: string;

const configOf = (files: string) => smallConfig(tokenFields(loadTokenizer(files)));

/** A random model with a tokenizer; with segment ends it is one of ours, else one of the hub. */
const makeModel = (name: string, ends: readonly string[], pictures: boolean): string => {
  const files = join(folder, `${name} files`);
  writeWordTokenizer(files, "what happens ? red flash .".split(" "), ends);
  if (pictures) writePictureSettings(files, { width: 56, height: 56, framesPerSecond: 5 });
  const out = join(folder, name);
  writeRandomCheckpoint(out, files, configOf(files), name);
  return out;
};
const ask = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [program, "ask", clip, ...args], { encoding: "utf8" });

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "ask-"));
  clip = join(folder, "clip.mp4");
  const count = 40;
  const pixels = new Uint8Array(count * width * height * 3).fill(90);
  for (let t = 16; t < 24; t++)
    for (let y = 10; y < 40; y++)
      for (let x = 10; x < 40; x++) pixels.set([240, 20, 20], ((t * height + y) * width + x) * 3);
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / 20),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(clip, { width, height, frames: [{ pixels, width, height, frames }] });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Told {
  readonly kind: string;
  readonly answer: string;
  readonly changes: boolean;
  readonly options?: readonly { option: string; probability: number; logprob: number }[];
  readonly takenShare: number;
  readonly randomChangesShare: number | null;
  readonly randomRemoval: readonly { answer: string; options?: readonly { probability: number }[] }[];
  readonly width: number;
  readonly height: number;
  readonly frames: readonly { index: number; timeSeconds: number }[];
  readonly absent: { readonly answer: string; readonly pair: { replacements: { index: number }[] } };
}

describe.each([
  // Ours: 56 x 56 at 5 frames a second of 2 seconds. The hub's: 2 a second, at least 4; within the
  // 56 x 56 pixels that its files allow.
  ["ours", segmentEndTokens, /ours/, 10, [56, 56]],
  ["hub", [], /Qwen2\.5-VL/, 4, [56, 28]],
] as const)("%s", (name, ends, kind, count, size) => {
  let model: string;
  beforeAll(() => {
    model = makeModel(name, ends, true);
  });
  test("looks at the frames that the model wants and answers the same twice", () => {
    const results = [0, 1].map(() =>
      ask("what happens ?", "--model", model, "--max-new-tokens", "5", "--json"),
    );
    expect(results[0]!.status, results[0]!.stderr).toBe(0);
    expect(results[1]!.stdout).toBe(results[0]!.stdout);
    const told = JSON.parse(results[0]!.stdout) as Told;
    expect(told.kind).toMatch(kind);
    expect(told.frames.length).toBe(count);
    const shape = [told.width, told.height];
    expect(shape.every((side) => side % 28 === 0)).toBe(true);
    expect(shape).toEqual(size);
    expect(told.answer.split(" ").length).toBeLessThanOrEqual(5);
  });
  test("draws by seed, stops at a text, refuses what is out of range; 8-bit weights answer too", () => {
    const asked = ["what happens ?", "--model", model, "--max-new-tokens", "8", "--temperature", "3"];
    const draw = (...more: string[]): string => ask(...asked, ...more).stdout.trim();
    const seeds = ["1", "2", "3"].map((seed) => draw("--seed", seed));
    expect(draw("--seed", "1")).toBe(seeds[0]);
    expect(new Set(seeds).size).toBeGreaterThan(1);
    const word = seeds[0]!.split(" ").find((part) => part !== "");
    expect(word).toBeDefined();
    expect(draw("--seed", "1", "--stop", word!)).toBe(seeds[0]!.slice(0, seeds[0]!.indexOf(word!)).trim());
    expect(ask(...asked, "--top-k", "2", "--top-p", "0.5", "--repetition-penalty", "1.2").status).toBe(0);
    expect(ask(...asked, "--decode-weights", "int8").status).toBe(0);
    for (const wrong of [
      ["--top-p", "1.5"],
      ["--temperature", "-1"],
      ["--stop", ""],
    ]) {
      const { status, stderr } = ask(...asked, ...wrong);
      expect(status).toBe(2);
      expect(stderr.split("\n").filter((line) => line !== "" && !line.startsWith("warning"))).toHaveLength(1);
    }
  });
  test("--compare-absent takes the flash away, beside random removals, and says the share", () => {
    const args = "--fps 5 --compare-absent --draws 3 --max-new-tokens 5 --options".split(" ");
    const asked = ["what happens ?", "--model", model, ...args, "red flash;what happens;red"];
    const told = JSON.parse(ask(...asked, "--json").stdout) as Told;
    const taken = told.absent.pair.replacements.map(({ index }) => index);
    expect(taken.length).toBeGreaterThan(0);
    expect(told.changes).toBe(told.answer !== told.absent.answer);
    const looked = told.frames.filter(({ index }) => taken.includes(index)).length;
    expect(told.takenShare).toBe(looked / told.frames.length);
    expect(told.randomRemoval).toHaveLength(3);
    for (const { options } of [told, ...told.randomRemoval])
      expect(options!.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 6);
    const lines = ask(...asked).stdout.split("\n");
    expect(lines[0]).toBe(`complete: ${told.answer}`);
    expect(lines[1]).toBe(`absent:   ${told.absent.answer}`);
    expect(lines[2]).toMatch(/^random: {3}.* of 3\)/);
    expect(lines[3]).toMatch(/^ {2}red flash: [\d.]+ % complete, [\d.]+ % absent, [\d.]+ % random removal$/);
    expect(lines[6]).toMatch(/^(the answer changes|the same answer) without .* it changes in \d of 3 draws$/);
    expect(lines[6]!.startsWith("the answer changes")).toBe(told.changes);
    expect(lines[7]).toMatch(
      /^taken away: \d+ of the 10 frames that the model sees \(\d+\.\d %\), at [\d.]+ s.*; \d+\.\d % of the clip's frames$/,
    );
    expect(lines[8]).toMatch(/^decisive by motion \(did not read the caption\): how much more/);
  });
  test("options are whole answers, so all that there are share one probability", () => {
    const words = "what happens ? red flash .".split(" ");
    const asked = ["what happens ?", "--model", model, "--max-new-tokens", "1", "--json"];
    const told = JSON.parse(ask(...asked, "--options", words.join(";")).stdout) as Told;
    expect(told.options!.map(({ option }) => option)).toEqual(words);
    const total = told.options!.reduce((sum, { logprob }) => sum + Math.exp(logprob), 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThan(1);
    for (const { probability, logprob } of told.options!)
      expect(probability).toBeCloseTo(Math.exp(logprob) / total, 9);
    expect(ask(...asked, "--options", "red").stderr).toMatch(/expected two or more different answers/);
  });
  test("block by block answers as the whole graph does", () => {
    const asked = [
      "what happens ?",
      "--model",
      model,
      "--max-new-tokens",
      "6",
      "--options",
      "red;flash",
      "--json",
    ];
    const [whole, layerwise] = ["whole", "layerwise"].map((execution) => {
      const { status, stdout, stderr } = ask(...asked, "--execution", execution);
      expect(status, stderr).toBe(0);
      return JSON.parse(stdout) as Told;
    });
    expect(layerwise!.answer).toBe(whole!.answer);
    expect(layerwise!.options![0]!.probability).toBeCloseTo(whole!.options![0]!.probability, 4);
  });
  test("the run of an adapter is asked by its folder: with the model that it was trained on, twin, control and options too", () => {
    const adapted = adaptedModel(configOf(model));
    const random = seededRandom("trained", name);
    const shape = { targets: ["q_proj", "down_proj"], rank: 4, alpha: 64, base: model };
    const made = newAdapter(adapted, shape, random);
    for (const { b_OR } of made.modules) for (let i = 0; i < b_OR.length; i++) b_OR[i] = random.normal();
    const run = join(folder, `${name} adapter run`);
    const checkpoint = join(run, "checkpoints", "3");
    mkdirSync(join(run, "checkpoints"), { recursive: true });
    writeFileSync(join(run, "config.json"), "{}");
    writeAdapter(checkpoint, made, adapted);
    const files = readdirSync(checkpoint).map((file) => ({
      file,
      bytes: statSync(join(checkpoint, file)).size,
    }));
    const record = { schema: "videoperceiver/checkpoint@1", step: 3, files, state: null };
    writeFileSync(join(checkpoint, "checkpoint.json"), JSON.stringify(record));
    const more = "--fps 5 --compare-absent --draws 2 --max-new-tokens 5 --json --options".split(" ");
    const asked = (...of: string[]): Told => {
      const { status, stdout, stderr } = ask("what happens ?", ...of, ...more, "red;flash");
      expect(status, stderr).toBe(0);
      return JSON.parse(stdout) as Told;
    };
    const told = asked("--model", run);
    expect(told).toEqual(asked("--model", model, "--adapter", checkpoint));
    expect(told.randomRemoval).toHaveLength(2);
    for (const { options } of [told, ...told.randomRemoval]) expect(options).toHaveLength(2);
    const plain = asked("--model", model);
    expect(told.options![0]!.logprob).not.toBeCloseTo(plain.options![0]!.logprob, 3);
    const json = readFileSync(join(checkpoint, "adapter_config.json"), "utf8");
    writeFileSync(join(checkpoint, "adapter_config.json"), json.replace(model, join(folder, "moved")));
    const lost = ask("what happens ?", "--model", checkpoint);
    expect(lost.status).toBe(2);
    expect(lost.stderr).toMatch(/^no such model: model of the adapter .*checkpoints.3; .*got .*moved/);
  });
  test("a run's folder is its newest checkpoint", () => {
    const run = join(folder, `run of ${name}`);
    for (const step of [1, 2]) {
      const checkpoint = join(run, "checkpoints", String(step));
      cpSync(model, checkpoint, { recursive: true });
      const files = readdirSync(checkpoint).map((file) => ({
        file,
        bytes: statSync(join(checkpoint, file)).size,
      }));
      const record = { schema: "videoperceiver/checkpoint@1", step, files, state: null };
      writeFileSync(join(checkpoint, "checkpoint.json"), JSON.stringify(record));
    }
    const told = JSON.parse(
      ask("what happens ?", "--model", run, "--max-new-tokens", "2", "--json").stdout,
    ) as {
      model: string;
    };
    expect(told.model).toBe(join(run, "checkpoints", "2"));
    const several = ask("what happens ?", "--model", folder);
    expect(several.stderr).toMatch(/^a folder with several runs: --model [^\n]*run of [^\n]*\n$/);
  });
});

describe("one of ours", () => {
  const asked = ["what happens ?", "--max-new-tokens", "2", "--json"];
  test("a small vocabulary is warned about on a clip of another size, and refuses words that it lacks", () => {
    const model = makeModel("toy", segmentEndTokens, true);
    expect(ask(...asked, "--model", model).stderr).toMatch(
      /^warning: this model knows \d+ words and was trained on rendered clips of 56x56 [^\n]*64x48 means nothing$/m,
    );
    expect(ask("What happens?", ...asked.slice(1), "--model", model).status).toBe(0);
    expect(ask("what explodes ?", ...asked.slice(1), "--model", model).stderr).toMatch(
      /words that this model has never seen; got explodes/,
    );
    for (const [flag, value] of [
      ["--frames", "4"],
      ["--max-pixels", "100000"],
    ])
      expect(ask(...asked, "--model", model, flag!, value!).stderr).toContain(`got ${flag}`);
  });
  test("relevance by a checkpoint of ours finds what it needs", () => {
    const encoder = join(folder, "encoder");
    const words = ["flash", "red"];
    const config = {
      family: "videoperceiver-dual-encoder",
      pixels: 28,
      patch: 14,
      width: 8,
      reach: 1,
      words,
    } as const;
    const store = dualEncoderStore(config, false);
    initialize(store.all(), seededRandom("encoder"), 1);
    mkdirSync(encoder);
    saveDualEncoder(encoder, config, store);
    const model = makeModel("looker", segmentEndTokens, true);
    const made = ask(
      ...[...asked, "--model", model, "--compare-absent", "--draws", "0", "--fps", "20"],
      ...["--relevance", `checkpoint:${encoder}`, "--keywords", "flash"],
    );
    expect(made.status, made.stderr).toBe(0);
    const { absent } = JSON.parse(made.stdout) as { absent: { pair: Record<string, unknown> } };
    // `absent` over the same frames makes the same pair, to the byte.
    const out = join(folder, "same pair");
    const args = [
      "absent",
      clip,
      "--caption",
      "what happens ?",
      "--keywords",
      "flash",
      "--fps",
      "all",
      "--virtual",
    ];
    const run = spawnSync(process.execPath, [
      program,
      ...args,
      "--relevance",
      `checkpoint:${encoder}`,
      "--out",
      out,
    ]);
    expect(run.status).toBe(0);
    const written = JSON.parse(readFileSync(join(out, "pair.json"), "utf8")) as Record<string, unknown>;
    const named = (pair: Record<string, unknown>): string =>
      JSON.stringify({ ...pair, complete: "the clip" });
    expect(named(absent.pair)).toBe(named(written));
  });
});

test("the processor's frames and pixels can be asked for", () => {
  const model = makeModel("limits", [], true);
  const wide = { min_pixels: 784, max_pixels: 1e7 };
  for (const name of ["preprocessor_config.json", "video_preprocessor_config.json"]) {
    const file = join(model, name);
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, "utf8")), ...wide }));
  }
  const told = (...args: string[]): Told =>
    JSON.parse(
      ask("what happens ?", "--model", model, "--max-new-tokens", "1", "--json", ...args).stdout,
    ) as Told;
  expect(told("--frames", "8").frames).toHaveLength(8);
  expect(told("--fps", "3").frames).toHaveLength(6);
  const small = told("--max-pixels", "7000", "--min-pixels", "3136");
  expect(small.width * small.height).toBeLessThanOrEqual(7000);
  const large = told("--min-pixels", "200000");
  expect(large.width * large.height).toBeGreaterThanOrEqual(200_000);
  const both = ask("what happens ?", "--model", model, "--fps", "2", "--frames", "4");
  expect(both.stderr).toMatch(
    /^frames of a clip; expected either a rate \(fps\) or a number of frames \(nframes\)[^\n]*\n$/,
  );
});

test("what is missing is told in one line", () => {
  const without = makeModel("no pictures", segmentEndTokens, false);
  const result = ask("what happens ?", "--model", without);
  expect(result.status).toBe(2);
  expect(result.stderr).toMatch(
    /^checkpoint does not say how large its pictures are[^\n]*frame_width[^\n]*\n$/,
  );
  const nothing = ask("what happens ?", "--model", join(folder, "nowhere"));
  expect(nothing.status).toBe(2);
  expect(nothing.stderr).toMatch(/^no such model: --model; expected [^\n]*nowhere[^\n]*\n$/);
  const empty = ask(" ", "--model", without);
  expect(empty.stderr).toMatch(/^empty question[^\n]*\n$/);
});

test("picture settings come back as they were written", () => {
  const settings = { width: 168, height: 112, framesPerSecond: 2.5 };
  writePictureSettings(folder, settings);
  expect(readPictureSettings(folder)).toEqual(settings);
});
