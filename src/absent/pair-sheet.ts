import sharp, { type OverlayOptions } from "sharp";
import { pixelsOf } from "../frames/frame-batch.ts";
import type { VideoService } from "../video/service.ts";
import type { VideoInfo } from "../video/types.ts";
import type { PixelOperation } from "./builders.ts";
import { escapeMarkup } from "./escape-markup.ts";
import type { Pair } from "./pair.ts";
import { curveSvg } from "./relevance-curve.ts";
import { twinSources } from "./twin.ts";

const columns = 10;
const cellWidth = 152;
const gap = 6;
const curveHeight = 130;
const headHeight = 62;

/** Frames to show: every key frame with its neighbours first, then an even spread, in order. */
export const sheetIndices = (pair: Pair, count: number): number[] => {
  const all = pair.timeline.map(({ index }) => index as number);
  const chosen = new Set<number>();
  const replaced = new Set(pair.replacements.map(({ index }) => index));
  const shown = pair.keyFrames.filter((key) => replaced.has(key));
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
  readonly pixels?: PixelOperation;
  readonly output: string;
  readonly signal?: AbortSignal;
}

/** Draws a PNG: complete frames above their absent twins (changed ones framed red), the relevance curve, the record. */
export const drawPairSheet = async (request: PairSheetRequest): Promise<void> => {
  const { video, info, pair } = request;
  const scale = Math.min(cellWidth / info.width, 220 / info.height);
  const size = {
    width: Math.max(1, Math.round(info.width * scale)),
    height: Math.max(1, Math.round(info.height * scale)),
  };
  const shown = sheetIndices(pair, columns);
  const sources = twinSources(shown, pair.replacements);
  const pictures = new Map<number, Uint8Array>();
  const indices = [...new Set([...shown, ...sources])].sort((a, b) => a - b);
  for await (const batch of video.frames(
    request.file,
    { select: { kind: "indices", indices }, size },
    request.signal,
  ))
    for (let at = 0; at < batch.frames.length; at++)
      pictures.set(batch.frames[at]!.index, Uint8Array.from(pixelsOf(batch, at)));
  const width = columns * (cellWidth + gap) + gap;
  const rowTop = (row: number): number => headHeight + row * (size.height + 22);
  const curveTop = rowTop(2) + 4;
  const height = curveTop + curveHeight + gap;
  const declared = new Set(pair.replacements.map(({ index }) => index));
  const cellLeft = (column: number): number =>
    gap + column * (cellWidth + gap) + Math.floor((cellWidth - size.width) / 2);
  const layers: OverlayOptions[] = [];
  const marks: string[] = [];
  shown.forEach((index, column) => {
    [index, sources[column]!].forEach((source, row) => {
      const pixels = Uint8Array.from(pictures.get(source)!);
      if (row === 1 && declared.has(index)) request.pixels?.(pixels, size.width, size.height);
      layers.push({
        input: Buffer.from(pixels),
        raw: { ...size, channels: 3 },
        left: cellLeft(column),
        top: rowTop(row),
      });
      const time = info.timeline[source]?.timeSeconds ?? 0;
      const label = `${row === 0 ? "" : declared.has(index) ? "shows " : ""}${time.toFixed(2)} s`;
      marks.push(
        `<text x="${cellLeft(column)}" y="${rowTop(row) + size.height + 14}" font-size="12" font-family="sans-serif" fill="#333">${label}</text>`,
      );
      if (declared.has(index))
        marks.push(
          `<rect x="${cellLeft(column) - 1.5}" y="${rowTop(row) - 1.5}" width="${size.width + 3}" height="${size.height + 3}" fill="none" stroke="#b3261e" stroke-width="3"/>`,
        );
    });
  });
  const last = info.timeline.at(-1)?.timeSeconds ?? 0;
  const drawing = {
    width: width - 2 * gap,
    height: curveHeight,
    endSeconds: Math.max(last, info.durationSeconds),
  };
  const times = info.timeline.map(({ timeSeconds }) => timeSeconds as number);
  const head = [
    `${(pair.caption ?? "").slice(0, 150)}`,
    `keywords: ${pair.keywords.join(", ") || "none"}  |  relevance: ${pair.relevance.name}  |  builder: ${pair.builder.name}  |  ${pair.keyFrames.length} key of ${pair.timeline.length} scored  |  above: complete, below: absent`,
  ].map(
    (line, at) =>
      `<text x="${gap}" y="${22 + at * 22}" font-size="${at === 0 ? 17 : 13}" font-family="sans-serif" fill="#111">${escapeMarkup(line)}</text>`,
  );
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${head.join("")}${marks.join("")}<g transform="translate(${gap} ${curveTop})">${curveSvg(pair, times, drawing)}</g></svg>`;
  await sharp({ create: { width, height, channels: 3, background: "#f4f4f2" } })
    .composite([...layers, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toFile(request.output);
};
