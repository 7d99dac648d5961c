/** From planned clips to the patches that a model sees: every file is decoded once, its twin from the same frames. */
import sharp from "sharp";
import { neededFrames } from "../../absent/twin-frames.ts";
import { shownPicture, type TwinView, twinView } from "../../absent/twin-view.ts";
import type { MediaStep } from "../../batch/media-step.ts";
import { DataFormatError, messageOf } from "../../core/errors.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import { streamFrames } from "../../frames/read-frames.ts";
import type { Processor } from "../../model/processor.ts";
import { visualSteps } from "../../model/visual-steps.ts";
import type { VideoService } from "../../video/service.ts";
import type { PlannedClip, PlannedMedia } from "./plan-clip.ts";

/** What reading clips needs. */
export interface LoadMeans {
  readonly processor: Processor;
  readonly video: Pick<VideoService, "frames">;
  /** The twin is read too. */
  readonly withTwin: boolean;
}

/** The temporal steps of a clip's pictures, and those of its twin that differ, by number. */
export interface LoadedPictures {
  readonly media: readonly MediaStep[];
  readonly absentSteps: ReadonlyMap<number, MediaStep>;
}

const readImage = async ({ file, sizes }: PlannedMedia, processor: Processor): Promise<Uint8Array[]> => {
  try {
    const { data, info } = await sharp(file)
      .autoOrient()
      .toColourspace("srgb")
      .flatten({ background: "#ffffff" })
      .raw()
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels`);
    return [processor.bring(new Uint8Array(data), { width: info.width, height: info.height }, sizes)];
  } catch (error) {
    throw new DataFormatError("an image that cannot be read", {
      where: file,
      got: messageOf(error),
      cause: error,
    });
  }
};

/** Frames of a clip by index, at the size at which a model takes them. */
const readPictures = async (
  { file, sizes }: PlannedMedia,
  indices: readonly number[],
  { processor, video }: LoadMeans,
  signal: AbortSignal,
): Promise<Map<number, Uint8Array>> => {
  const found = new Map<number, Uint8Array>();
  const request = { select: { kind: "indices", indices } } as const;
  for await (const batch of streamFrames(video, file, request, signal))
    batch.frames.forEach(({ index }, at) => {
      found.set(index, processor.bring(pixelsOf(batch, at), batch, sizes).slice());
    });
  return found;
};

/** The steps of a twin that differ, by their number in the clip. */
const twinSteps = (
  { indices, size }: PlannedMedia,
  view: TwinView,
  found: ReadonlyMap<number, Uint8Array>,
  settings: Processor["settings"],
): Map<number, MediaStep> => {
  const depth = settings.temporalPatchSize;
  const changed = new Map<number, MediaStep>();
  for (let at = 0; at < indices.length; at += depth) {
    const shown = Array.from({ length: depth }, (_, t) => indices[Math.min(at + t, indices.length - 1)]!);
    if (!shown.some((index) => view.changes(index))) continue;
    const pictures = shown.map((index) => {
      const frame = view.at(index);
      return shownPicture(frame, found.get(frame.source)!, size.width, size.height);
    });
    changed.set(at / depth, visualSteps(pictures, size, settings)[0]!);
  }
  return changed;
};

/**
 * Decodes what a planned clip shows, and its twin.
 *
 * @throws {VideoError | DataFormatError} for a file that cannot be read
 */
export const loadPictures = async (
  { media, group }: PlannedClip,
  means: LoadMeans,
  signal: AbortSignal,
): Promise<LoadedPictures> => {
  const { processor, withTwin } = means;
  const { settings } = processor;
  const steps: MediaStep[] = [];
  const absentSteps = new Map<number, MediaStep>();
  const { absent } = group.samples[0]!;
  for (const planned of media) {
    const { kind, indices, size, isClip } = planned;
    if (kind === "image") {
      steps.push(...visualSteps(await readImage(planned, processor), size, settings));
      continue;
    }
    const view = withTwin && isClip && absent !== undefined ? await twinView(absent) : undefined;
    const wanted = view === undefined ? [...new Set(indices)] : neededFrames(indices, view);
    const found = await readPictures(planned, wanted, means, signal);
    const missing = wanted.find((index) => !found.has(index));
    if (missing !== undefined)
      throw new DataFormatError("a frame that the clip does not give", {
        where: `${planned.file}, frame ${missing}`,
      });
    const pictures = indices.map((index) => found.get(index)!);
    if (view !== undefined)
      for (const [step, changed] of twinSteps(planned, view, found, settings))
        absentSteps.set(steps.length + step, changed);
    steps.push(...visualSteps(pictures, size, settings));
  }
  return { media: steps, absentSteps };
};
