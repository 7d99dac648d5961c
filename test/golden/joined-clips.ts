/** Clips as people bring them: joined, cut, encrypted, relabelled. Made by the ffmpeg program and by hand. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const source = (size: string, rate: number, seconds = 1): string =>
  `-f lavfi -i testsrc2=size=${size}:rate=${rate}:duration=${seconds}`;
const small = source("96x64", 25);
const quick = source("96x64", 30);
const large = source("128x96", 25);
const h264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";
const mpeg2 = "-c:v mpeg2video -bf 2";
const h265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none";
const secret = "-encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb";
const fragments = "-g 10 -movflags frag_keyframe+empty_moov+default_base_moof";

const recipes: Readonly<Record<string, string>> = {
  "a.ts": `${small} ${h264}`,
  "b.ts": `${quick} ${h264}`,
  "late.ts": `${small} ${h264} -output_ts_offset 100`,
  "far.ts": `${small} ${h264} -output_ts_offset 80000`,
  "other-id.ts": `${small} ${h264} -mpegts_start_pid 0x200`,
  "large.ts": `${large} ${h264} -output_ts_offset 1.08`,
  "a-mpeg2.ts": `${small} ${mpeg2} -output_ts_offset 1.08`,
  "a.mpg": `${small} ${mpeg2}`,
  "b.mpg": `${quick} ${mpeg2}`,
  "a.flv": `${small} ${h264}`,
  "b.flv": `${quick} ${h264}`,
  "a.mkv": `${small} ${h264}`,
  "b.mkv": `${quick} ${h264}`,
  "a.wmv": `${small} -c:v wmv2`,
  "a.apng": small,
  "a.ivf": `${small} -c:v libvpx`,
  "a.mp4": `${small} ${h264}`,
  "a-vp9.mp4": `${small} -c:v libvpx-vp9 -cpu-used 5`,
  "a-mjpeg.mov": `${small} -c:v mjpeg -pix_fmt yuvj420p`,
  "a-mpeg4.mp4": `${small} -c:v mpeg4`,
  "a.hevc": `${small} ${h265}`,
  "large.hevc": `${large} ${h265}`,
  "a.h264": `${small} ${h264}`,
  "large.h264": `${large} ${h264}`,
  "a.mjpg": `${small} -c:v mjpeg -f mjpeg`,
  "large.mjpg": `${large} -c:v mjpeg -f mjpeg`,
  "fragments.mp4": `${small} ${h264} ${fragments}`,
  "encrypted.mp4": `${small} ${h264} ${secret} -encryption_kid a7e61c373e219033c21091fa607bf3b8`,
  "photo.jpg": `${small} -frames:v 1`,
  "moving.webp": `${small} -c:v libwebp_anim`,
  "cover-is-larger.mov": `${source("192x128", 1)} ${small} -map 0 -map 1 -c:v:0 mjpeg -pix_fmt:v:0 yuvj420p -c:v:1 libx264`,
  "cover-is-larger.mkv": `${small} ${source("192x128", 1)} -map 0 -map 1 -c:v:0 libx264 -c:v:1 png`,
  "two-pictures-are-larger.mkv": `${source("192x128", 25, 0.08)} ${small} -map 0 -map 1 -c:v:0 png -c:v:1 libx264`,
  "grey-png.mov": `${small} -vf format=gray -c:v png`,
  "grey-alpha.nut": `${small} -vf format=ya8 -c:v rawvideo -pix_fmt ya8`,
  "grey-alpha-16.mov": `${small} -vf format=ya16be -c:v png`,
  "two-levels.mov": `${small} -vf format=monob -c:v png`,
  "palette.mov": `${small} -vf format=gray -c:v rawvideo`,
  "palette.avi": `${small} -vf format=pal8 -c:v rawvideo`,
  "short-delays.gif": source("40x30", 100, 0.1),
};

/** Boxes of an MP4's outermost level. */
const boxes = (file: Buffer): { type: string; bytes: Buffer }[] => {
  const found: { type: string; bytes: Buffer }[] = [];
  for (let at = 0; at + 8 <= file.length; ) {
    const size = Math.max(8, file.readUInt32BE(at));
    found.push({ type: file.toString("latin1", at + 4, at + 8), bytes: file.subarray(at, at + size) });
    at += size;
  }
  return found;
};

const fragmentsOf = (file: Buffer): Buffer =>
  Buffer.concat(boxes(file).flatMap(({ type, bytes }) => (/moof|mdat/.test(type) ? [bytes] : [])));

const withoutMedia = (file: Buffer): Buffer =>
  Buffer.concat(boxes(file).map(({ type, bytes }) => (type === "mdat" ? blank(bytes, 8) : bytes)));

const blank = (bytes: Buffer, from: number): Buffer => Buffer.from(bytes).fill(0, from);

