import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UnsupportedError, VideoError } from "../../src/core/errors.ts";
import { nowMilliseconds } from "../../src/core/progress.ts";
import { seededRandom } from "../../src/core/random.ts";
import { frameIndex, seconds } from "../../src/core/units.ts";
import { streamFrames } from "../../src/frames/read-frames.ts";
import type { VideoService } from "../../src/video/service.ts";
import { openDecoder } from "../open-decoder.ts";
import { sharedAvailable, sharedFile } from "../shared-data.ts";
import { damagedCopy } from "./damage.ts";

/**
 * Damaged files: each gives frames or a typed error within the limits, the service goes on, and nothing is left: no
 * process, no file. VIDEOPERCEIVER_FUZZ sets how many a decoder (default 40, or 16 where every file starts programs),
 * VIDEOPERCEIVER_FUZZ_SEED which, VIDEOPERCEIVER_FUZZ_CLIPS names a folder of more clips to damage.
 */
const counts = { "node-av": 40, ffmpeg: 16 } as const;
const seed = process.env["VIDEOPERCEIVER_FUZZ_SEED"] ?? "1";
const slowestSeconds = 25;
const largestSource = 350_000;

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

const foundSources = (): string[] => {
  const more = process.env["VIDEOPERCEIVER_FUZZ_CLIPS"];
  const folders = [...(sharedAvailable ? [sharedFile("data/clips")] : []), ...(more ? [more] : [])];
  return folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => !/\.(json|md)$/.test(name))
      .sort()
      .map((name) => join(folder, name))
      .filter((file) => statSync(file).size > 0 && statSync(file).size < largestSource),
  );
};

/** Command lines of living processes that name the folder: ffmpeg programs at work on its files. */
const processesOn = (folder: string): string[] => {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const line = readFileSync(`/proc/${entry}/cmdline`, "utf8").replaceAll("\0", " ");
      return line.includes(folder) ? [line] : [];
    } catch {
      return []; // It has ended.
    }
  });
};

/** Living children of this process that are workers of `decoder`. */
const workersOf = (decoder: string): string[] => {
  if (process.platform !== "linux") return [];
  return readdirSync(`/proc/${process.pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${process.pid}/task/${task}/children`, "utf8")
      .split(" ")
      .filter((child) => {
        try {
          return readFileSync(`/proc/${child}/cmdline`, "utf8").endsWith(`main.ts\0${decoder}\0`);
        } catch {
          return false; // It has ended.
        }
      }),
  );
};

test.each(["node-av", "ffmpeg"] as const)(
  "%s survives damaged files",
  async (name) => {
    const count = Number(process.env["VIDEOPERCEIVER_FUZZ"] ?? counts[name]);
    const limits = { stallSeconds: slowestSeconds, wallSeconds: 60 };
    const service = await openDecoder(name, { workers: 2, limits });
    if (service === undefined) return;
    const folder = mkdtempSync(join(tmpdir(), "video-fuzz-"));
    try {
      const sources = [...(await written(service, folder)), ...foundSources()].map((file) =>
        readFileSync(file),
      );
      const outcomes = { frames: 0, refused: 0, died: 0, worstSeconds: 0 };
      let next = 0;
      const work = async (): Promise<void> => {
        while (next < count) {
          const number = next++;
          const random = seededRandom("fuzz", seed, number);
          const file = join(folder, `damaged-${number}.mp4`);
          const { kind, bytes } = damagedCopy(sources, random);
          writeFileSync(file, bytes);
          const started = nowMilliseconds();
          try {
            await service.probe(file);
            const select =
              random.next() < 0.5 ? ({ kind: "all" } as const) : ({ kind: "count", count: 5 } as const);
            let last = -1;
            for await (const batch of streamFrames(service, file, {
              select,
              size: { width: 32, height: 32 },
              resizer: random.next() < 0.5 ? "pillow" : "zscale",
            })) {
              expect(batch.pixels).toHaveLength(batch.frames.length * 32 * 32 * 3);
              for (const { index } of batch.frames) {
                expect(index).toBeGreaterThan(last);
                last = index;
              }
            }
            outcomes.frames++;
          } catch (error) {
            const what = `damaged file ${number} (${kind}) of seed ${seed}`;
            expect(error, `${what}: ${(error as Error).stack}`).toSatisfy(
              (reason) => reason instanceof VideoError || reason instanceof UnsupportedError,
            );
            if (/gave up/.test((error as Error).message)) {
              outcomes.died++;
              console.log(`${what}: ${(error as Error).message}`);
              const keep = process.env["VIDEOPERCEIVER_FUZZ_KEEP"];
              if (keep !== undefined) writeFileSync(join(keep, `${name}-${seed}-${number}.mp4`), bytes);
            } else outcomes.refused++;
          }
          const taken = (nowMilliseconds() - started) / 1000;
          if (taken > 10) console.log(`damaged file ${number} (${kind}) of seed ${seed}: ${taken} s`);
          outcomes.worstSeconds = Math.max(outcomes.worstSeconds, taken);
          rmSync(file);
        }
      };
      await Promise.all([work(), work()]);
      if (count > 100) console.log(name, `seed ${seed}`, outcomes);
      expect(outcomes.frames + outcomes.refused + outcomes.died).toBe(count);
      expect(outcomes.died).toBe(0);
      expect(outcomes.frames).toBeGreaterThan(0);
      expect(outcomes.worstSeconds).toBeLessThan(slowestSeconds + 5);
      await service.close();
      await expect.poll(() => workersOf(name), { timeout: 5000 }).toEqual([]);
      expect(processesOn(folder)).toEqual([]);
      expect(readdirSync(folder)).toEqual(["source.mp4"]);
    } finally {
      await service.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  580_000,
);
