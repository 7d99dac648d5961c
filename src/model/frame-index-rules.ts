import { ConfigError } from "../core/errors.ts";
import { linspaceFloat32, roundHalfEven } from "./qwen2_5_vl/python-numbers.ts";

/** The clip that frames are chosen from. Times are seconds; they matter to the rules that use a range or a rate. */
export interface ClipExtent {
  readonly totalFrames: number;
  readonly fps?: number;
  /** Absent: `totalFrames / fps`. */
  readonly durationSeconds?: number;
  readonly startSeconds?: number;
  readonly endSeconds?: number;
}

/** 0-based indices of `count` frames. */
export type FrameIndexRule = (clip: ClipExtent, count: number) => number[];

const upTo = (count: number, index: (i: number) => number): number[] =>
  Array.from({ length: count }, (_, i) => index(i));

const fpsOf = (clip: ClipExtent, rule: string): number => {
  if (clip.fps === undefined) throw new ConfigError(`rule ${rule}`, { expected: "the clip's frame rate" });
  return clip.fps;
};

/** i (T - 1) / (n - 1), cut; the last one is T - 1. NumPy multiplies the step, so the step is rounded first. */
const linspaceTrunc: FrameIndexRule = ({ totalFrames }, count) =>
  upTo(count, (i) =>
    i === count - 1 && count > 1 ? totalFrames - 1 : Math.trunc(i * ((totalFrames - 1) / (count - 1 || 1))),
  );

/** i T / (n + 1) for i = 1..n, cut: without the ends. */
const vkInner: FrameIndexRule = ({ totalFrames }, count) =>
  upTo(count, (i) => Math.trunc((i + 1) * (totalFrames / (count + 1))));

/** The middle of each of n equal segments between the first and the last frame of the range. */
const mvbenchSegment: FrameIndexRule = (clip, count) => {
  const last = clip.totalFrames - 1;
  const ranged = clip.startSeconds !== undefined || clip.endSeconds !== undefined;
  const fps = ranged ? fpsOf(clip, "mvbench_segment") : 0;
  const begin = Math.max(0, roundHalfEven((clip.startSeconds ?? 0) * fps));
  const end = clip.endSeconds === undefined ? last : Math.min(roundHalfEven(clip.endSeconds * fps), last);
  const segment = (end - begin) / count;
  return upTo(count, (i) => Math.trunc(begin + segment / 2 + roundHalfEven(segment * i)));
};

/** i T / n, cut: the first frame of each of n equal segments. */
const vruArange: FrameIndexRule = ({ totalFrames }, count) =>
  upTo(count, (i) => Math.trunc(i * (totalFrames / count)));

/** i (T - 1) / (n - 1) in float32, rounded half to even. */
const qwenLinspaceRound: FrameIndexRule = ({ totalFrames }, count) =>
  Array.from(linspaceFloat32(0, totalFrames - 1, count), roundHalfEven);

/** As many frames as whole seconds, at most n, at a whole stride; so there may be fewer than asked for. */
const lvb: FrameIndexRule = (clip, count) => {
  const fps = fpsOf(clip, "lvb");
  const duration = clip.durationSeconds ?? clip.totalFrames / fps;
  const frames = Math.min(count, Math.trunc(duration));
  const stride = Math.trunc(duration * fps) / frames;
  return upTo(frames, (i) => Math.trunc(stride) * i);
};

/**
 * Which frames the usual evaluation harnesses take; they do not agree, so a result is only comparable under the
 * same rule. Every index lies within the clip.
 */
export const frameIndexRules: Readonly<Record<string, FrameIndexRule>> = {
  linspace_trunc: linspaceTrunc,
  vk_inner: vkInner,
  mvbench_segment: mvbenchSegment,
  vru_arange: vruArange,
  qwen_linspace_round: qwenLinspaceRound,
  lvb,
};