/** Writes a duration of 0 into an MP4's only edit (version 0). */
const withEmptyEdit = (file: Buffer): Buffer => {
  const bytes = Buffer.from(file);
  bytes.writeUInt32BE(0, bytes.indexOf("elst") + 4 + 8);
  return bytes;
};

/** Writes a start of 0 into every fragment. */
const withoutStarts = (file: Buffer): Buffer => {
  const bytes = Buffer.from(file);
  for (let at = bytes.indexOf("tfdt"); at >= 0; at = bytes.indexOf("tfdt", at + 4))
    bytes.fill(0, at + 8, at + (bytes[at + 4] === 1 ? 16 : 12));
  return bytes;
};

/** Puts an edit of length 0 behind an MP4's only one (version 0). The media must stand before `moov`. */
const withSecondEdit = (file: Buffer): Buffer => {
  const at = file.indexOf("elst") - 4;
  const end = at + file.readUInt32BE(at);
  const second = Buffer.from(file.subarray(end - 12, end));
  second.writeUInt32BE(0, 0);
  const bytes = Buffer.concat([file.subarray(0, end), second, file.subarray(end)]);
  bytes.writeUInt32BE(2, at + 12);
  for (const box of ["moov", "trak", "edts", "elst"]) {
    const place = bytes.indexOf(box) - 4;
    bytes.writeUInt32BE(bytes.readUInt32BE(place) + 12, place);
  }
  return bytes;
};

/** The second half of an MP4's media as zeros. */
const halfWithoutMedia = (file: Buffer): Buffer =>
  Buffer.concat(
    boxes(file).map(({ type, bytes }) => (type === "mdat" ? blank(bytes, bytes.length >> 1) : bytes)),
  );

/** The pictures of a JPEG film, each behind something. */
const partsOf = (film: Buffer, before: string): Buffer =>
  Buffer.concat(
    film
      .toString("latin1")
      .split("\xff\xd8\xff")
      .slice(1)
      .flatMap((one, i) => [
        Buffer.from(i === 0 && before === "" ? "" : before),
        Buffer.from(`\xff\xd8\xff${one}`, "latin1"),
      ]),
  );
const partHead = "\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n";

/** Sets the scrambling bits of the film's identifier in a share of the packets; their content is left as it is. */
const scrambled = (file: Buffer, share = 1): Buffer => {
  const bytes = Buffer.from(file);
  for (let at = Math.ceil(((1 - share) * file.length) / 188) * 188; at < bytes.length; at += 188)
    if ((bytes.readUInt16BE(at + 1) & 0x1fff) === 0x100) bytes[at + 3]! |= 0x80;
  return bytes;
};

/** Adds a `clap` to an MP4's sample entry: width, height and offsets of the middle. The media must stand before `moov`. */
const withCrop = (file: Buffer, [width, height, x, y]: readonly [number, number, number, number]): Buffer => {
  const entry = file.indexOf("avc1", file.indexOf("stsd")) - 4;
  const end = entry + file.readUInt32BE(entry);
  const crop = Buffer.alloc(40);
  crop.writeUInt32BE(40, 0);
  crop.write("clap", 4, "latin1");
  [width, 1, height, 1, x, 1, y, 1].forEach((value, i) => {
    crop.writeInt32BE(value, 8 + 4 * i);
  });
  const bytes = Buffer.concat([file.subarray(0, end), crop, file.subarray(end)]);
  for (const box of ["moov", "trak", "mdia", "minf", "stbl", "stsd", "avc1"]) {
    const at = box === "avc1" ? entry : bytes.indexOf(box) - 4;
    bytes.writeUInt32BE(bytes.readUInt32BE(at) + 40, at);
  }
  return bytes;
};

/** Joins IVF files: the packets of the second behind those of the first, each with its own times. */
const joinedIvf = (one: Buffer, two: Buffer): Buffer => Buffer.concat([one, two.subarray(32)]);

type Parts = (file: string) => Buffer;

