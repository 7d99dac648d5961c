import type { Orientation } from "./orientation.ts";

/** Colour facts of a stream by FFmpeg's names; undefined where the file says nothing. */
export interface StoredColour {
  readonly pixelFormat: string;
  readonly matrix: string | undefined;
  readonly range: string | undefined;
}

/** Flags that make swscale's result independent of the processor and equal from FFmpeg 5 to 8. */
const exactFlags = "flags=accurate_rnd+full_chroma_int+full_chroma_inp+bitexact";

/** Brings pictures of a stream that changes its size to the size of its first ones; leaves all others alone. */
export const steadySize = (width: number, height: number): string =>
  `scale=${width}:${height}:flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp+bitexact`;

const matrixNames: Readonly<Record<string, readonly [swscale: string, zscale: string]>> = {
  bt709: ["bt709", "709"],
  fcc: ["fcc", "fcc"],
  bt470bg: ["bt601", "470bg"],
  smpte170m: ["bt601", "170m"],
  smpte240m: ["smpte240m", "240m"],
  bt2020nc: ["bt2020", "2020_ncl"],
  bt2020c: ["bt2020", "2020_ncl"],
};

const isRgb = (pixelFormat: string): boolean =>
  /^(rgb|bgr|gbr|argb|abgr|0rgb|0bgr|pal8|x2rgb|x2bgr)/.test(pixelFormat);

/** Grey, grey with alpha, and black and white: no colour, and by FFmpeg's rule all levels from black to white. */
const isGrey = (pixelFormat: string): boolean => /^(gray|ya\d|mono)/.test(pixelFormat);

/** Grey of 8 bits has all levels whatever the file says: swscale knows no other. */
const isAlwaysFull = (pixelFormat: string): boolean => /^(gray$|mono|yuvj)/.test(pixelFormat);

/** What a file without colour facts means, as every player that follows FFmpeg takes it: BT.601, limited range. */
const colourOptions = (colour: StoredColour): { matrix: readonly [string, string]; full: boolean } => ({
  matrix: matrixNames[colour.matrix ?? ""] ?? ["bt601", "170m"],
  full:
    colour.range === "pc" ||
    colour.range === "jpeg" ||
    isAlwaysFull(colour.pixelFormat) ||
    (colour.range === undefined && isGrey(colour.pixelFormat)),
});

/** The stream's matrix when no filter converts by it: BT.601 is taken instead, as FFmpeg does, and colours are off. */
export const unconvertedMatrix = ({ pixelFormat, matrix }: StoredColour): string | undefined =>
  matrix === undefined || isRgb(pixelFormat) || isGrey(pixelFormat) || matrix in matrixNames
    ? undefined
    : matrix;

/** Filters from a decoded picture to upright rgb24 of the stored size: exact, the same text for both decoders. */
export const rgbChain = (colour: StoredColour, orientation: Orientation): string => {
  const { matrix, full } = colourOptions(colour);
  const conversion = isRgb(colour.pixelFormat)
    ? `scale=${exactFlags}`
    : `scale=in_color_matrix=${matrix[0]}:in_range=${full ? "pc" : "tv"}:out_range=pc:${exactFlags}`;
  return [...orientation.filters, conversion, "format=rgb24"].join(",");
};

/** zimg refuses pictures of odd sides whose colours are stored at half the resolution. */
export const zscaleTakes = ({ pixelFormat }: StoredColour, width: number, height: number): boolean =>
  isRgb(pixelFormat) ||
  isGrey(pixelFormat) ||
  /444/.test(pixelFormat) ||
  (width % 2 === 0 && height % 2 === 0);

/** A format that zimg takes where it does not take the stored one, and FFmpeg's own choice differs by version. */
const formatForZscale = (pixelFormat: string): string | undefined => {
  if (isRgb(pixelFormat)) return "gbrp";
  if (pixelFormat.startsWith("yuva")) return pixelFormat.replace("yuva", "yuv");
  if (!isGrey(pixelFormat)) return undefined;
  return /1\d(be|le)/.test(pixelFormat) ? "gray16le" : "gray";
};

/** The same at another size by zimg's bicubic (a = -0.5, as Pillow's), about 20 times as fast as conversion first. */
export const resizedChain = (
  colour: StoredColour,
  orientation: Orientation,
  width: number,
  height: number,
): string => {
  const { matrix, full } = colourOptions(colour);
  const { pixelFormat } = colour;
  const grey = isGrey(pixelFormat);
  const levels = `:rangein=${full ? "full" : "limited"}`;
  const stored = isRgb(pixelFormat)
    ? ""
    : grey
      ? `:matrixin=${matrix[1]}:matrix=${matrix[1]}${levels}`
      : `:matrixin=${matrix[1]}${levels}`;
  const resize = `zscale=w=${width}:h=${height}:filter=bicubic:param_a=0:param_b=0.5:chromalin=center${stored}:range=full`;
  const taken = formatForZscale(pixelFormat);
  const palette = pixelFormat === "pal8" ? ["format=rgb24"] : [];
  const before = taken === undefined ? [] : [`scale=${exactFlags}`, ...palette, `format=${taken}`];
  const behind = grey
    ? ["format=gray", `scale=in_range=pc:out_range=pc:${exactFlags}`, "format=rgb24"]
    : ["format=gbrp", "format=rgb24"];
  return [...orientation.filters, ...before, resize, ...behind].join(",");
};

/** Filters from rgb24 to what the encoder takes. */
export const encodeChain: string = `scale=in_range=pc:out_color_matrix=bt709:out_range=tv:${exactFlags},format=yuv420p`;
