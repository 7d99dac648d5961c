import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readFrames } from "../../src/frames/read-frames.ts";
import { defaultLimits } from "../../src/video/limits.ts";
import { WorkerPool } from "../../src/video/pool/worker-pool.ts";
import { type DecoderChoice, openVideoService, type VideoService } from "../../src/video/service.ts";
import type { RawFrames } from "../../src/video/types.ts";
import { barcodeClip, readBarcode, steadyTimes } from "../barcode-clips.ts";
import { openDecoder } from "../open-decoder.ts";

const names = readdirSync(new URL("../../src/video/decoders/", import.meta.url)).map((file) =>
  file.replace(/\.ts$/, ""),
);

/** Live workers of this process: only they have the worker program and a decoder's name on their command line. */
const workersOf = (parent: number): number => {
  const lines = execFileSync("ps", ["-eo", "ppid,args"]).toString().split("\n");
  return lines.filter(
    (line) => Number(line.trim().split(/\s+/)[0]) === parent && line.includes("worker/main.ts"),
  ).length;
};

describe.each(names)("processes of decoder %s", (name) => {
  let folder: string;
  let service: VideoService;
  let missing = false;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "video-processes-"));
    const opened = await openDecoder(name, { workers: 2 });
    if (opened === undefined) {
      missing = true;
      return;
    }
    service = opened;
    const clip = barcodeClip(steadyTimes(250, 30), 64, 48);
    const encode = { gop: 70, preset: "fast" } as const;
    await service.write(join(folder, "groups.mp4"), { ...clip, frames: [clip], encode });
  });
  afterAll(async () => {
    await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const check = (what: string, body: () => Promise<void>): void => {
    test(what, async ({ skip }) => {
      skip(missing, `decoder ${name} is not installed`);
      await body();
    });
  };

  check("a reader may leave early, also many at once, and clips may be read side by side", async () => {
    const file = join(folder, "groups.mp4");
    const moreThanPipesHold = { width: 160, height: 120 };
    for (let round = 0; round < 3; round++)
      for await (const chunk of service.frames(file, {
        select: { kind: "all" },
        size: moreThanPipesHold,
      })) {
        expect(chunk.frames[0]!.index).toBe(0);
        break;
      }
    // One more than there are workers.
    const readers = Array.from({ length: 3 }, () =>
      service.frames(file, { select: { kind: "all" }, size: moreThanPipesHold })[Symbol.asyncIterator](),
    );
    let last = -1;
    for (;;) {
      const steps = await Promise.all(readers.map((reader) => reader.next()));
      if (steps[0]!.done === true) break;
      const indices = steps.map((step) => (step.value as RawFrames).frames.at(-1)!.index);
      expect(new Set(indices).size).toBe(1);
      last = indices[0]!;
    }
    expect(last).toBe(249);
  });
  check("lent pixels are those of memory of one's own, and lie in the same memory again", async () => {
    const file = join(folder, "groups.mp4");
    const request = { select: { kind: "all" }, size: { width: 320, height: 240 } } as const;
    const own = await readFrames(service, file, request);
    const places = new Set<ArrayBufferLike>();
    let [at, chunks] = [0, 0];
    for await (const { pixels } of service.frames(file, { ...request, lent: true })) {
      expect(Buffer.compare(pixels, own.pixels.subarray(at, at + pixels.length))).toBe(0);
      at += pixels.length;
      chunks++;
      places.add(pixels.buffer);
    }
    expect(at).toBe(own.pixels.length);
    expect(places.size).toBeLessThan(chunks);
  });
  check("a clip that is written over after it was read is read anew", async () => {
    const file = join(folder, "changing.mp4");
    for (const frames of [40, 25]) {
      const clip = barcodeClip(steadyTimes(frames, 30), 64, 48);
      await service.write(file, { ...clip, frames: [clip] });
      expect((await service.probe(file)).timeline).toHaveLength(frames);
      const read = await readFrames(service, file, { select: { kind: "indices", indices: [20] } });
      expect(readBarcode(read, 0)).toBe(20);
    }
  });
  check("a clip's frames come from the worker that read its packets, whoever else waits", async () => {
    const pool = new WorkerPool({ chosen: name, preloads: [] }, 2, defaultLimits);
    try {
      const [one, other] = [await pool.acquire("one"), await pool.acquire("other")];
      pool.giveBack(one);
      pool.giveBack(other);
      expect(await pool.acquire("one")).toBe(one);
      expect(await pool.acquire("other")).toBe(other);
      const turns: string[] = [];
      const waiting = ["new", "other", "other", "other", "other", "other"].map(async (file) => {
        const worker = await pool.acquire(file);
        turns.push(file);
        pool.giveBack(worker);
      });
      pool.giveBack(other);
      await Promise.all(waiting);
      // It is passed over so often, and no more.
      expect(turns).toEqual(["other", "other", "other", "other", "new", "other"]);
    } finally {
      pool.close();
    }
  });
  check("a stop signal ends the work at once", async () => {
    const controller = new AbortController();
    const file = join(folder, "groups.mp4");
    const reading = (async () => {
      for await (const _ of service.frames(
        file,
        { select: { kind: "all" }, size: { width: 640, height: 480 } },
        controller.signal,
      ))
        controller.abort();
    })();
    await expect(reading).rejects.toMatchObject({ name: "AbortError" });
    await expect(service.probe(file, AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
    expect((await service.probe(file)).timeline).toHaveLength(250);
  });
  check("limits cost one clip, and a service that is closed leaves no process", async () => {
    const file = join(folder, "groups.mp4");
    const strict = openVideoService({
      decoder: name as DecoderChoice,
      workers: 1,
      limits: { maxPixels: 1000 },
    });
    await expect(strict.probe(file)).rejects.toThrow(/too large/);
    await strict.close();
    const impatient = openVideoService({
      decoder: name as DecoderChoice,
      workers: 1,
      limits: { wallSeconds: 1 },
    });
    const slow = readFrames(impatient, file, {
      select: { kind: "all" },
      size: { width: 4000, height: 3000 },
    });
    await expect(slow).rejects.toThrow(/took longer/);
    expect((await impatient.probe(file)).timeline).toHaveLength(250);
    await impatient.close();
    await expect(impatient.probe(file)).rejects.toThrow(/closed/);
    await service.close();
    await expect.poll(() => workersOf(process.pid), { timeout: 5000 }).toBe(0);
    service = openVideoService({ decoder: name as DecoderChoice, workers: 2 });
  });
});
