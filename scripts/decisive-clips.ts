import { createHash } from "node:crypto";
import { join } from "node:path";
import { messageOf } from "../src/core/errors.ts";
import { readJsonFile } from "../src/core/files.ts";
import type { FrameBatch } from "../src/frames/frame-batch.ts";
import type { VideoService } from "../src/video/service.ts";
import { indicesForFps } from "../src/video/timeline.ts";
import type { Timeline } from "../src/video/types.ts";

/** A real clip whose decisive spans somebody has written down. */
export interface DecisiveClip {
  readonly path: string;
  readonly caption: string;
  /** Encodings of one shot are one scene. */
  readonly scene: string;
  /** Scenes in the order of the SHA-256 of their names, alternately. */
  readonly half: "tuning" | "held-out";
  readonly sampled: Timeline;
  readonly width: number;
  readonly height: number;
  readonly durationSeconds: number;
  /** The finest spans: a span that holds another one is left out. */
  readonly spans: readonly { readonly startSeconds: number; readonly endSeconds: number }[];
  /** All spans, those that hold others too. */
  readonly events: readonly { readonly startSeconds: number; readonly endSeconds: number }[];
  /** Which sampled frames lie in a span. */
  readonly inside: readonly boolean[];
}

interface Listed {
  readonly file: string;
  readonly caption: string;
  readonly events: readonly { readonly start: number; readonly end: number }[];
}

const sceneOf = (file: string): string => file.replace(/\.[^.]+$/, "").replace(/^lego_.*/, "lego");
const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

const finest = (events: Listed["events"]): Listed["events"] =>
  events.filter(
    (a) =>
      !events.some(
        (b) => b !== a && b.start >= a.start && b.end <= a.end && b.end - b.start < a.end - a.start,
      ),
  );

/** The clips of a folder with `clips.json` that have decisive spans; what cannot be read is named and left out. */
export const decisiveClips = async (
  video: VideoService,
  folder: string,
  fps: number,
): Promise<DecisiveClip[]> => {
  const listed = (readJsonFile(join(folder, "clips.json")) as Listed[]).filter(
    ({ events }) => events.length > 0,
  );
  const scenes = [...new Set(listed.map(({ file }) => sceneOf(file)))].sort((a, b) =>
    digest(a) < digest(b) ? -1 : 1,
  );
  const clips: DecisiveClip[] = [];
  for (const { file, caption, events } of listed) {
    try {
      const path = join(folder, file);
      const info = await video.probe(path);
      const sampled = indicesForFps(info.timeline, fps).map((at) => info.timeline[at]!);
      const spans = finest(events).map(({ start, end }) => ({ startSeconds: start, endSeconds: end }));
      clips.push({
        path,
        caption,
        scene: sceneOf(file),
        half: scenes.indexOf(sceneOf(file)) % 2 === 0 ? "tuning" : "held-out",
        sampled,
        width: info.width,
        height: info.height,
        durationSeconds: info.durationSeconds,
        spans,
        events: events.map(({ start, end }) => ({ startSeconds: start, endSeconds: end })),
        inside: sampled.map(({ timeSeconds: t }) =>
          spans.some(({ startSeconds, endSeconds }) => t >= startSeconds && t < endSeconds),
        ),
      });
    } catch (error) {
      console.error(`left out ${file}: ${messageOf(error)}`);
    }
  }
  return clips;
};

/** The sampled frames of a clip, its longest side at most `pixels`, as they come. */
export const framesOf = (
  video: VideoService,
  { path, sampled, width, height }: DecisiveClip,
  pixels: number,
  resizer: "pillow" | "zscale",
): AsyncIterable<FrameBatch> => {
  const scale = Math.min(1, pixels / Math.max(width, height));
  const size = {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
  const indices = sampled.map(({ index }) => index as number);
  return video.frames(path, { select: { kind: "indices", indices }, size, resizer });
};

/** All sampled frames of a clip in one batch. */
export const wholeClip = async (parts: AsyncIterable<FrameBatch>): Promise<FrameBatch> => {
  const all: FrameBatch[] = [];
  for await (const part of parts) all.push(part);
  return {
    ...all[0]!,
    frames: all.flatMap((part) => part.frames),
    pixels: Buffer.concat(all.map((part) => part.pixels)),
  };
};
