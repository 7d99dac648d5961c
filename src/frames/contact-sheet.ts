import sharp, { type OverlayOptions } from "sharp";
import { escapeHtml } from "../core/html.ts";

/** One picture of a sheet. */
export interface SheetTile {
  /** rgb24 [height, width, 3] of the sheet's tile size. */
  readonly pixels: Uint8Array;
  /** Line below the picture. */
  readonly label: string;
  /** Draws a red border. */
  readonly framed?: boolean;
}

/** What a contact sheet shows. */
export interface ContactSheet {
  /** Lines above the pictures, broken where they do not fit; the first one is larger. */
  readonly head: readonly string[];
  /** Rows of pictures, all of one size; columns are aligned. */
  readonly rows: readonly (readonly SheetTile[])[];
  readonly tile: { readonly width: number; readonly height: number };
  /** Width that each column takes at least, in pixels. */
  readonly columnWidth?: number;
  /** Draws below the pictures: the inside of an SVG of the given width and its own height. */
  readonly foot?: { readonly height: number; readonly draw: (width: number) => string };
}

const gap = 6;
const labelHeight = 22;
const lineHeight = 22;
const frameColour = "#b3261e";

const svgText = (left: number, baseline: number, size: number, text: string): string =>
  `<text x="${left}" y="${baseline}" font-size="${size}" font-family="sans-serif" fill="#222">${escapeHtml(text)}</text>`;

/** Width of an average letter as a share of the font's size; generous, since fonts differ. */
const letterShare = 0.62;

/** Breaks a line between words so that every part fits `width` pixels; XML knows no control characters. */
const fitted = (line: string, size: number, width: number): string[] => {
  const most = Math.max(1, Math.floor(width / (size * letterShare)));
  const parts = [""];
  for (const word of line.replace(/\p{Cc}+/gu, " ").split(" ")) {
    const last = parts.at(-1)!;
    const joined = last === "" ? word : `${last} ${word}`;
    if (last !== "" && joined.length > most) parts.push(word);
    else parts[parts.length - 1] = joined;
  }
  return parts;
};

/** A PNG of pictures in rows with labels, lines above and a drawing below. */
export const contactSheet = async ({
  head,
  rows,
  tile,
  columnWidth,
  foot,
}: ContactSheet): Promise<Buffer> => {
  const column = Math.max(tile.width, columnWidth ?? 0);
  const columns = Math.max(1, ...rows.map((row) => row.length));
  const width = columns * (column + gap) + gap;
  const lines = head.flatMap((line, at) => {
    const size = at === 0 ? 17 : 13;
    return fitted(line, size, width - 2 * gap).map((text) => ({ text, size }));
  });
  const gridTop = gap + lines.length * lineHeight + (lines.length > 0 ? gap : 0);
  const rowTop = (row: number): number => gridTop + row * (tile.height + labelHeight);
  const footTop = rowTop(rows.length);
  const height = footTop + (foot === undefined ? 0 : foot.height + gap);
  const layers: OverlayOptions[] = [];
  const marks = lines.map(({ text, size }, at) => svgText(gap, gap + 17 + at * lineHeight, size, text));
  for (const [row, tiles] of rows.entries())
    for (const [at, { pixels, label, framed }] of tiles.entries()) {
      const left = gap + at * (column + gap) + Math.floor((column - tile.width) / 2);
      const top = rowTop(row);
      layers.push({ input: Buffer.from(pixels), raw: { ...tile, channels: 3 }, left, top });
      marks.push(svgText(left, top + tile.height + 14, 12, label));
      if (framed === true)
        marks.push(
          `<rect x="${left - 1.5}" y="${top - 1.5}" width="${tile.width + 3}" height="${tile.height + 3}" fill="none" stroke="${frameColour}" stroke-width="3"/>`,
        );
    }
  if (foot !== undefined)
    marks.push(`<g transform="translate(${gap} ${footTop})">${foot.draw(width - 2 * gap)}</g>`);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${marks.join("")}</svg>`;
  return sharp({ create: { width, height, channels: 3, background: "#f4f4f2" } })
    .composite([...layers, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
};
