import sharp from "sharp";
import { type FrameBatch, pixelsOf } from "./frame-batch.ts";

/** What a contact sheet shows besides the frames. */
export interface ContactSheetOptions {
  /** Frames in a row; default: as square as possible. */
  readonly columns?: number;
  /** Width of one frame's picture in pixels; default 192. */
  readonly tileWidth?: number;
  /** Frame indices that get a coloured border. */
  readonly keyFrames?: readonly number[];
  /** A curve below the frames, one value a point of time. */
  readonly curve?: readonly { readonly timeSeconds: number; readonly value: number }[];
  /** Line above the frames. */
  readonly title?: string;
}

const gap = 6;
const labelHeight = 16;
const curveHeight = 120;
const keyColour = "#e4572e";

const escapeXml = (text: string): string =>
  text.replace(/[&<>"']/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** Points of the curve in a box; a flat curve lies in its middle. */
const curveSvg = (
  options: ContactSheetOptions,
  times: ReadonlyMap<number, number>,
  box: { x: number; y: number; width: number; height: number },
): string => {
  const curve = options.curve ?? [];
  if (curve.length === 0) return "";
  const values = curve.map(({ value }) => value);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const start = curve[0]!.timeSeconds;
  const span = curve.at(-1)!.timeSeconds - start || 1;
  const x = (time: number): string => (box.x + ((time - start) / span) * box.width).toFixed(1);
  const y = (value: number): string =>
    (box.y + box.height - (high > low ? (value - low) / (high - low) : 0.5) * box.height).toFixed(1);
  const points = curve.map(({ timeSeconds, value }) => `${x(timeSeconds)},${y(value)}`).join(" ");
  const marks = (options.keyFrames ?? []).flatMap((index) => {
    const time = times.get(index);
    if (time === undefined) return [];
    return [
      `<line x1="${x(time)}" x2="${x(time)}" y1="${box.y}" y2="${box.y + box.height}" stroke="${keyColour}"/>`,
    ];
  });
  return `${marks.join("")}<polyline points="${points}" fill="none" stroke="#2e4057" stroke-width="1.5"/>`;
};

/** A PNG with every frame of the batch, its index (from 1) and time, key frames framed, and the curve below. */
export const contactSheet = async (batch: FrameBatch, options: ContactSheetOptions = {}): Promise<Buffer> => {
  const count = batch.frames.length;
  const columns = Math.max(1, Math.min(count, options.columns ?? Math.ceil(Math.sqrt(count))));
  const tileWidth = Math.min(batch.width, options.tileWidth ?? 192);
  const tileHeight = Math.max(1, Math.round((batch.height * tileWidth) / batch.width));
  const titleHeight = options.title === undefined ? 0 : 24;
  const cellHeight = tileHeight + labelHeight + gap;
  const width = columns * (tileWidth + gap) + gap;
  const gridHeight = Math.ceil(count / columns) * cellHeight + gap;
  const height = titleHeight + gridHeight + (options.curve === undefined ? 0 : curveHeight);
  const keys = new Set(options.keyFrames ?? []);
  const drawn: string[] = [];
  const tiles: { input: Buffer; left: number; top: number }[] = [];
  for (const [i, { index, timeSeconds }] of batch.frames.entries()) {
    const left = gap + (i % columns) * (tileWidth + gap);
    const top = titleHeight + gap + Math.floor(i / columns) * cellHeight;
    const raw = { width: batch.width, height: batch.height, channels: 3 as const };
    const input = await sharp(pixelsOf(batch, i), { raw }).resize(tileWidth, tileHeight).png().toBuffer();
    tiles.push({ input, left, top });
    if (keys.has(index))
      drawn.push(
        `<rect x="${left - 2}" y="${top - 2}" width="${tileWidth + 4}" height="${tileHeight + 4}" fill="none" stroke="${keyColour}" stroke-width="4"/>`,
      );
    drawn.push(
      `<text x="${left}" y="${top + tileHeight + 13}">${index + 1} · ${timeSeconds.toFixed(3)} s</text>`,
    );
  }
  if (options.title !== undefined) drawn.push(`<text x="${gap}" y="18">${escapeXml(options.title)}</text>`);
  const times = new Map(
    batch.frames.map(({ index, timeSeconds }) => [index as number, timeSeconds as number]),
  );
  const box = { x: gap, y: titleHeight + gridHeight + 8, width: width - 2 * gap, height: curveHeight - 16 };
  drawn.push(curveSvg(options, times, box));
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">${drawn.join("")}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: "#ffffff" } })
    .composite([...tiles, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
};
