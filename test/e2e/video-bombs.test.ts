import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { VideoError } from "../../src/core/errors.ts";
import { nowMilliseconds } from "../../src/core/progress.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { findProgram } from "../../src/video/pool/worker-process.ts";
import { type DecoderChoice, openVideoService, type VideoService } from "../../src/video/service.ts";
import { openDecoder } from "../open-decoder.ts";

/**
 * Small files that claim to be enormous: each is refused by name within seconds, in a worker that stays small, and the
 * service goes on.
 */

const u16 = (value: number): number[] => [value & 255, value >> 8];

/** A picture of `width` x `height` in a GIF, whose pixels are one clear code and an end. */
const gif = (width: number, height: number, frames: number): Buffer => {
  const head = [...Buffer.from("GIF89a"), ...u16(width), ...u16(height), 0x80, 0, 0, 0, 0, 0, 255, 255, 255];
  const forever = [0x21, 0xff, 11, ...Buffer.from("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  const control = [0x21, 0xf9, 4, 0, 4, 0, 0, 0];
  const picture = [0x2c, 0, 0, 0, 0, ...u16(width), ...u16(height), 0, 2, 2, 0x4c, 0x01, 0];
  const body = Buffer.from([...control, ...picture]);
  return Buffer.concat([
    Buffer.from([...head, ...forever]),
    ...new Array(frames).fill(body),
    Buffer.of(0x3b),
  ]);
};

const pngChunk = (name: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(name), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
};

const apng = (width: number, height: number): Buffer => {
  const numbers = (...values: number[]): Buffer => {
    const bytes = Buffer.alloc(values.length * 4);
    values.forEach((value, i) => {
      bytes.writeUInt32BE(value, i * 4);
    });
    return bytes;
  };
  const head = Buffer.concat([numbers(width, height), Buffer.of(8, 2, 0, 0, 0)]);
  const control = Buffer.concat([numbers(0, width, height, 0, 0), Buffer.of(0, 1, 0, 10, 0, 0)]);
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10),
    pngChunk("IHDR", head),
    pngChunk("acTL", numbers(1, 0)),
    pngChunk("fcTL", control),
    pngChunk("IDAT", deflateSync(Buffer.alloc(1 << 20))),
    pngChunk("IEND", Buffer.alloc(0)),
  ]);
};

/** VP8 packets of a few bytes in an IVF file of 160 x 120. */
const ivf = (packets: number): Buffer => {
  const head = Buffer.alloc(32);
  head.write("DKIFxxxxVP80");
  for (const [at, value] of [
    [4, 0],
    [6, 32],
    [12, 160],
    [14, 120],
  ] as const)
    head.writeUInt16LE(value, at);
  head.writeUInt32LE(30, 16);
  head.writeUInt32LE(1, 20);
  head.writeUInt32LE(packets, 24);
  // A key frame's tag, its start code and its size.
  const key = Buffer.of(0x10, 0, 0, 0x9d, 1, 0x2a, 160, 0, 120, 0);
  const list = Buffer.alloc(packets * 22);
  for (let i = 0; i < packets; i++) {
    list.writeUInt32LE(key.length, i * 22);
    list.writeUInt32LE(i, i * 22 + 4);
    key.copy(list, i * 22 + 12);
  }
  return Buffer.concat([head, list]);
};

const bombs: Readonly<Record<string, () => Buffer>> = {
  "65535x65535.gif": () => gif(65535, 65535, 3),
  "100000x100000.apng": () => apng(100_000, 100_000),
  "100000x100000.y4m": () => Buffer.from("YUV4MPEG2 W100000 H100000 F25:1 Ip A1:1 C420jpeg\nFRAME\n0000"),
  "30000x30000.y4m": () => Buffer.from("YUV4MPEG2 W30000 H30000 F25:1 Ip A1:1 C420jpeg\nFRAME\n0000"),
  "200000 packets.ivf": () => ivf(200_000),
  "150000 pictures.gif": () => gif(8, 8, 150_000),
};

/** A search path with ffmpeg and ffprobe and nothing else, as on machines without util-linux. */
const folderWithoutPrlimit = (folder: string): string => {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  for (const name of ["ffmpeg", "ffprobe"]) {
    const found = findProgram(name);
    if (found !== undefined && !existsSync(join(bin, name))) symlinkSync(found, join(bin, name));
  }
  return bin;
};

/** Largest memory that any live child of this process has had. */
const childPeakBytes = (): number => {
  if (process.platform !== "linux") return 0;
  const peaks = readdirSync(`/proc/${process.pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${process.pid}/task/${task}/children`, "utf8").split(" "))
    .map((child) => {
      try {
        return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${child}/status`, "utf8"))?.[1]) * 1024;
      } catch {
        return 0; // It has ended.
      }
    });
  return Math.max(0, ...peaks.filter(Number.isFinite));
};

describe.each(["node-av", "ffmpeg"])("bombs through %s", (name) => {
  let folder: string;
  let service: VideoService | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "video-bombs-"));
    service = await openDecoder(name, { workers: 1, limits: { maxPackets: 100_000 } });
  });
  afterAll(async () => {
    await service?.close();
    rmSync(folder, { recursive: true, force: true });
  });
  test.for(Object.keys(bombs))("%s", async (file, { skip }) => {
    skip(service === undefined, `decoder ${name} is not installed`);
    const path = join(folder, file);
    writeFileSync(path, bombs[file]!());
    const started = nowMilliseconds();
    const outcome = await readFrames(service!, path, { select: { kind: "count", count: 2 } }).catch(
      (error: Error) => error,
    );
    expect(outcome).toBeInstanceOf(VideoError);
    expect((outcome as Error).message).toMatch(/too large|too many packets|not a video|no size|no frame/);
    expect((outcome as Error).message).not.toMatch(/gave up/);
    expect((nowMilliseconds() - started) / 1000).toBeLessThan(20);
    expect(childPeakBytes()).toBeLessThan(500e6);
  });
  test.for(["prlimit", "the parent"])(
    "a clip that wants more memory than %s lets it have costs that clip",
    async (holder, { skip }) => {
      skip(service === undefined, `decoder ${name} is not installed`);
      const path = join(folder, "large.y4m");
      writeFileSync(
        path,
        Buffer.concat([
          Buffer.from("YUV4MPEG2 W7000 H5000 F25:1 Ip A1:1 C420jpeg\nFRAME\n"),
          Buffer.alloc(52_500_000),
        ]),
      );
      const small = openVideoService({
        decoder: name as DecoderChoice,
        workers: 1,
        limits: { memoryMegabytes: 1500 },
      });
      const searchPath = process.env["PATH"];
      try {
        if (holder === "the parent") process.env["PATH"] = folderWithoutPrlimit(folder);
        const request = { select: { kind: "all" }, size: { width: 16_000, height: 16_000 } } as const;
        await expect(readFrames(small, path, request)).rejects.toThrow(/memory|ran out|picture/i);
        writeFileSync(path, bombs["65535x65535.gif"]!());
        await expect(small.probe(path)).rejects.toThrow(/too large|no size/);
      } finally {
        process.env["PATH"] = searchPath;
        await small.close();
      }
    },
  );
});
