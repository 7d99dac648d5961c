/** Clips of many kinds, made by the ffmpeg program: a file's name and the arguments before it. `S` is the picture source. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const source = (size = "96x64", rate = 25, seconds = 1): string =>
  `-f lavfi -i testsrc2=size=${size}:rate=${rate}:duration=${seconds}`;
const long = source("96x64", 25, 3);
const h264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";
const h265 = "-c:v libx265 -preset ultrafast -x265-params log-level=none";
const alpha = "geq=lum=lum(X\\,Y):cb=cb(X\\,Y):cr=cr(X\\,Y):a=255*gt(X\\,40+N)";
const uneven = "setpts=(N+0.4*mod(N*7\\,5))/25/TB";

const recipes: Readonly<Record<string, string>> = {
  "hevc-10-bit.mkv": `${source()} ${h265} -pix_fmt yuv420p10le`,
  "hevc-444-12-bit.mp4": `${source()} ${h265} -pix_fmt yuv444p12le`,
  "h264-444.mp4": `${source()} -c:v libx264 -pix_fmt yuv444p`,
  "h264-422-10-bit.mkv": `${source()} -c:v libx264 -preset veryfast -pix_fmt yuv422p10le`,
  "h264-rgb.mkv": `${source()} -c:v libx264rgb -preset veryfast -pix_fmt bgr0`,
  "h264-pyramid.mp4": `${long} -c:v libx264 -preset slow -pix_fmt yuv420p -x264-params b-pyramid=normal:bframes=8:keyint=50`,
  "h264-open-groups.mp4": `${long} ${h264} -x264-params open-gop=1:keyint=20:bframes=3`,
  "h264-open-groups.ts": `${long} ${h264} -x264-params open-gop=1:keyint=20:bframes=3`,
  "h264-refreshed.mp4": `${long} ${h264} -x264-params intra-refresh=1:keyint=30`,
  "h264-interlaced.mp4": `${source()} ${h264} -flags +ildct+ilme -x264-params interlaced=1`,
  "h264-fragments.mp4": `${long} ${h264} -movflags frag_keyframe+empty_moov -g 20`,
  "h264-b-frames.avi": `${source()} ${h264} -bf 3`,
  "h264-b-frames.mxf": `${source()} ${h264} -bf 3`,
  "h264.flv": `${source()} ${h264}`,
  "h264.h264": `${source()} ${h264} -bf 3`,
  "vp8-alpha.webm": `${source()} -vf format=yuva420p,${alpha} -c:v libvpx -auto-alt-ref 0 -deadline realtime`,
  "vp9-alpha.webm": `${source()} -vf format=yuva420p,${alpha} -c:v libvpx-vp9 -auto-alt-ref 0 -deadline realtime`,
  "vp9-hidden.webm": `${long} -c:v libvpx-vp9 -cpu-used 5 -auto-alt-ref 6 -lag-in-frames 25 -b:v 100k`,
  "av1.mp4": `${source()} -c:v libsvtav1 -preset 12`,
  "mpeg1.mpg": `${source()} -c:v mpeg1video -bf 2`,
  "mpeg2.ts": `${source()} -c:v mpeg2video -bf 2`,
  "mpeg2-interlaced.mkv": `${source()} -c:v mpeg2video -flags +ildct+ilme -top 1`,
  "mpeg4-b-frames.mp4": `${source()} -c:v mpeg4 -bf 2`,
  "mpeg4-b-frames.avi": `${source()} -c:v mpeg4 -bf 2`,
  "mjpeg.avi": `${source()} -c:v mjpeg -pix_fmt yuvj420p`,
  "theora.ogv": `${source()} -c:v libtheora`,
  "h263.3gp": `${source("176x144")} -c:v h263`,
  "odd.gif": source("101x57", 10),
  "odd.apng": `${source("101x57", 10)} -plays 0`,
  "alpha.mov": `${source()} -vf format=yuva444p10le,${alpha.replace("255", "1023")} -c:v prores_ks -pix_fmt yuva444p10le`,
  "alpha-rgb.mov": `${source()} -c:v qtrle -pix_fmt argb`,
  "wmv2.wmv": `${source()} -c:v wmv2`,
  "flashsv.flv": `${source("96x64", 10)} -c:v flashsv`,
  "grey-16-bit.mkv": `${source()} -c:v ffv1 -pix_fmt gray16le`,
  "odd-420.mkv": `${source("101x57")} -c:v ffv1 -pix_fmt yuv420p`,
  "one-pixel.mkv": `${source()} -vf scale=1:1 -c:v ffv1 -pix_fmt bgr0`,
  "one-frame.mp4": `${source("96x64", 25, 0.04)} ${h264}`,
  "1000-a-second.mp4": `${source("96x64", 1000, 0.5)} ${h264} -video_track_timescale 90000`,
  "one-in-10-seconds.mp4": `-f lavfi -i testsrc2=size=96x64:rate=1/10:duration=100 ${h264}`,
  "uneven.mp4": `${long} -vf ${uneven} -fps_mode vfr -video_track_timescale 90000 ${h264}`,
  "uneven.mkv": `${long} -vf ${uneven} -fps_mode vfr ${h264}`,
  "hdr.mp4": `${source()} ${h265}:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc`,
  "bt709-full-range.mp4": `${source()} -vf scale=out_color_matrix=bt709:out_range=pc ${h264} -colorspace bt709 -color_range pc`,
  "ycgco.mp4": `${source()} ${h264} -colorspace ycgco`,
  "wide-pixels.mp4": `${source()} -vf setsar=4/3 ${h264}`,
  "second-is-larger.mkv": `${source("80x48")} ${source("96x64")} -map 0 -map 1 ${h264}`,
  "starts-late.mkv": `-itsoffset 1 ${source()} -f lavfi -i sine=duration=3 -c:a aac -map 0 -map 1 ${h264}`,
  "starts-before-zero.mkv": `${source()} ${h264} -output_ts_offset -1`,
  "clock-runs-on.ts": `${source()} ${h264} -output_ts_offset 95443.5`,
  "sound-only.m4a": "-f lavfi -i sine=duration=1 -c:a aac",
};

/** Made from one of the files above, packets copied. */
const copies: Readonly<Record<string, readonly [from: string, args: string]>> = {
  "turned-90.mp4": ["h264-444.mp4", "-metadata:s:v:0 rotate=90"],
  "turned-180.mp4": ["h264-444.mp4", "-metadata:s:v:0 rotate=180"],
  "turned-270.mov": ["wide-pixels.mp4", "-metadata:s:v:0 rotate=270"],
  "edit-list.mp4": ["h264-pyramid.mp4", "-ss 1.3"],
  "begins-inside-a-group.ts": ["h264-open-groups.ts", "-ss 1.3"],
  "no-duration.mkv": ["uneven.mkv", "-f matroska -live 1"],
};

