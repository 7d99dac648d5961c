import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { type FrameBatch, pixelsOf } from "../../src/frames/frame-batch.ts";
import { chooseRelevance } from "../../src/selection/relevance-choice.ts";

const python = process.env["VIDEOPERCEIVER_ORACLE_PYTHON"];
if (python === undefined) console.log("\nSKIPPED: the BLIP-2 reference server: run by npm run test:oracle\n");

const fileOf = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const work = mkdtempSync(join(tmpdir(), "blip2-oracle-"));
const environment = { ...process.env, HF_HUB_OFFLINE: "1" };
const run = (command: string, input = ""): string =>
  execFileSync(python!, ["-P", fileOf("./blip2_model.py"), command, work], {
    input,
    encoding: "utf8",
    maxBuffer: 1 << 28,
    stdio: ["pipe", "pipe", "pipe"],
    env: environment,
  });

const count = 11;
const batch: FrameBatch = (() => {
  const random = seededRandom("blip2 oracle");
  const [width, height] = [48, 36];
  return {
    width,
    height,
    frames: Array.from({ length: count }, (_, index) => ({ index, timeSeconds: index / 8 })) as never,
    pixels: Uint8Array.from(
      { length: count * width * height * 3 },
      (_, at) => (Math.floor(at / 5184) * 29 + (at % 144) + random.integer(80)) & 255,
    ),
  };
})();

describe.skipIf(python === undefined)("scripts/blip2-scorer", () => {
  let server: ChildProcess;
  let address = "";
  beforeAll(async () => {
    run("make");
    const script = fileOf("../../scripts/blip2-scorer/server.py");
    server = spawn(python!, ["-P", script, "--model", work, "--port", "0"], {
      stdio: ["ignore", "pipe", "ignore"],
      env: environment,
    });
    const [line] = (await once(createInterface({ input: server.stdout! }), "line")) as [string];
    address = /http:\S+/.exec(line)![0];
  }, 120_000);
  afterAll(async () => {
    server?.kill();
    if (server !== undefined && server.exitCode === null) await once(server, "exit");
    rmSync(work, { recursive: true });
  });
  const scored = async (
    keywords: readonly string[],
    framesPerRequest = 4,
  ): Promise<{ scores: number[]; version: string }> => {
    const { made } = await chooseRelevance(`blip2:url=${address},framesPerRequest=${framesPerRequest}`);
    const frames = (async function* () {
      yield batch;
    })();
    const request = { frames, timeline: batch.frames, keywords, caption: "", context: {} };
    return { scores: [...(await made.value.score(request))], version: made.value.version() };
  };

  test("scores as transformers' image-text contrast does, however frames are grouped", async () => {
    const raw = { width: batch.width, height: batch.height, channels: 3 as const };
    const frames = await Promise.all(
      batch.frames.map(async (_, at) => {
        const png = await sharp(pixelsOf(batch, at), { raw }).png().toBuffer();
        return png.toString("base64");
      }),
    );
    const { scores: expected } = JSON.parse(
      run("score", JSON.stringify({ keyword: "flip pancake", frames })),
    ) as { scores: number[] };
    const { scores, version } = await scored(["flip pancake"]);
    expect(new Set(expected.map((score) => score.toFixed(4))).size).toBeGreaterThan(3);
    scores.forEach((score, at) => {
      expect(Math.abs(score - expected[at]!), `frame ${at}`).toBeLessThan(1e-4);
    });
    expect(version).toMatch(/^1\/blip2-oracle-\w+@[0-9a-f]{12}$/);
    const { scores: again } = await scored(["flip pancake"], 16);
    again.forEach((score, at) => {
      expect(Math.abs(score - scores[at]!)).toBeLessThan(1e-5);
    });
  });

  test("several keywords are pooled; the order does not matter", async () => {
    const [a, b] = [await scored(["flip pancake", "crash"]), await scored(["crash", "flip pancake"])];
    const single = await scored(["crash"]);
    a.scores.forEach((score, at) => {
      expect(Math.abs(score - b.scores[at]!)).toBeLessThan(1e-5);
    });
    expect(Math.max(...a.scores.map((score, at) => Math.abs(score - single.scores[at]!)))).toBeGreaterThan(
      1e-3,
    );
  });

  test.each([
    ["{", 400, "expected JSON"],
    ['{"keywords":[],"frames":["x"]}', 400, "keywords must be"],
    ['{"keywords":["a"],"frames":[]}', 400, "frames must be"],
    ['{"keywords":["a"],"frames":["????"]}', 400, "frame 0 is no picture"],
    ['{"keywords":["a"],"frames":["aGVsbG8="]}', 400, "frame 0 is no picture"],
  ])("answers %s with %i and one line, and lives on", async (body, status, message) => {
    const response = await fetch(`${address}/score`, { method: "POST", body });
    expect(response.status).toBe(status);
    expect(((await response.json()) as { error: string }).error).toContain(message);
    expect((await fetch(`${address}/info`)).status).toBe(200);
    expect((await fetch(`${address}/other`)).status).toBe(404);
  });
});
