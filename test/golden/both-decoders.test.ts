import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pixelsOf } from "../../src/frames/frame-batch.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import type { VideoService } from "../../src/video/service.ts";
import type { VideoInfo } from "../../src/video/types.ts";
import { openDecoder } from "../open-decoder.ts";

/** Where the two decoders agree on a clip's end, and by how much they differ where docs/video.md says that they do. */
const haveFfmpeg = spawnSync("ffmpeg", ["-version"]).status === 0;
if (!haveFfmpeg) console.log("\nSKIPPED: both decoders side by side: no ffmpeg program here\n");

const source = (size: string, seconds: number): string =>
  `-f lavfi -i testsrc2=size=${size}:rate=25:duration=${seconds}`;
const h264 = "-c:v libx264 -preset veryfast -bf 2 -pix_fmt yuv420p";

describe.skipIf(!haveFfmpeg)("both decoders", () => {
  let folder: string;
  const services: VideoService[] = [];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "both-decoders-"));
    for (const name of ["node-av", "ffmpeg"]) {
      const service = await openDecoder(name, { workers: 1 });
      if (service !== undefined) services.push(service);
    }
  });
  afterAll(async () => {
    for (const service of services) await service.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Makes a film; false where this ffmpeg has no encoder for it. */
  const make = (file: string, args: string): boolean =>
    spawnSync("ffmpeg", ["-nostdin", "-v", "quiet", "-y", ...args.split(" "), join(folder, file)]).status ===
    0;

  interface Seen {
    readonly info: VideoInfo;
    readonly pictures: readonly Uint8Array[];
  }
  const seenBy = async (service: VideoService, file: string): Promise<Seen> => {
    const info = await service.probe(join(folder, file));
    const batch = await readFrames(service, join(folder, file), { select: { kind: "all" } });
    return { info, pictures: batch.frames.map((_, at) => pixelsOf(batch, at)) };
  };
  const bothSee = async (file: string): Promise<readonly [Seen, Seen]> =>
    [await seenBy(services[0]!, file), await seenBy(services[1]!, file)] as const;

  test.for<[string, string, number]>([
    // Frames 0 to 9, then every seventh: the pictures of the end are far apart and out of order, the last lasts 0.04 s.
    ["far-apart.mp4", `${source("96x64", 2)} -vf select='not(mod(n,7))+lt(n,10)' -fps_mode vfr ${h264}`, 2],
    [
      "fine-clock.mp4",
      `${source("96x64", 1)} ${h264} -video_track_timescale 600 -g 5 -movflags frag_keyframe+empty_moov`,
      1,
    ],
    ["plain.mov", `${source("96x64", 1)} ${h264}`, 1],
  ])("%s ends when its last frame does, for both", async ([file, args, seconds], { skip }) => {
    skip(services.length < 2 || !make(file, args), "a decoder or encoder is missing");
    for (const { info } of await bothSee(file)) expect(info.durationSeconds).toBeCloseTo(seconds, 3);
  });

  test("a film of fragments that lacks its last ones ends with what is there, for both", async ({ skip }) => {
    const args = `${source("96x64", 2)} ${h264} -g 10 -movflags dash+frag_keyframe+global_sidx`;
    skip(services.length < 2 || !make("streamed.mp4", args), "missing");
    const bytes = readFileSync(join(folder, "streamed.mp4"));
    let end = 0;
    for (let nth = 0; nth < 4; nth++) end = bytes.indexOf("moof", end + 4);
    writeFileSync(join(folder, "cut.mp4"), bytes.subarray(0, end - 4));
    for (const { info } of await bothSee("cut.mp4")) expect(info.durationSeconds).toBeCloseTo(1.2, 3);
  });

  test("Matroska whose times are those of decoding: pictures in their order, for both", async ({ skip }) => {
    const bare = "-bsf:v setts=pts=DTS";
    skip(services.length < 2 || !make("stored.mkv", `${source("96x64", 1)} ${h264} ${bare}`), "missing");
    make("right.mkv", `${source("96x64", 1)} ${h264}`);
    const right = await seenBy(services[0]!, "right.mkv");
    for (const { info, pictures } of await bothSee("stored.mkv")) {
      expect(info.faults.join()).toContain("presentation times are only decoding times");
      expect(pictures).toEqual(right.pictures);
    }
  });

  test("MPEG-4 Part 2: FFmpeg's two transforms round otherwise, by two levels at most and rarely", async ({
    skip,
  }) => {
    skip(services.length < 2 || !make("mpeg4.mp4", `${source("640x480", 1.2)} -c:v mpeg4`), "missing");
    const [one, other] = await bothSee("mpeg4.mp4");
    let [most, count, all] = [0, 0, 0];
    expect(one.pictures).toHaveLength(other.pictures.length);
    one.pictures.forEach((picture, at) => {
      all += picture.length;
      picture.forEach((level, i) => {
        const apart = Math.abs(level - other.pictures[at]![i]!);
        if (apart > 0) count++;
        most = Math.max(most, apart);
      });
    });
    expect(most).toBeLessThanOrEqual(2);
    expect(count / all).toBeLessThan(1e-4);
  });

  test("NUT recordings joined in one file: only the pictures that FFmpeg makes of the second head differ", async ({
    skip,
  }) => {
    skip(services.length < 2 || !make("one.nut", `${source("96x64", 1)} -c:v mpeg4`), "missing");
    const bytes = readFileSync(join(folder, "one.nut"));
    writeFileSync(join(folder, "joined.nut"), Buffer.concat([bytes, bytes]));
    const [one, other] = await bothSee("joined.nut");
    const alone = await seenBy(services[0]!, "one.nut");
    expect(one.pictures.length).toBe(other.pictures.length);
    const heads = one.pictures.length - 50;
    expect(heads).toBeGreaterThanOrEqual(0);
    expect(heads).toBeLessThanOrEqual(2);
    for (const { info, pictures } of [one, other]) {
      expect(info.faults.join()).toContain("the clock goes back");
      expect([...pictures.slice(0, 25), ...pictures.slice(25 + heads)]).toEqual([
        ...alone.pictures,
        ...alone.pictures,
      ]);
    }
  });

  test("a transport stream that becomes another codec: what came before, but for its last two pictures, and a word", async ({
    skip,
  }) => {
    const [first, then] = [
      make("first.ts", `${source("96x64", 1)} -c:v mpeg2video -bf 2 -output_ts_offset 95443`),
      make("then.ts", `${source("96x64", 1)} ${h264}`),
    ];
    skip(services.length < 2 || !first || !then, "missing");
    const parts = ["first.ts", "then.ts"].map((file) => readFileSync(join(folder, file)));
    writeFileSync(join(folder, "other.ts"), Buffer.concat(parts));
    const alone = await seenBy(services[0]!, "first.ts");
    for (const { info, pictures } of await bothSee("other.ts")) {
      expect(info.faults.join()).toMatch(
        /is H\.264 instead of MPEG-2 from byte \d+ on: what follows is missing/,
      );
      expect(pictures.length).toBeGreaterThanOrEqual(24);
      expect(pictures.slice(0, 22)).toEqual(alone.pictures.slice(0, 22));
    }
  });
});
