import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UnsupportedError, VideoError } from "../../src/core/errors.ts";
import { nowMilliseconds } from "../../src/core/progress.ts";
import { type Random, seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { streamFrames } from "../../src/frames/read-frames.ts";
import { openVideoService, type VideoService } from "../../src/video/service.ts";
import { sharedAvailable, sharedFile } from "../shared-data.ts";

/**
 * Damaged files: each gives frames or a typed error within the limits, and the service goes on. VIDEOPERCEIVER_FUZZ sets how
 * many (default 40 a decoder), VIDEOPERCEIVER_FUZZ_SEED which.
 */
const count = Number(process.env["VIDEOPERCEIVER_FUZZ"] ?? 40);
const seed = process.env["VIDEOPERCEIVER_FUZZ_SEED"] ?? "1";
const slowestSeconds = 25;

const mutate = (bytes: Buffer, random: Random): Buffer => {
  const copy = Buffer.from(bytes);
  const place = (): number =>
    random.next() < 0.5 ? random.integer(Math.min(2000, copy.length)) : random.integer(copy.length);
  const kind = random.integer(6);
  if (kind === 0) for (let i = 0; i < 1 + random.integer(40); i++) copy[place()] = random.integer(256);
  else if (kind === 1) return copy.subarray(0, 1 + random.integer(copy.length));
  else if (kind === 2) copy.fill(random.pick([0, 255]), place(), place() + random.integer(400));
  else if (kind === 3) {
    const from = place();
    const piece = Buffer.from(copy.subarray(from, from + random.integer(2000)));
    piece.copy(copy, place());
  } else if (kind === 4) {
    const at = place();
    const noise = Buffer.from(Array.from({ length: 1 + random.integer(600) }, () => random.integer(256)));
    return Buffer.concat([copy.subarray(0, at), noise, copy.subarray(at)]);
  } else
    for (let i = 0; i < 3; i++)
      copy.writeUInt32BE(
        random.pick([0, 1, 0x7fffffff, 0xffffffff, 65536]),
        Math.min(place(), copy.length - 4),
      );
  return copy;
};

const written = async (service: VideoService, folder: string): Promise<string[]> => {
  const [width, height, length] = [48, 32, 40];
  const random = seededRandom("fuzz source");
  const pixels = Uint8Array.from({ length: width * height * 3 * length }, () => random.integer(256));
  const frames = Array.from({ length }, (_, i) => ({ index: frameIndex(i), timeSeconds: seconds(i / 20) }));
  const file = join(folder, "source.mp4");
  await service.write(file, {
    width,
    height,
    frames: [{ pixels, frames, width, height }],
    encode: { crf: 40, gop: 12 },
  });
  return [file];
};

const sharedSources = (): string[] => {
  if (!sharedAvailable) return [];
  const folder = sharedFile("data/clips");
  const clips = readdirSync(folder).filter((name) => !/\.(json|md)$/.test(name));
  return clips.map((name) => join(folder, name)).filter((file) => statSync(file).size < 350_000);
};

test.each(["node-av", "ffmpeg"] as const)(
  "%s survives damaged files",
  async (name) => {
    const folder = mkdtempSync(join(tmpdir(), "video-fuzz-"));
    const service = openVideoService({
      decoder: name,
      workers: 2,
      limits: { stallSeconds: slowestSeconds, wallSeconds: 60 },
    });
    try {
      try {
        await service.decoder();
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        console.log(`\nSKIPPED: fuzzing ${name}: ${error.message}\n`);
        return;
      }
      const sources = [...(await written(service, folder)), ...sharedSources()].map((file) =>
        readFileSync(file),
      );
      const outcomes = { frames: 0, refused: 0, died: 0, worstSeconds: 0 };
      let next = 0;
      const work = async (): Promise<void> => {
        while (next < count) {
          const number = next++;
          const random = seededRandom("fuzz", seed, number);
          const file = join(folder, `damaged-${number}.mp4`);
          writeFileSync(file, mutate(random.pick(sources), random));
          const started = nowMilliseconds();
          try {
            await service.probe(file);
            const select =
              random.next() < 0.5 ? ({ kind: "all" } as const) : ({ kind: "count", count: 5 } as const);
            for await (const batch of streamFrames(service, file, {
              select,
              size: { width: 32, height: 32 },
            }))
              expect(batch.pixels).toHaveLength(batch.frames.length * 32 * 32 * 3);
            outcomes.frames++;
          } catch (error) {
            expect(error, `damaged file ${number} of seed ${seed}: ${(error as Error).stack}`).toSatisfy(
              (reason) => reason instanceof VideoError || reason instanceof UnsupportedError,
            );
            if (/ended|gave up/.test((error as Error).message)) {
              outcomes.died++;
              console.log(`file ${number} of seed ${seed}: ${(error as Error).message}`);
            } else outcomes.refused++;
          }
          outcomes.worstSeconds = Math.max(outcomes.worstSeconds, (nowMilliseconds() - started) / 1000);
          rmSync(file);
        }
      };
      await Promise.all([work(), work()]);
      if (count > 100) console.log(name, outcomes);
      expect(outcomes.frames + outcomes.refused + outcomes.died).toBe(count);
      expect(outcomes.died).toBe(0);
      expect(outcomes.frames).toBeGreaterThan(0);
      expect(outcomes.worstSeconds).toBeLessThan(slowestSeconds + 5);
    } finally {
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  580_000,
);
