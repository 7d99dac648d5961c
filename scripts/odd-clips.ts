/**
 * Clips of the kinds that break naive readers and writers, made with the ffmpeg on this machine: nobody tuned anything
 * on them. `node scripts/check-pairs.ts --odd` and the golden test of pairs use them.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

/** A clip and how it is made. */
interface OddClip {
  readonly file: string;
  /** ffmpeg's arguments before the output's name. */
  readonly args: string;
  /** Arguments of a second pass (metadata, cuts); `IN` stands for the file of the first one. */
  readonly secondPass?: string;
}

const moving = (size: string, rate: number, seconds: number): string =>
  `-f lavfi -i testsrc2=size=${size}:rate=${rate}:duration=${seconds}`;
const h264 = "-c:v libx264 -preset veryfast -pix_fmt yuv420p";

const oddClips: readonly OddClip[] = [
  {
    file: "variable-rate.mp4",
    args: `${moving("320x240", 25, 3)} -vf setpts='(N+0.4*mod(N*7\\,5))/25/TB' -fps_mode vfr -video_track_timescale 90000 ${h264}`,
  },
  {
    file: "gap-of-two-seconds.mkv",
    args: `${moving("320x240", 20, 6)} -vf select='lt(t\\,1.5)+gt(t\\,3.5)' -fps_mode vfr ${h264}`,
  },
  {
    file: "rotated-90.mp4",
    args: `${moving("320x180", 25, 2)} ${h264}`,
    secondPass: "-i IN -c copy -metadata:s:v:0 rotate=90",
  },
  {
    file: "rotated-180.mov",
    args: `${moving("320x180", 25, 2)} ${h264}`,
    secondPass: "-i IN -c copy -metadata:s:v:0 rotate=180",
  },
  {
    file: "rotated-270.mp4",
    args: `${moving("320x180", 25, 2)} ${h264}`,
    secondPass: "-i IN -c copy -metadata:s:v:0 rotate=270",
  },
  {
    file: "odd-size-444.mp4",
    args: `${moving("320x240", 25, 2)} -vf scale=321:241 -c:v libx264 -pix_fmt yuv444p`,
  },
  {
    file: "odd-size-vp9.webm",
    args: `${moving("160x96", 25, 2)} -vf scale=161:97 -c:v libvpx-vp9 -deadline realtime`,
  },
  { file: "one-wide.mkv", args: `${moving("160x240", 25, 1)} -vf scale=1:240 -c:v ffv1 -pix_fmt bgr0` },
  {
    file: "alpha-vp9.webm",
    args: `${moving("200x160", 25, 2)} -vf format=yuva420p,geq=lum='lum(X\\,Y)':cb='cb(X\\,Y)':cr='cr(X\\,Y)':a='255*gt(X\\,60+N)' -c:v libvpx-vp9 -auto-alt-ref 0 -deadline realtime`,
  },
  {
    file: "alpha.gif",
    args: `${moving("160x120", 10, 2)} -vf scale=161:121,format=rgba,geq=r='r(X\\,Y)':g='g(X\\,Y)':b='b(X\\,Y)':a='255*gt(Y\\,40)',split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse`,
  },
  {
    file: "alpha.apng",
    args: `${moving("120x90", 10, 2)} -vf format=rgba,geq=r='r(X\\,Y)':g='g(X\\,Y)':b='b(X\\,Y)':a='255*gt(Y\\,40)' -plays 0`,
  },
  {
    file: "hevc-10-bit.mp4",
    args: `${moving("320x240", 25, 2)} -c:v libx265 -preset veryfast -pix_fmt yuv420p10le -x265-params log-level=none -tag:v hvc1`,
  },
  {
    file: "hevc-10-bit-pq.mp4",
    args: `${moving("320x240", 25, 1)} -c:v libx265 -preset veryfast -pix_fmt yuv420p10le -colorspace bt2020nc -color_primaries bt2020 -color_trc smpte2084 -x265-params log-level=none`,
  },
  { file: "rgb-h264.mkv", args: `${moving("160x120", 25, 2)} -c:v libx264rgb -crf 10` },
  { file: "grey-h264.mp4", args: `${moving("160x120", 25, 2)} -c:v libx264 -pix_fmt gray` },
  {
    file: "edit-list.mp4",
    args: `${moving("320x240", 25, 3)} ${h264} -bf 3 -g 50`,
    secondPass: "-ss 0.73 -i IN -c copy",
  },
  { file: "one-frame.mp4", args: `${moving("160x120", 25, 2)} -frames:v 1 ${h264}` },
  { file: "two-frames.mp4", args: `${moving("160x120", 5, 2)} -frames:v 2 ${h264}` },
  { file: "three-frames.webm", args: `${moving("160x120", 2, 2)} -frames:v 3 -c:v libvpx-vp9` },
  { file: "240-fps.mp4", args: `${moving("320x180", 240, 2)} ${h264}` },
  { file: "half-fps.mp4", args: `${moving("320x180", 0.5, 20)} ${h264}` },
  {
    file: "still.mp4",
    args: `-f lavfi -i color=c=teal:size=320x240:rate=25:duration=2 -c:v libx264 -crf 0 -pix_fmt yuv420p`,
  },
  {
    file: "picture-and-sound.mp4",
    args: `-f lavfi -i smptebars=size=320x240:rate=1:duration=4 -f lavfi -i sine=duration=4 -shortest ${h264} -tune stillimage -c:a aac`,
  },
  { file: "anamorphic.mp4", args: `${moving("360x288", 25, 2)} -vf setsar=16/11 ${h264}` },
  { file: "full-range-mjpeg.avi", args: `${moving("160x120", 15, 2)} -c:v mjpeg -pix_fmt yuvj422p -q:v 3` },
  {
    file: "interlaced-mpeg2.ts",
    args: `${moving("320x240", 25, 2)} -c:v mpeg2video -q:v 4 -flags +ilme+ildct -top 1 -output_ts_offset 5`,
  },
  {
    file: "fragmented.mp4",
    args: `${moving("320x240", 25, 2)} ${h264} -g 10 -movflags frag_keyframe+empty_moov`,
  },
  {
    file: "av1-10-bit.mkv",
    args: `${moving("160x120", 10, 1)} -c:v libsvtav1 -preset 12 -pix_fmt yuv420p10le`,
  },
  { file: "long-group.mp4", args: `${moving("320x240", 30, 5)} ${h264} -g 600 -bf 8 -b_strategy 2` },
  { file: "late-start.mkv", args: `${moving("160x120", 25, 2)} ${h264} -output_ts_offset 123.4` },
];

const ffmpeg = (args: readonly string[], what: string): void => {
  const { status, stderr, error } = spawnSync("ffmpeg", ["-v", "error", "-y", ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`ffmpeg cannot make ${what}: ${error?.message ?? stderr}`);
};

/** Names of all odd clips. */
export const oddClipNames: readonly string[] = oddClips.map(({ file }) => file);

/** Makes the named clips in a folder and gives their paths. @throws {Error} when ffmpeg cannot make one */
export const makeOddClips = (folder: string, names: readonly string[] = oddClipNames): string[] => {
  mkdirSync(folder, { recursive: true });
  return oddClips
    .filter(({ file }) => names.includes(file))
    .map(({ file, args, secondPass }) => {
      const path = join(folder, file);
      const threads = ["-threads", "2"];
      if (secondPass === undefined) {
        ffmpeg([...args.split(" "), ...threads, path], file);
        return path;
      }
      const first = join(folder, `first-${file}`);
      ffmpeg([...args.split(" "), ...threads, first], file);
      ffmpeg([...secondPass.split(" ").map((part) => (part === "IN" ? first : part)), path], file);
      rmSync(first);
      return path;
    });
};
