import { basename } from "node:path";
import { writeFileAtomic } from "../core/files.ts";
import { contactSheet, type SheetTile } from "../frames/contact-sheet.ts";
import { pixelsOf } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import type { VideoInfo } from "../video/types.ts";
import type { Pair } from "./pair.ts";
import { curveSvg } from "./relevance-curve.ts";
import { neededFrames } from "./twin-frames.ts";
import { shownPicture, type TwinView } from "./twin-view.ts";

const columns = 10;
const columnWidth = 152;
const curveHeight = 140;

/** Frames to show: every key frame with its neighbours first, then an even spread, in order. */
const sheetIndices = (pair: Pair, view: TwinView, count: number): number[] => {
  const all = pair.timeline.map(({ index }) => index as number);
  const chosen = new Set<number>();
  const shown = pair.keyFrames.filter((key) => view.changes(key));
  for (const distance of [0, -1, 1])
    for (const key of shown) {
      const index = all[all.indexOf(key) + distance];
      if (index !== undefined && chosen.size < count - 3) chosen.add(index);
    }
  for (let step = 1; step <= all.length && chosen.size < Math.min(count, all.length); step *= 2)
    for (let at = 0; at < step && chosen.size < count; at++)
      chosen.add(all[Math.floor(((at + 0.5) * all.length) / step)]!);
  for (const index of all) if (chosen.size < Math.min(count, all.length)) chosen.add(index);
  return [...chosen].sort((a, b) => a - b);
};

/** What a sheet is drawn from. */
export interface PairSheetRequest {
  readonly video: VideoService;
  readonly file: string;
  readonly info: VideoInfo;
  readonly pair: Pair;
  readonly view: TwinView;
  readonly output: string;
  readonly signal?: AbortSignal;
}

/** Draws a PNG: complete frames above their absent twins (changed ones framed red), the relevance curve, the record. */
export const drawPairSheet = async (request: PairSheetRequest): Promise<void> => {
  const { video, info, pair, view } = request;
  const scale = Math.min(columnWidth / info.width, 220 / info.height);
  const size = {
    width: Math.max(1, Math.round(info.width * scale)),
    height: Math.max(1, Math.round(info.height * scale)),
  };
  const shown = sheetIndices(pair, view, columns);
  const pictures = new Map<number, Uint8Array>();
  const indices = neededFrames(shown, view);
  for await (const batch of video.frames(
    request.file,
    { select: { kind: "indices", indices }, size },
    request.signal,
  ))
    for (let at = 0; at < batch.frames.length; at++)
      pictures.set(batch.frames[at]!.index, Uint8Array.from(pixelsOf(batch, at)));
  const tiles = (row: "complete" | "absent"): SheetTile[] =>
    shown.map((index) => {
      const frame = row === "complete" ? { source: index, pixels: null } : view.at(index);
      const pixels = shownPicture(frame, pictures.get(frame.source)!, size.width, size.height);
      const framed = view.changes(index);
      const time = info.timeline[frame.source]?.timeSeconds ?? 0;
      const label = `${row === "absent" && framed ? "shows " : ""}${time.toFixed(2)} s`;
      return { pixels, label, framed };
    });
  const times = info.timeline.map(({ timeSeconds }) => timeSeconds as number);
  const endSeconds = Math.max(times.at(-1) ?? 0, info.durationSeconds);
  const png = await contactSheet({
    head: [
      (pair.caption ?? basename(request.file)).slice(0, 150),
      `keywords: ${pair.keywords.join(", ") || "none"}  |  relevance: ${pair.relevance.name}  |  builder: ${pair.builder.name}  |  ${pair.keyFrames.length} key of ${pair.timeline.length} scored  |  above: complete, below: absent`,
    ],
    rows: [tiles("complete"), tiles("absent")],
    tile: size,
    columnWidth,
    foot: {
      height: curveHeight,
      draw: (width) => curveSvg(pair, view, times, { width, height: curveHeight, endSeconds }),
    },
  });
  writeFileAtomic(request.output, png);
};
