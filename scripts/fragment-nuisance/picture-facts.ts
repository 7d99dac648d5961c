/** What a picture is, apart from its content. */
export interface PictureFacts {
  /** Of its file, or of its packet in a short clip. */
  readonly bytes: number;
  readonly hash: string;
  readonly brightness: number;
  readonly contrast: number;
  /** Mean absolute difference of neighbours inside the grid of 8 x 8 blocks that encoders have. */
  readonly sharpness: number;
  /** The same across the grid, as a share of it: at the grid's usual place, and at the place where it is largest. */
  readonly blockiness: number;
  readonly shiftedGrid: number;
  /** Both of a grid of 7 x 7, which no encoder has: what they tell is content, where a picture has edges. */
  readonly contentBlockiness: number;
  readonly contentGrid: number;
  /** Share of small high frequencies of 8 x 8 blocks: what quantisation leaves. */
  readonly zeros: number;
  /** Mean level of the outermost lines, as a share of the whole. */
  readonly border: number;
}

/** What steps between neighbours along x are like in a grid of `size` columns. */
const gridOf = (
  green: Float64Array,
  width: number,
  height: number,
  size: number,
): { readonly inside: number; readonly edges: number; readonly shifted: number } => {
  const [sums, counts] = [new Float64Array(size), new Float64Array(size)];
  for (let y = 0; y < height; y++)
    for (let x = 1; x < width; x++) {
      sums[x % size]! += Math.abs(green[y * width + x]! - green[y * width + x - 1]!);
      counts[x % size]!++;
    }
  const steps = sums.map((sum, at) => sum / Math.max(1, counts[at]!));
  const inside = steps.reduce((total, one, at) => (at === 0 ? total : total + one), 0) / (size - 1);
  const usual = steps.reduce((total, one) => total + one, 0) / size;
  return { inside, edges: steps[0]! / (inside + 1e-6), shifted: Math.max(...steps) / (usual + 1e-6) };
};

const cosines = Array.from({ length: 8 }, (_, k) =>
  Array.from({ length: 8 }, (__, x) => Math.cos(((2 * x + 1) * k * Math.PI) / 16) / 2),
);

/** Share of coefficients of the two highest horizontal and vertical frequencies below half a level. */
const smallCoefficients = (green: Float64Array, width: number, height: number): number => {
  let [small, all] = [0, 0];
  for (let top = 0; top + 8 <= height; top += 16)
    for (let left = 0; left + 8 <= width; left += 16)
      for (const k of [6, 7]) {
        let [across, down] = [0, 0];
        for (let y = 0; y < 8; y++)
          for (let x = 0; x < 8; x++) {
            const value = green[(top + y) * width + left + x]!;
            across += value * cosines[k]![x]! * 0.354;
            down += value * cosines[k]![y]! * 0.354;
          }
        small += (Math.abs(across) < 0.5 ? 1 : 0) + (Math.abs(down) < 0.5 ? 1 : 0);
        all += 2;
      }
  return all === 0 ? 0 : small / all;
};

/** The facts of one picture, rgb24 [height, width, 3]. */
export const factsOf = (
  pixels: Uint8Array,
  width: number,
  height: number,
  file: { readonly bytes: number; readonly hash: string },
): PictureFacts => {
  const green = Float64Array.from({ length: width * height }, (_, at) => pixels[at * 3 + 1]!);
  let [sum, squares, border, lines] = [0, 0, 0, 0];
  for (let at = 0; at < green.length; at++) {
    const value = green[at]!;
    sum += value;
    squares += value * value;
    const [x, y] = [at % width, Math.floor(at / width)];
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) {
      border += value;
      lines++;
    }
  }
  const brightness = sum / green.length;
  const grid = gridOf(green, width, height, 8);
  const content = gridOf(green, width, height, 7);
  return {
    ...file,
    brightness,
    contrast: Math.sqrt(Math.max(0, squares / green.length - brightness ** 2)),
    sharpness: grid.inside,
    blockiness: grid.edges,
    shiftedGrid: grid.shifted,
    contentBlockiness: content.edges,
    contentGrid: content.shifted,
    zeros: smallCoefficients(green, width, height),
    border: border / lines / (brightness + 1),
  };
};

/** Lengths of the samples of an MP4's one track, in file order; from its `stsz` box. */
export const packetLengths = (file: Uint8Array): number[] => {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const at = bytes.indexOf("stsz", 0, "latin1");
  if (at < 0) throw new Error("no stsz box");
  const [same, count] = [bytes.readUInt32BE(at + 8), bytes.readUInt32BE(at + 12)];
  return Array.from({ length: count }, (_, n) => (same > 0 ? same : bytes.readUInt32BE(at + 16 + 4 * n)));
};
