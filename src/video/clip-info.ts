import type { ClipIndex } from "./backend/backend.ts";
import { unconvertedMatrix } from "./filter-chain.ts";
import type { PictureSize } from "./frame-size.ts";
import { packetFlag } from "./packet-table.ts";
import { endOf, timelineFromTimes } from "./timeline.ts";
import type { DecoderIdentity, Timeline, VideoInfo } from "./types.ts";

/** Pixel shapes beyond this are mistakes in the file, not films. */
const widestPixel = 8;

/** Pixels this close to square come from rounding sizes to even numbers and are taken as square. */
const squareWithin = 0.01;

const usablePixelShape = (ratio: readonly [number, number]): boolean =>
  ratio[0] / ratio[1] <= widestPixel && ratio[1] / ratio[0] <= widestPixel;

const isSquare = (ratio: readonly [number, number]): boolean =>
  Math.abs(ratio[0] / ratio[1] - 1) < squareWithin || !usablePixelShape(ratio);

/** Size of the upright stored picture. */
export const uprightSize = ({ facts }: ClipIndex): PictureSize =>
  facts.orientation.swapsSides
    ? { width: facts.codedHeight, height: facts.codedWidth }
    : { width: facts.codedWidth, height: facts.codedHeight };

/** Size as seen: the stored width is stretched by the pixel shape, then the picture is turned. */
export const displayedSize = (clip: ClipIndex): PictureSize => {
  const { facts } = clip;
  const [across, down] = facts.sampleAspectRatio;
  const upright = uprightSize(clip);
  if (isSquare(facts.sampleAspectRatio)) return upright;
  const stretched = Math.max(1, Math.round((facts.codedWidth * across) / down));
  return facts.orientation.swapsSides
    ? { width: facts.codedHeight, height: stretched }
    : { width: stretched, height: facts.codedHeight };
};

/** Every frame's time in seconds from the first. */
export const timelineOf = (clip: ClipIndex): Timeline => {
  const [num, den] = clip.facts.timeBase;
  const first = clip.frames.pts[0] ?? 0;
  return timelineFromTimes(Float64Array.from(clip.frames.pts, (pts) => ((pts - first) * num) / den));
};

/** From the first frame to the end of the last one; that one is shown as long as is usual when nobody says how long. */
export const durationOf = (clip: ClipIndex): number => {
  const { frames, facts } = clip;
  const timeline = timelineOf(clip);
  const last = timeline.at(-1);
  if (last === undefined || !(frames.lastDuration > 0)) return endOf(timeline);
  return last.timeSeconds + (frames.lastDuration * facts.timeBase[0]) / facts.timeBase[1];
};

const isVariable = (pts: Float64Array, ticksPerSecond: number): boolean => {
  let least = Number.POSITIVE_INFINITY;
  let most = 0;
  for (let i = 1; i < pts.length; i++) {
    const gap = pts[i]! - pts[i - 1]!;
    if (gap < least) least = gap;
    if (gap > most) most = gap;
  }
  // Coarse clocks (Matroska's millisecond) round a constant rate to two neighbouring distances.
  return most - least > Math.max(1, ticksPerSecond * 1e-6);
};

const sizeFaults = (clip: ClipIndex): string[] => {
  const [first, ...more] = clip.sizes;
  if (first === undefined) return [];
  const { frame, width, height } = first;
  const time = timelineOf(clip)[frame]?.timeSeconds ?? 0;
  const { codedWidth, codedHeight } = clip.facts;
  const others =
    more.length === 0 ? "" : `, and at ${more.length} more ${more.length === 1 ? "frame" : "frames"}`;
  return [
    `the picture size changes to ${width}x${height} at frame ${frame} (${time.toFixed(3)} s)${others}: ` +
      `every picture is brought to ${codedWidth}x${codedHeight}`,
  ];
};

const faultsOf = (clip: ClipIndex): string[] => {
  const { facts, frames } = clip;
  const faults = [...clip.faults, ...clip.notes, ...sizeFaults(clip)];
  if (facts.orientation.rounded) faults.push("rotation is no multiple of 90 degrees and was rounded");
  if (!usablePixelShape(facts.sampleAspectRatio))
    faults.push(`impossible pixel shape ${facts.sampleAspectRatio.join(":")} was ignored`);
  if (facts.transfer !== undefined)
    faults.push(`high dynamic range (${facts.transfer}) is converted without tone mapping`);
  const matrix = unconvertedMatrix(facts.colour);
  if (matrix !== undefined) faults.push(`colour matrix ${matrix} is converted as BT.601: colours are off`);
  for (let i = 1; i < frames.pts.length; i++)
    if (frames.pts[i] === frames.pts[i - 1]) {
      faults.push("several frames have the same time");
      break;
    }
  return faults;
};

/** Everything that `probe` says. */
export const describeClip = (clip: ClipIndex, decoder: DecoderIdentity): VideoInfo => {
  const { facts, frames, packets } = clip;
  const [num, den] = facts.timeBase;
  const count = frames.pts.length;
  const durationSeconds = durationOf(clip);
  const keyPackets: number[] = [];
  if (frames.source === "packets")
    frames.packet.forEach((packet, frame) => {
      if (packets.has(packet, packetFlag.key)) keyPackets.push(frame);
    });
  return {
    file: clip.file,
    container: facts.container,
    streams: facts.streams,
    streamIndex: facts.streamIndex,
    codec: facts.codec,
    pixelFormat: facts.colour.pixelFormat,
    codedWidth: facts.codedWidth,
    codedHeight: facts.codedHeight,
    ...displayedSize(clip),
    rotation: facts.orientation.rotation,
    sampleAspectRatio: facts.sampleAspectRatio,
    timeBase: facts.timeBase,
    timeline: timelineOf(clip),
    startSeconds: ((frames.pts[0] ?? 0) * num) / den,
    durationSeconds,
    averageFps: durationSeconds > 0 ? count / durationSeconds : 0,
    variableRate: isVariable(frames.pts, den / num),
    keyPackets,
    faults: faultsOf(clip),
    decoder,
  };
};
