/** From planned clips to the patches that a model sees: every file is decoded once, its twin from the same frames. */
import sharp from "sharp";
import { shownPicture, type TwinFrame, type TwinView, twinView } from "../../absent/twin-view.ts";
import type { MediaStep } from "../../batch/media-step.ts";
import { DataFormatError, messageOf } from "../../core/errors.ts";
import type { Sample } from "../../dataset/sample.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import type { PatchSettings } from "../../frames/patches.ts";
import { streamFrames } from "../../frames/read-frames.ts";
import type { Processor } from "../../model/processor.ts";
import { patchSettings } from "../../model/processor-settings.ts";
import { visualSteps } from "../../model/visual-steps.ts";
import type { VideoService } from "../../video/service.ts";
import type { PlannedClip, PlannedMedia } from "./plan-clip.ts";

/** What reading clips needs. */
export interface LoadMeans {
  readonly processor: Processor;
  readonly video: Pick<VideoService, "frames">;
  /** The twin is read too. */
  readonly withTwin: boolean;
  /** What is read besides where there is a twin: its control, a frame a position; undefined: the clip has none. */
  readonly control?: (
    sample: Sample,
    view: TwinView,
    indices: readonly number[],
  ) => Promise<readonly TwinFrame[] | undefined>;
}

/** Temporal steps that stand in the places of a clip's own, by number. */
export type OtherSteps = ReadonlyMap<number, MediaStep>;

/** The temporal steps of a clip's pictures, and those that differ in its twin and in the control. */
export interface LoadedPictures {
  readonly media: readonly MediaStep[];
  readonly absentSteps: OtherSteps;
  /** Undefined: it has no control. */
  readonly controlSteps: OtherSteps | undefined;
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

/** The steps of another version of a clip that differ, by their number in the clip. @param shown a frame a position */
const otherSteps = (
  { indices, size }: PlannedMedia,
  shown: readonly TwinFrame[],
  found: ReadonlyMap<number, Uint8Array>,
  settings: PatchSettings,
): Map<number, MediaStep> => {
  const depth = settings.temporalPatchSize;
  const changed = new Map<number, MediaStep>();
  for (let at = 0; at < indices.length; at += depth) {
    const places = Array.from({ length: depth }, (_, t) => Math.min(at + t, indices.length - 1));
    if (places.every((place) => shown[place]!.source === indices[place] && shown[place]!.pixels === null))
      continue;
    const pictures = places.map((place) =>
      shownPicture(shown[place]!, found.get(shown[place]!.source)!, size.width, size.height),
    );
    changed.set(at / depth, visualSteps(pictures, size, settings)[0]!);
  }
  return changed;
};

/** What the twin and the control show at every position of a clip. */
const otherVersions = async (
  { indices, isClip }: PlannedMedia,
  sample: Sample,
  { withTwin, control }: LoadMeans,
): Promise<{ readonly twin?: readonly TwinFrame[]; readonly control?: readonly TwinFrame[] }> => {
  const { absent } = sample;
  if (!withTwin || !isClip || absent === undefined) return {};
  const view = await twinView(absent);
  const controlled = await control?.(sample, view, indices);
  return {
    twin: indices.map((index) => view.at(index)),
    ...(controlled !== undefined && { control: controlled }),
  };
};

/**
 * Decodes what a planned clip shows, its twin and the control: every frame once.
 *
 * @throws {VideoError | DataFormatError} for a file that cannot be read
 */
export const loadPictures = async (
  { media, group }: PlannedClip,
  means: LoadMeans,
  signal: AbortSignal,
): Promise<LoadedPictures> => {
  const { processor } = means;
  const settings = patchSettings(processor.settings, "video");
  const steps: MediaStep[] = [];
  const absentSteps = new Map<number, MediaStep>();
  let controlSteps: Map<number, MediaStep> | undefined;
  for (const planned of media) {
    const { kind, indices, size } = planned;
    if (kind === "image") {
      const pictures = await readImage(planned, processor);
      steps.push(...visualSteps(pictures, size, patchSettings(processor.settings, "image")));
      continue;
    }
    const { twin = [], control } = await otherVersions(planned, group.samples[0]!, means);
    const sources = new Set([...indices, ...[...twin, ...(control ?? [])].map(({ source }) => source)]);
    const wanted = [...sources].sort((a, b) => a - b);
    const found = await readPictures(planned, wanted, means, signal);
    const missing = wanted.find((index) => !found.has(index));
    if (missing !== undefined)
      throw new DataFormatError("a frame that the clip does not give", {
        where: `${planned.file}, frame ${missing}`,
      });
    const changed = (shown: readonly TwinFrame[]): [number, MediaStep][] =>
      [...otherSteps(planned, shown, found, settings)].map(([step, one]) => [steps.length + step, one]);
    if (twin.length > 0) for (const [step, one] of changed(twin)) absentSteps.set(step, one);
    if (control !== undefined) controlSteps = new Map([...(controlSteps ?? []), ...changed(control)]);
    const pictures = indices.map((index) => found.get(index)!);
    steps.push(...visualSteps(pictures, size, settings));
  }
  return { media: steps, absentSteps, controlSteps };
};