const one = 1 << 16;
/** Display matrices that ffmpeg's options cannot make: mirrors. */
const mirrors: Readonly<Record<string, readonly number[]>> = {
  "mirrored.mp4": [-one, 0, 0, 0, one, 0, 96 * one, 0, 1 << 30],
  "upside-down.mp4": [one, 0, 0, 0, -one, 0, 0, 64 * one, 1 << 30],
  "transposed.mp4": [0, one, 0, one, 0, 0, 0, 0, 1 << 30],
  "transposed-and-turned.mp4": [0, -one, 0, -one, 0, 0, 0, 0, 1 << 30],
};

/** Writes a matrix over the one in an MP4's first track header (version 0). */
const withMatrix = (file: Buffer, matrix: readonly number[]): Buffer => {
  const bytes = Buffer.from(file);
  const at = bytes.indexOf("tkhd") + 4 + 40;
  matrix.forEach((value, i) => {
    bytes.writeInt32BE(value, at + 4 * i);
  });
  return bytes;
};

/** Every name, whether this machine's ffmpeg can make it or not. */
export const madeClipNames: readonly string[] = [recipes, copies, mirrors].flatMap(Object.keys).sort();

/** Makes all of them in a folder; a kind that this ffmpeg has no encoder for is left out. */
export const makeClips = (folder: string): void => {
  const make = (file: string, args: readonly string[]): void => {
    const path = join(folder, file);
    const { status } = spawnSync("ffmpeg", ["-nostdin", "-v", "error", "-y", ...args, path]);
    if (status !== 0) rmSync(path, { force: true });
  };
  for (const [file, args] of Object.entries(recipes)) make(file, args.split(" "));
  for (const [file, [from, args]] of Object.entries(copies))
    make(file, ["-i", join(folder, from), "-c", "copy", ...args.split(" ")]);
  const upright = join(folder, "h264-444.mp4");
  if (existsSync(upright))
    for (const [file, matrix] of Object.entries(mirrors))
      writeFileSync(join(folder, file), withMatrix(readFileSync(upright), matrix));
};
