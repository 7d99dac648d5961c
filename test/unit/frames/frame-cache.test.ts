import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CacheFolder } from "../../../src/frames/cache-folder.ts";
import { ContentHash } from "../../../src/frames/content-hash.ts";
import { FrameCache } from "../../../src/frames/frame-cache.ts";
import { readFrames } from "../../../src/frames/read-frames.ts";
import type { FrameRequest } from "../../../src/video/request.ts";
import { FakeService } from "./fake-service.ts";

let folder: string;
let clip: string;
let service: FakeService;
let troubles: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "frame-cache-"));
  clip = join(folder, "clip.bin");
  writeFileSync(clip, "content");
  service = new FakeService();
  troubles = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const request = (...indices: number[]): FrameRequest => ({ select: { kind: "indices", indices } });
const cachePath = (): string => join(folder, "cache");
const open = (limitBytes = 1e6, source = service): FrameCache => {
  const place = new CacheFolder(cachePath(), limitBytes);
  return new FrameCache(source, {
    folder: place,
    hashes: new ContentHash(place),
    onTrouble: (line) => void troubles.push(line),
  });
};
const entries = (): string[] => readdirSync(cachePath()).filter((name) => name.endsWith(".frames"));
const temporaries = (): string[] => readdirSync(cachePath()).filter((name) => name.endsWith(".tmp"));

test("the second answer comes from disk and equals the first", async () => {
  const first = await readFrames(open(), clip, request(1, 3, 5));
  const cache = open();
  const second = await readFrames(cache, clip, request(1, 3, 5));
  expect(second).toEqual(first);
  expect(second.repeated).toEqual([3]);
  expect(service.decodes).toBe(1);
  expect(cache.counts()).toEqual({ hits: 1, misses: 0, passed: 0 });
});

test("requests that mean the same frames share an entry", async () => {
  const cache = open();
  await readFrames(cache, clip, { select: { kind: "all" } });
  await readFrames(cache, clip, { select: { kind: "fps", fps: 1000 } });
  await readFrames(cache, clip, { select: { kind: "count", count: 20 }, size: { width: 4, height: 2 } });
  expect(service.decodes).toBe(1);
});

test("another request, another content and another decoder are decoded anew", async () => {
  const cache = open();
  await readFrames(cache, clip, request(1));
  await readFrames(cache, clip, request(2));
  writeFileSync(clip, "other content");
  await readFrames(cache, clip, request(1));
  expect(service.decodes).toBe(3);
  const newer = new FakeService("2");
  await readFrames(open(1e6, newer), clip, request(1));
  expect(newer.decodes).toBe(1);
});

test("the same content under another name is known", async () => {
  await readFrames(open(), clip, request(1));
  const copy = join(folder, "copy.bin");
  copyFileSync(clip, copy);
  await readFrames(open(), copy, request(1));
  expect(service.decodes).toBe(1);
});

test("equal requests that overlap decode once, also in lock step", async () => {
  const cache = open();
  const answers = await Promise.all([1, 2, 3].map(() => readFrames(cache, clip, request(0, 1, 2))));
  expect(service.decodes).toBe(1);
  expect(answers[2]).toEqual(answers[0]);
  const readers = [0, 1, 2].map(() => cache.frames(clip, request(4, 5, 6))[Symbol.asyncIterator]());
  const seen: number[] = [];
  for (;;) {
    const steps = await Promise.all(readers.map((reader) => reader.next()));
    if (steps[0]!.done === true) break;
    seen.push(...steps[0]!.value.frames.map(({ index }: { index: number }) => index));
  }
  expect(seen).toEqual([4, 5, 6]);
  expect(service.decodes).toBe(2);
});

test("a reader that leaves early leaves no entry and no half file; another one goes on", async () => {
  const cache = open();
  for await (const chunk of cache.frames(clip, request(0, 1, 2))) {
    expect(chunk.frames[0]!.index).toBe(0);
    break;
  }
  expect(entries()).toEqual([]);
  expect(temporaries()).toEqual([]);
  const staying = readFrames(cache, clip, request(0, 1, 2));
  for await (const _ of cache.frames(clip, request(0, 1, 2))) break;
  expect((await staying).frames).toHaveLength(3);
  expect(service.decodes).toBe(2);
});

test("a decode that fails fails every reader and leaves nothing", async () => {
  service.failsAt = 2;
  const cache = open();
  const outcomes = await Promise.allSettled([1, 2].map(() => readFrames(cache, clip, request(0, 1, 2))));
  for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { message: "broken at 2" } });
  expect(readdirSync(cachePath()).filter((name) => !name.endsWith(".sha256"))).toEqual([]);
});

test("an aborted reader ends at once", async () => {
  const controller = new AbortController();
  const reading = (async () => {
    for await (const _ of open().frames(clip, request(0, 1, 2, 4), controller.signal)) controller.abort();
  })();
  await expect(reading).rejects.toMatchObject({ name: "AbortError" });
  expect(temporaries()).toEqual([]);
});

