import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { emptyStore } from "../../src/engine/onnx/open.ts";
import { initialize } from "../../src/model/initialize.ts";
import { readPictureSettings, writePictureSettings } from "../../src/model/picture-settings.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { segmentEndTokens, wordLevelTokenizerJson } from "../../src/text/word-level-tokenizer.ts";
import { openVideoService } from "../../src/video/service.ts";
import { smallConfig } from "../unit/model/small-config.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const [width, height] = [64, 48];
let folder: string;
let clip: string;

/** A random model with a tokenizer; with segment ends it is one of ours, else one of the hub. */
const makeModel = (name: string, ends: readonly string[], pictures: boolean): string => {
  const files = join(folder, `${name} files`);
  mkdirSync(files);
  for (const [file, content] of Object.entries(
    wordLevelTokenizerJson("what happens ? red flash .".split(" "), ends),
  ))
    writeFileSync(join(files, file), JSON.stringify(content));
  if (pictures) writePictureSettings(files, { width: 56, height: 56, framesPerSecond: 5 });
  const tokenizer = loadTokenizer(files);
  const config = smallConfig({
    vocab_size: tokenizer.size,
    image_token_id: tokenizer.idOf("<|image_pad|>"),
    video_token_id: tokenizer.idOf("<|video_pad|>"),
    vision_start_token_id: tokenizer.idOf("<|vision_start|>"),
    vision_end_token_id: tokenizer.idOf("<|vision_end|>"),
    eos_token_id: [tokenizer.idOf("<|im_end|>")],
  });
  const store = emptyStore(config, "none");
  initialize(store.all(), seededRandom(name), 1);
  const out = join(folder, name);
  saveCheckpoint(out, config, [...store.tensors()], { dtype: "float32", tokenizerFrom: files });
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
  readonly width: number;
  readonly height: number;
  readonly frames: readonly { index: number; timeSeconds: number }[];
  readonly absent: { readonly answer: string; readonly pair: { replacements: { index: number }[] } };
}

describe.each([
  // Ours: 56 x 56 at 5 frames a second of 2 seconds. The hub's: 2 a second, at least 4; 128 merged patches a frame.
  ["ours", segmentEndTokens, /ours/, 10, [56, 56]],
  ["hub", [], /Qwen2\.5-VL/, 4, [392, 280]],
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
      expect(stderr.trim().split("\n")).toHaveLength(1);
    }
  });
  test("--compare-absent takes the flash away and says both answers", () => {
    const args = [
      "what happens ?",
      "--model",
      model,
      "--fps",
      "5",
      "--compare-absent",
      "--max-new-tokens",
      "5",
    ];
    const told = JSON.parse(ask(...args, "--json").stdout) as Told;
    const taken = told.absent.pair.replacements.map(({ index }) => index);
    expect(taken.length).toBeGreaterThan(0);
    expect(told.changes).toBe(told.answer !== told.absent.answer);
    const [complete, absent, verdict] = ask(...args).stdout.split("\n");
    expect(complete).toBe(`complete: ${told.answer}`);
    expect(absent).toBe(`absent:   ${told.absent.answer}`);
    expect(verdict).toMatch(
      /^(the answer changes|the same answer) \(\d+ of 10 frames taken away, at [\d.]+ s/,
    );
    expect(verdict!.startsWith("the answer changes")).toBe(told.changes);
  });
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
