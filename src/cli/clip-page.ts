import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { decideReplacements, type PairRecord, pairOf } from "../absent/build-pair.ts";
import type { AbsentBuilder } from "../absent/builders.ts";
import { pairPage } from "../absent/pair-page.ts";
import { absentStream } from "../absent/twin.ts";
import type { Made } from "../core/registry.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import { type AnalysedClip, scoringSize } from "./clip-analysis.ts";

/** Longest side of the copies inside a page. */
const pagePixels = 480;

/** The page of an analysed clip: browser-sized copies of both clips are encoded, embedded and thrown away. */
export const renderPairPage = async (request: {
  readonly video: VideoService;
  readonly file: string;
  readonly clip: AnalysedClip;
  readonly caption: string;
  readonly builder: Made<AbsentBuilder>;
  readonly signal: AbortSignal;
}): Promise<string> => {
  const { video, file, clip, builder, signal } = request;
  const record: PairRecord = {
    clip: { file: basename(file), sha256: clip.sha256 },
    full: clip.info.timeline,
    sampled: clip.sampled,
    caption: request.caption,
    keywords: clip.keywords,
    ...(clip.keywordSource === undefined ? {} : { keywordSource: clip.keywordSource }),
    peaks: clip.rule,
    builder,
    seed: 0,
    allowNothing: true,
  };
  const { pair } = pairOf(
    record,
    clip.relevance,
    clip.scores,
    decideReplacements(record, clip.scores),
    () => false,
  );
  const size = scoringSize(clip.info, pagePixels);
  const folder = mkdtempSync(join(tmpdir(), "videoperceiver-page-"));
  try {
    const frames = (): AsyncIterable<FrameBatch> =>
      video.frames(file, { select: { kind: "all" }, size }, signal);
    const encode = { crf: 24, gop: 15 };
    const [complete, absent] = [join(folder, "complete.mp4"), join(folder, "absent.mp4")];
    await video.write(complete, { ...size, frames: frames(), encode }, signal);
    await video.write(
      absent,
      { ...size, frames: absentStream(frames(), pair.replacements, builder.value.pixels), encode },
      signal,
    );
    return pairPage({
      pair,
      complete: readFileSync(complete),
      absent: readFileSync(absent),
      frameTimes: clip.info.timeline.map(({ timeSeconds }) => timeSeconds),
      durationSeconds: Math.max(clip.info.durationSeconds, clip.info.timeline.at(-1)?.timeSeconds ?? 0),
      unit: clip.unit,
      title: basename(file),
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
