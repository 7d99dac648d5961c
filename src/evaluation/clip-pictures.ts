import { join } from "node:path";
import { shownPicture } from "../absent/twin-view.ts";
import { assert } from "../core/errors.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { type FrameSource, streamFrames } from "../frames/read-frames.ts";
import type { FrameSize } from "../video/request.ts";
import { clusterOf } from "./benchmarks.ts";
import type { AnswerRequest } from "./subject.ts";

/** One picture as rgb24 [height, width, 3]. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

/** How a subject wants its pictures. */
export interface PictureForm {
  /** Size in which frames are decoded; the size as seen when left out. */
  readonly size?: FrameSize;
  /** A decoded frame as the subject takes it; a copy, since the batch is reused. */
  readonly take: (batch: FrameBatch, position: number) => RgbPicture;
}

/** One picture that a request shows, and the time that is told for it. */
export interface ShownAt {
  readonly picture: RgbPicture;
  readonly timeSeconds: number;
  /** Equal for equal pictures of one clip; null for one that is made for this request alone (painted). */
  readonly key: string | null;
}

interface HeldClip {
  readonly file: string;
  readonly wanted: Set<number>;
  /** Requests that will still look at it. */
  uses: number;
  pictures?: Promise<Map<number, RgbPicture>>;
}

/** Positions of a request that are given at all, in order. */
export const givenPositions = ({ view }: Pick<AnswerRequest, "view">): number[] =>
  view.shown_T.flatMap((_, t) => (view.dropped_T?.[t] === true ? [] : [t]));

/** The times that a request tells for its positions, seconds; frames without a known time have none. */
export const toldTimes = ({ sample, positions_T, view }: AnswerRequest): number[] => {
  const times = new Map(
    (sample.clip.timeline ?? []).map(({ index, timeSeconds }) => [index as number, timeSeconds as number]),
  );
  return positions_T.map((_, t) => times.get(positions_T[view.toldAs_T?.[t] ?? t]!) ?? Number.NaN);
};

/**
 * The pictures of requests. Every clip is decoded once, for all the frames that planned requests show of it, and
 * forgotten when the last of them is done; requests that come clip by clip hold few clips at a time.
 */
export class ClipPictures {
  readonly #source: FrameSource;
  readonly #folder: string;
  readonly #form: PictureForm;
  readonly #clips = new Map<string, HeldClip>();
  /** @param folder what clips' file names are relative to */
  constructor(source: FrameSource, folder: string, form: PictureForm) {
    this.#source = source;
    this.#folder = folder;
    this.#form = form;
  }
  /** Says what will be shown; call it before the first picture is wanted. */
  plan(requests: readonly AnswerRequest[]): void {
    for (const request of requests) {
      const held = this.#held(request);
      if (held === undefined) continue;
      held.uses++;
      for (const t of givenPositions(request)) {
        const frame = request.view.shown_T[t];
        if (frame !== null && frame !== undefined) held.wanted.add(frame);
      }
    }
  }
  /** What stands at each given position of a planned request; none without a video. @throws {VideoError} */
  async shown(request: AnswerRequest, signal?: AbortSignal): Promise<ShownAt[]> {
    const held = this.#held(request);
    if (held === undefined) return [];
    held.pictures ??= this.#decode(held, signal);
    const pictures = await held.pictures;
    const { view } = request;
    const times = toldTimes(request);
    const [any] = pictures.values();
    assert(any !== undefined, `no picture was planned of ${held.file}`);
    return givenPositions(request).map((t) => {
      const timeSeconds = times[t]!;
      const frame = view.shown_T[t]!;
      if (frame === null) {
        const pixels = new Uint8Array(any.pixels.length);
        return { picture: { ...any, pixels }, timeSeconds, key: "blank" };
      }
      const picture = pictures.get(frame);
      assert(picture !== undefined, `frame ${frame} of ${held.file} was not planned`);
      if (view.painted?.at_T[t] !== true) return { picture, timeSeconds, key: String(frame) };
      const { width, height } = picture;
      const painted = { source: frame, pixels: view.painted.pixels };
      const pixels = shownPicture(painted, picture.pixels, width, height);
      return { picture: { width, height, pixels }, timeSeconds, key: null };
    });
  }
  /** Says that a planned request needs its pictures no more. */
  done(request: AnswerRequest): void {
    const held = this.#held(request);
    if (held === undefined) return;
    held.uses--;
    if (held.uses <= 0) delete held.pictures;
  }
  #held({ sample, shownSample, view }: AnswerRequest): HeldClip | undefined {
    if (view.withoutVideo === true || view.shown_T.length === 0) return undefined;
    const { file } = (shownSample ?? sample).clip;
    const held = this.#clips.get(file) ?? { file, wanted: new Set(), uses: 0 };
    this.#clips.set(file, held);
    return held;
  }
  async #decode(
    { file, wanted }: HeldClip,
    signal: AbortSignal | undefined,
  ): Promise<Map<number, RgbPicture>> {
    // Blank positions alone still need a size.
    const indices = wanted.size === 0 ? [0] : [...wanted].sort((a, b) => a - b);
    const { size, take } = this.#form;
    const request = {
      select: { kind: "indices", indices },
      ...(size === undefined ? {} : { size }),
    } as const;
    const found = new Map<number, RgbPicture>();
    for await (const batch of streamFrames(this.#source, join(this.#folder, file), request, signal))
      batch.frames.forEach(({ index }, position) => {
        found.set(index, take(batch, position));
      });
    return found;
  }
}

/** Requests in the order in which their clips stand, all about one clip together. */
export const byClip = (requests: readonly AnswerRequest[]): AnswerRequest[] => {
  const groups = new Map<string, AnswerRequest[]>();
  for (const request of requests) {
    const key = clusterOf(request.shownSample ?? request.sample);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [request]);
    else group.push(request);
  }
  return [...groups.values()].flat();
};
