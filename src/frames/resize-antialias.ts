import { roundHalfEven } from "../core/python-numbers.ts";

/** For every output place: the first input it draws on, how many, and their weights (`most` numbers a place). */
interface Axis {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float32Array;
  readonly most: number;
}

const round = Math.fround;

/** Keys' cubic with a = -0.5 of a distance >= 0, in float32: a product goes unrounded into the sum that follows it. */
const cubic = (x: number): number => {
  if (x < 1) return round(round(round(1.5 * x - 2.5) * x) * x + 1);
  return x < 2 ? round(round(round(-0.5 * x + 2.5) * x - 4) * x + 2) : 0;
};

/** Centres and weights in float32 as torch has them: at place 300 its centre is about 1e-5 away from the true one. */
const axisOf = (input: number, output: number): Axis => {
  const scale = round(input / output);
  const stretch = Math.max(scale, 1);
  const narrow = round(1 / stretch);
  const support = 2 * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(output);
  const count = new Int32Array(output);
  const weights = new Float32Array(output * most);
  for (let place = 0; place < output; place++) {
    const centre = round(scale * (place + 0.5));
    const from = Math.max(Math.trunc(round(centre - support) + 0.5), 0);
    const to = Math.min(Math.trunc(round(centre + support) + 0.5), input, from + most);
    const raw = Array.from({ length: to - from }, (_, tap) =>
      cubic(Math.abs(round((round(tap + from - centre) + 0.5) * narrow))),
    );
    const total = raw.reduce((sum, weight) => round(sum + weight), 0);
    raw.forEach((weight, tap) => {
      weights[place * most + tap] = weight / total;
    });
    first[place] = from;
    count[place] = raw.length;
  }
  return { first, count, weights, most };
};

/**
 * Taps whose products torch rounds before it adds them. It adds tap by tap; after the first tap its compiler takes four
 * at a time, multiplied together and so rounded, and the last three or fewer with fused multiply-adds.
 */
const roundedTaps = (count: number): number => count - ((count - 1) % 4);

let lastKey = "";
let lastAxes: readonly [Axis, Axis] | undefined;

/** The axes of the last sizes are kept: the frames of a clip share them. */
const axesFor = (width: number, height: number, toWidth: number, toHeight: number): readonly [Axis, Axis] => {
  const key = `${width} ${height} ${toWidth} ${toHeight}`;
  if (key !== lastKey || lastAxes === undefined) {
    lastAxes = [axisOf(width, toWidth), axisOf(height, toHeight)];
    lastKey = key;
  }
  return lastAxes;
};

/** float32 [height, toWidth, 3] */
const across = (
  rgb: Uint8Array,
  width: number,
  height: number,
  axis: Axis,
  toWidth: number,
): Float32Array => {
  const middle = new Float32Array(height * toWidth * 3);
  const { first, count, weights, most } = axis;
  let out = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < toWidth; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let at = (y * width + first[x]!) * 3;
      let tap = x * most;
      const end = tap + count[x]!;
      const fused = tap + roundedTaps(count[x]!);
      for (; tap < fused; tap++) {
        const weight = weights[tap]!;
        red = round(red + round(weight * rgb[at++]!));
        green = round(green + round(weight * rgb[at++]!));
        blue = round(blue + round(weight * rgb[at++]!));
      }
      for (; tap < end; tap++) {
        const weight = weights[tap]!;
        red = round(red + weight * rgb[at++]!);
        green = round(green + weight * rgb[at++]!);
        blue = round(blue + weight * rgb[at++]!);
      }
      middle[out++] = red;
      middle[out++] = green;
      middle[out++] = blue;
    }
  return middle;
};

/** uint8 [toHeight, row / 3, 3]; `row` numbers in a row of `middle` */
const down = (middle: Float32Array, row: number, axis: Axis, toHeight: number): Uint8Array => {
  const result = new Uint8Array(toHeight * row);
  const sums = new Float32Array(row);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0);
    const taps = axis.count[y]!;
    const fused = roundedTaps(taps);
    for (let tap = 0; tap < taps; tap++) {
      const weight = axis.weights[y * axis.most + tap]!;
      const from = (axis.first[y]! + tap) * row;
      if (tap < fused) for (let i = 0; i < row; i++) sums[i]! += round(weight * middle[from + i]!);
      else for (let i = 0; i < row; i++) sums[i]! += weight * middle[from + i]!;
    }
    for (let i = 0; i < row; i++) result[y * row + i] = Math.min(255, Math.max(0, roundHalfEven(sums[i]!)));
  }
  return result;
};

/**
 * Bicubic with antialias in float32, rounded and clipped once at the end: what qwen-vl-utils gets from torchvision on
 * processors with AVX2 or AVX-512, each float32 the same. The order of sums and the places of their rounding count: of
 * 10,000 values a few lie so near the middle of two levels that other sums give the other one. Without fused
 * multiply-adds (`ATEN_CPU_CAPABILITY=default`) torch itself differs so.
 *
 * Pillow rounds and clips between the two passes too, which near hard edges is up to 4 of 255 away from this.
 *
 * @param rgb uint8 [height, width, 3]
 * @returns uint8 [toHeight, toWidth, 3]
 * @source torch, `upsample_bicubic2d_aa`; torchvision, `resize` on uint8 tensors
 */
export const resizeAntialias = (
  rgb: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Uint8Array => {
  const [horizontal, vertical] = axesFor(width, height, toWidth, toHeight);
  return down(across(rgb, width, height, horizontal, toWidth), toWidth * 3, vertical, toHeight);
};