const joins: Readonly<Record<string, (part: Parts) => Buffer>> = {
  "back.ts": (part) => Buffer.concat([part("a.ts"), part("b.ts")]),
  "same-twice.ts": (part) => Buffer.concat([part("a.ts"), part("a.ts")]),
  "back-from-100-s.ts": (part) => Buffer.concat([part("late.ts"), part("b.ts")]),
  "back-from-80000-s.ts": (part) => Buffer.concat([part("far.ts"), part("b.ts")]),
  "back-twice.ts": (part) => Buffer.concat([part("a.ts"), part("b.ts"), part("a.ts")]),
  "back.mpg": (part) => Buffer.concat([part("a.mpg"), part("b.mpg")]),
  "back.flv": (part) => Buffer.concat([part("a.flv"), part("b.flv").subarray(13)]),
  "back.mkv": (part) => Buffer.concat([part("a.mkv"), part("b.mkv")]),
  "back.ivf": (part) => joinedIvf(part("a.ivf"), part("a.ivf")),
  "back.mp4": (part) => Buffer.concat([part("fragments.mp4"), fragmentsOf(part("fragments.mp4"))]),
  "sizes.ts": (part) => Buffer.concat([part("a.ts"), part("large.ts")]),
  "sizes.hevc": (part) => Buffer.concat([part("a.hevc"), part("large.hevc")]),
  "sizes.h264": (part) => Buffer.concat([part("a.h264"), part("large.h264")]),
  "sizes.mjpg": (part) => Buffer.concat([part("a.mjpg"), part("large.mjpg")]),
  "two-ids.ts": (part) => Buffer.concat([part("a.ts"), part("other-id.ts")]),
  "zeros.mp4": (part) => withoutMedia(part("a.mp4")),
  "zeros-vp9.mp4": (part) => withoutMedia(part("a-vp9.mp4")),
  "zeros-mpeg4.mp4": (part) => withoutMedia(part("a-mpeg4.mp4")),
  "zeros-mjpeg.mov": (part) => withoutMedia(part("a-mjpeg.mov")),
  "empty-edit.mp4": (part) => withEmptyEdit(part("a.mp4")),
  "starts-at-0.mp4": (part) => withoutStarts(part("fragments.mp4")),
  "two-edits.mp4": (part) => withSecondEdit(part("a.mp4")),
  "half-zeros.mp4": (part) => halfWithoutMedia(part("a.mp4")),
  "parts.mjpeg": (part) => partsOf(part("a.mjpg"), partHead),
  "apart.mjpg": (part) => partsOf(part("a.mjpg"), "\r\n\r\n").subarray(4),
  "other-codec.ts": (part) => Buffer.concat([part("a.ts"), part("a-mpeg2.ts")]),
  "scrambled.ts": (part) => scrambled(part("a.ts")),
  "scrambled-end.ts": (part) => scrambled(part("a.ts"), 0.3),
  "second-head.flv": (part) => Buffer.concat([part("a.flv"), part("b.flv")]),
  "second-head.wmv": (part) => Buffer.concat([part("a.wmv"), part("a.wmv")]),
  "second-head.ivf": (part) => Buffer.concat([part("a.ivf"), part("a.ivf")]),
  "second-head.apng": (part) => Buffer.concat([part("a.apng"), part("a.apng")]),
  "second-head.mp4": (part) => Buffer.concat([part("a.mp4"), part("a-mpeg4.mp4")]),
  "cropped.mp4": (part) => withCrop(part("a.mp4"), [80, 48, -8, 8]),
  "not-cropped.mp4": (part) => withCrop(part("a.mp4"), [96, 64, 0, 0]),
  "secret-without-scheme.mp4": (part) =>
    Buffer.from(part("a.mp4").toString("latin1").replaceAll("avc1", "encv"), "latin1"),
  "broken-off.gif": (part) => part("short-delays.gif").subarray(0, -1),
  "zeros-behind.gif": (part) => Buffer.concat([part("short-delays.gif"), Buffer.alloc(5)]),
  "broken-off.mp4": (part) => part("a.mp4").subarray(0, part("a.mp4").indexOf("moov") + 50),
  "head.mp4": (part) => part("fragments.mp4").subarray(0, part("fragments.mp4").indexOf("moof") - 4),
  "page.mp4": () => Buffer.from(`<!DOCTYPE html><html><body>404</body></html>${"\n".repeat(99)}`),
  "pointer.mp4": () =>
    Buffer.from(`version https://git-lfs.github.com/spec/v1\noid sha256:${"4d".repeat(32)}\nsize 99\n`),
  "packed.mp4": () => Buffer.from(`PK\x03\x04${"x".repeat(99)}`, "latin1"),
  "nothing-written.mp4": () => Buffer.alloc(5000),
  "segment.m4s": (part) => fragmentsOf(part("fragments.mp4")),
  "segment.webm": (part) => part("a.mkv").subarray(part("a.mkv").indexOf("1f43b675", "hex")),
};

/** Makes all of them in a folder; what this ffmpeg cannot make is left out, and what is made from it. */
export const makeJoinedClips = (folder: string): void => {
  for (const [file, args] of Object.entries(recipes)) {
    const path = join(folder, file);
    const { status } = spawnSync("ffmpeg", ["-nostdin", "-v", "quiet", "-y", ...args.split(" "), path]);
    if (status !== 0) rmSync(path, { force: true });
  }
  for (const [file, made] of Object.entries(joins)) {
    let whole = true;
    const bytes = made((part) => {
      const path = join(folder, part);
      if (existsSync(path)) return readFileSync(path);
      whole = false;
      return Buffer.alloc(64);
    });
    if (whole) writeFileSync(join(folder, file), bytes);
  }
};