test("any damage to an entry is noticed, told, and decoded anew", async () => {
  const whole = await readFrames(open(), clip, request(0, 1, 3));
  const file = join(cachePath(), entries()[0]!);
  const bytes = readFileSync(file);
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const damaged = Buffer.from(bytes);
      damaged[at] = damaged[at]! ^ change;
      writeFileSync(file, damaged);
      troubles = [];
      expect(await readFrames(open(), clip, request(0, 1, 3))).toEqual(whole);
      expect(troubles).toEqual([expect.stringMatching(/^cache: .* entry .*; decoding .* anew$/)]);
      expect(existsSync(file)).toBe(false);
    }),
    { numRuns: 40 },
  );
  writeFileSync(file, bytes);
  for (const length of [0, 1, 20, bytes.length - 1]) {
    writeFileSync(file, bytes);
    truncateSync(file, length);
    expect(await readFrames(open(), clip, request(0, 1, 3))).toEqual(whole);
  }
});

test("what was used longest ago goes when the folder is full", async () => {
  const entryBytes = async (): Promise<number> => {
    await readFrames(open(), clip, request(0));
    return statSync(join(cachePath(), entries()[0]!)).size;
  };
  const limit = (await entryBytes()) * 8;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 12));
  for (let i = 1; i < 14; i++) {
    await pause();
    await readFrames(open(limit), clip, request(i));
    await pause();
    await readFrames(open(limit), clip, request(0));
  }
  const total = readdirSync(cachePath()).reduce(
    (sum, name) => sum + statSync(join(cachePath(), name)).size,
    0,
  );
  expect(total).toBeLessThanOrEqual(limit);
  const before = service.decodes;
  await readFrames(open(limit), clip, request(0));
  expect(service.decodes).toBe(before);
});

test("answers beyond an eighth of the limit pass through and are not kept", async () => {
  const cache = open(24 * 3 * 8 - 1);
  expect((await readFrames(cache, clip, request(0, 1, 2))).frames).toHaveLength(3);
  expect(cache.counts()).toEqual({ hits: 0, misses: 0, passed: 1 });
  expect(readdirSync(cachePath())).toEqual([]);
});

test("files that a killed writer left are removed once they are old", async () => {
  const left = join(cachePath(), "0123.frames.99999.0.tmp");
  open();
  writeFileSync(left, "half");
  await readFrames(open(), clip, request(1));
  expect(temporaries()).toHaveLength(1);
  utimesSync(left, 1, 1);
  await readFrames(open(), clip, request(2));
  expect(temporaries()).toEqual([]);
});

test("a folder that takes no more costs the entry, not the answer", async () => {
  const cache = open();
  rmSync(cachePath(), { recursive: true });
  expect((await readFrames(cache, clip, request(1, 2))).frames).toHaveLength(2);
  expect(troubles).toHaveLength(1);
});

test("a clip that goes away while it is decoded costs the entry, not the answer", async () => {
  const reading = open()
    .frames(clip, request(1, 2, 4))
    [Symbol.asyncIterator]();
  const first = await reading.next();
  rmSync(clip);
  const rest = [];
  for (let next = await reading.next(); next.done !== true; next = await reading.next())
    rest.push(...next.value.frames.map(({ index }) => index as number));
  expect([...first.value!.frames.map(({ index }: { index: number }) => index), ...rest]).toEqual([1, 2, 4]);
  expect(entries()).toEqual([]);
});

test("a folder that is removed between answers costs neither answer nor process", () => {
  const place = new CacheFolder(cachePath(), 64);
  rmSync(cachePath(), { recursive: true });
  expect(place.touch(place.fileOf("0", "frames"))).toBe(false);
  place.added(100);
  place.added(100);
});

const child = new URL("./frame-cache-child.ts", import.meta.url).pathname;

test("a process killed while it writes leaves nothing that is read", async () => {
  for (const wait of [0, 40, 120]) {
    const writer = spawn(process.execPath, [child, cachePath(), clip, "1", "20"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(writer.stdout, "data");
    await new Promise((resolve) => setTimeout(resolve, wait));
    writer.kill("SIGKILL");
    await once(writer, "exit");
    expect(entries()).toEqual([]);
  }
  expect(temporaries().length).toBeGreaterThan(0);
  const answer = await readFrames(open(), clip, { select: { kind: "all" } });
  expect(answer.pixels).toEqual(FakeService.pixels(answer.frames.map(({ index }) => index)));
  expect(troubles).toEqual([]);
});

test("processes that share a folder read only whole and right answers while entries come and go", async () => {
  const children = Array.from({ length: 4 }, (_, i) =>
    spawn(process.execPath, [child, cachePath(), clip, "25", "0", String(i), "3000"], {
      stdio: ["ignore", "pipe", "inherit"],
    }),
  );
  const outputs = await Promise.all(
    children.map(async (one) => {
      let text = "";
      one.stdout.on("data", (piece) => {
        text += piece;
      });
      const [code] = await once(one, "exit");
      expect(code).toBe(0);
      return text;
    }),
  );
  const decodes = outputs.map((text) => Number(/decodes (\d+) of 25/.exec(text)?.[1]));
  expect(Math.max(...decodes)).toBeLessThanOrEqual(25);
  expect(temporaries()).toEqual([]);
}, 20_000);

test("the children above check what they read", () => {
  expect(spawnSync(process.execPath, [child, cachePath(), join(folder, "missing")]).status).not.toBe(0);
});
