import { join } from "node:path";
import { DataFormatError, VideoPerceiverError } from "../../core/errors.ts";
import type { Progress } from "../../core/progress.ts";
import type { Made, MadeBy } from "../../core/registry.ts";
import { type BenchmarkSample, clusterOf } from "../../evaluation/benchmarks.ts";
import { eventTwin } from "../../evaluation/event-twin.ts";
import { rangeOf, stretchKey, stretchOf } from "../../evaluation/stretch.ts";
import type { OpenedSubject } from "../../evaluation/subject.ts";
import type { FrameSelector } from "../../selection/selectors.ts";
import type { VideoInfo } from "../../video/types.ts";
import type { Clips } from "../clips.ts";
import { ClipFiles } from "./clip-files.ts";

/** Questions with what their clips are, and which frames are shown. */
export interface ShownQuestions {
  readonly samples: readonly BenchmarkSample[];
  /** Source frames at the positions of a sample's clip; none for a clip that cannot be read. */
  readonly positions: (sample: BenchmarkSample) => readonly number[];
  readonly framePolicy: MadeBy;
  /** Why a sample's clip cannot be shown. */
  readonly unreadable: (sample: BenchmarkSample) => string | undefined;
  /** Clips that cannot be read, and how many there are. */
  readonly faults: readonly { readonly file: string; readonly reason: string }[];
  readonly clips: number;
}

/** Clips that are probed at the same time: a probe waits for the disk more than for the processor. */
const atOnce = 4;

interface KnownClip {
  readonly file: string;
  readonly info?: VideoInfo;
  readonly positions: readonly number[];
  readonly reason?: string;
}

/** Frames that came with a question. @throws {DataFormatError} when the clip has other ones */
const framesOf = (frames: readonly number[], { timeline }: VideoInfo): readonly number[] => {
  const outside = frames.find((index) => index >= timeline.length);
  if (outside === undefined) return frames;
  throw new DataFormatError("the question is about frames that the clip does not have", {
    expected: `0 to ${timeline.length - 1}`,
    got: String(outside),
  });
};

/** Frames that came with a question, and those behind each that show the same picture. */
const allOfEach = (frames: readonly number[], each = 1): readonly number[] =>
  frames.flatMap((first) => Array.from({ length: each }, (_, more) => first + more));

/**
 * Looks at every clip once for each stretch of it that is asked about: whether it can be read, when its frames are, and
 * which of them are shown.
 */
export const lookAtClips = async (
  asked: readonly BenchmarkSample[],
  folder: string,
  clips: Clips,
  subject: OpenedSubject,
  selector: { readonly made: Made<FrameSelector>; readonly frames: number },
  around: { readonly signal: AbortSignal; readonly progress: Progress },
): Promise<ShownQuestions> => {
  const files = new ClipFiles(folder);
  const clipKey = (sample: BenchmarkSample): string => stretchKey(sample.clip.file, sample);
  const distinct = [...new Map(asked.map((sample) => [clipKey(sample), sample])).values()];
  const known = new Map<string, KnownClip>();
  const look = async (sample: BenchmarkSample): Promise<KnownClip> => {
    const found = files.find(sample.clip.file);
    if ("reason" in found) return { file: sample.clip.file, positions: [], reason: found.reason };
    try {
      const info = await clips.video.probe(join(folder, found.file), around.signal);
      if (sample.frames !== undefined) {
        const positions = framesOf(sample.frames, info);
        const all = framesOf(allOfEach(sample.frames, sample.framesEach), info);
        const own = subject.ownFrames?.of(info, stretchKey(found.file, sample), all);
        return { file: found.file, info, positions: own ?? positions };
      }
      const { timeline, durationSeconds, ...shown } = stretchOf(info, rangeOf(sample));
      const positions =
        subject.ownFrames
          ?.of({ ...shown, timeline, durationSeconds }, stretchKey(found.file, sample))
          .map((position) => timeline[position]!.index as number) ??
        selector.made.value.select({ timeline, durationSeconds, budget: selector.frames });
      return { file: found.file, info, positions };
    } catch (error) {
      around.signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      return { file: found.file, positions: [], reason: error.message };
    }
  };
  let done = 0;
  for (let at = 0; at < distinct.length; at += atOnce) {
    const some = distinct.slice(at, at + atOnce);
    const found = await Promise.all(some.map(look));
    some.forEach((sample, i) => {
      known.set(clipKey(sample), found[i]!);
    });
    done += some.length;
    around.progress.update(done, distinct.length, "clips looked at");
  }
  const samples = asked.map((sample): BenchmarkSample => {
    const { file, info } = known.get(clipKey(sample))!;
    const timeline = info?.timeline ?? sample.clip.timeline;
    const twin = sample.absent ?? (timeline && sample.events && eventTwin(timeline, sample.events));
    return {
      ...sample,
      cluster: clusterOf(sample),
      clip: { ...sample.clip, file, ...(timeline && { timeline }) },
      ...(twin && { absent: twin }),
      ...(info && { size: { width: info.width, height: info.height } }),
    };
  });
  const byId = new Map(asked.map((sample) => [sample.id, known.get(clipKey(sample))!]));
  const faults = [...known.values()].flatMap(({ file, reason }) =>
    reason === undefined ? [] : [{ file, reason }],
  );
  const policy = subject.ownFrames?.recipe ?? {
    ...selector.made.recipe,
    params: { ...selector.made.recipe.params, frames: selector.frames },
  };
  const chosen = asked.filter(({ frames }) => frames !== undefined).length;
  return {
    samples,
    positions: ({ id }) => byId.get(id)!.positions,
    framePolicy:
      chosen === 0
        ? policy
        : { ...policy, params: { ...policy.params, questionsWithFramesOfTheirOwn: chosen } },
    unreadable: ({ id }) => byId.get(id)!.reason,
    faults,
    clips: known.size,
  };
};

/** Questions to a subject that looks at nothing. */
export const lookAtNothing = (samples: readonly BenchmarkSample[]): ShownQuestions => ({
  samples,
  positions: () => [],
  framePolicy: { name: "as-predicted", params: {} },
  unreadable: () => undefined,
  faults: [],
  clips: new Set(samples.map(clusterOf)).size,
});
