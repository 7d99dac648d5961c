import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { type FrameBatch, pixelsOf } from "../../src/frames/frame-batch.ts";
import type { RelevanceRequest } from "../../src/selection/relevance.ts";
import { chooseRelevance } from "../../src/selection/relevance-choice.ts";

const python = process.env["VIDEOPERCEIVER_ORACLE_PYTHON"];
if (python === undefined)
  console.log("\nSKIPPED: CLIP and SigLIP against transformers: run by npm run test:oracle\n");

const script = fileURLToPath(new URL("./image_text_models.py", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "image-text-oracle-"));
afterAll(() => rmSync(work, { recursive: true }));
const run = (args: readonly string[], input = ""): string =>
  execFileSync(python!, ["-P", script, ...args], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
  });

const keywords = ["flip pancake", "catch the ball", "crash"];
const template = "a photo of someone who {}";

/** Noise over gradients at a size that no model has. */
const clip = (width: number, height: number): FrameBatch => {
  const random = seededRandom("image-text oracle", width);
  const count = 7;
  return {
    width,
    height,
    frames: Array.from({ length: count }, (_, index) => ({ index, timeSeconds: index / 8 })) as never,
    pixels: Uint8Array.from({ length: count * width * height * 3 }, (_, at) => {
      const frame = Math.floor(at / (width * height * 3));
      const x = Math.floor(at / 3) % width;
      return (frame * 37 + ((at % 3) * 60 + x * (frame + 1)) + random.integer(60)) & 255;
    }),
  };
};
const request = (batch: FrameBatch, words: readonly string[]): RelevanceRequest => ({
  frames: (async function* () {
    yield batch;
  })(),
  timeline: batch.frames,
  keywords: words,
  caption: "",
  context: {},
});
const ours = async (
  choice: string,
  batch: FrameBatch,
  words: readonly string[] = keywords,
): Promise<{ scores: number[]; version: string }> => {
  const { made } = await chooseRelevance(choice);
  try {
    const scores = [...(await made.value.score(request(batch, words)))];
    return { scores, version: made.value.version() };
  } finally {
    await made.value.close?.();
  }
};
const reference = async (kind: string, batch: FrameBatch): Promise<number[]> => {
  const raw = { width: batch.width, height: batch.height, channels: 3 as const };
  const frames = await Promise.all(
    batch.frames.map(async (_, at) => {
      const png = await sharp(pixelsOf(batch, at), { raw }).png().toBuffer();
      return png.toString("base64");
    }),
  );
  const texts = keywords.map((keyword) => template.replace("{}", keyword));
  return (JSON.parse(run(["score", work, kind], JSON.stringify({ texts, frames }))) as { scores: number[] })
    .scores;
};

describe.skipIf(python === undefined)("CLIP and SigLIP through transformers.js", () => {
  beforeAll(() => {
    run(["make", work]);
  });
  /** Float32 noise of two runtimes on two blocks of width 32 (measured: below 1e-6). */
  const tolerance = 1e-4;

  test.each([
    ["clip", 61, 47],
    ["clip", 40, 90],
    ["clip", 32, 32],
    ["siglip", 61, 47],
    ["siglip", 20, 24],
  ])("%s: frames of %ix%i score as in transformers", async (kind, width, height) => {
    const batch = clip(width, height);
    const { scores, version } = await ours(`clip:${join(work, kind)}`, batch);
    const expected = await reference(kind, batch);
    expect(new Set(expected.map((score) => score.toFixed(4))).size).toBeGreaterThan(3);
    scores.forEach((score, at) => {
      expect(Math.abs(score - expected[at]!), `frame ${at}`).toBeLessThan(tolerance);
    });
    expect(version).toMatch(/^2\/[0-9a-f]{12}$/);
  });

  test("dtype chooses the file; other weights have another version; a missing file is named", async () => {
    const folder = join(work, "quantised");
    cpSync(join(work, "clip"), folder, { recursive: true });
    for (const tower of ["text_model", "vision_model"])
      renameSync(join(folder, `onnx/${tower}.onnx`), join(folder, `onnx/${tower}_quantized.onnx`));
    const batch = clip(40, 40);
    const plain = await ours(`clip:${join(work, "clip")}`, batch);
    expect(await ours(`clip:model=${folder},dtype=q8`, batch)).toEqual(plain);
    const siglip = await ours(`clip:${join(work, "siglip")}`, batch);
    expect(siglip.version).not.toBe(plain.version);
    await expect(ours(`clip:${folder}`, batch)).rejects.toThrow(
      /the model folder lacks a file: .*quantised; expected onnx\/text_model\.onnx; got onnx\/: text_model_quantized\.onnx, vision_model_quantized\.onnx/,
    );
    rmSync(join(folder, "tokenizer.json"));
    await expect(ours(`clip:model=${folder},dtype=q8`, batch)).rejects.toThrow("expected tokenizer.json");
  });

  test.each(["clip", "siglip"])(
    "%s: a keyword that the model cannot hold is an error, not a cut",
    async (kind) => {
      const words = ["jump", "flip the pancake ".repeat(20)];
      await expect(ours(`clip:${join(work, kind)}`, clip(32, 32), words)).rejects.toThrow(
        "too long for the model",
      );
    },
  );

  test("a folder that is no image-text model is refused", async () => {
    const folder = join(work, "other");
    cpSync(join(work, "clip"), folder, { recursive: true });
    writeFileSync(join(folder, "config.json"), JSON.stringify({ model_type: "bert" }));
    await expect(ours(`clip:${folder}`, clip(32, 32))).rejects.toThrow("model_type bert");
  });
});
