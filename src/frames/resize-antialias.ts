import { roundHalfEven } from "../core/python-numbers.ts";

/** For every output place: the first input it draws on, how many, and their weights (`most` numbers a place). */
interface Axis {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Float32Array;
  readonly most: number;
}

/** Keys' cubic with a = -0.5. */
const cubic = (distance: number): number => {
  const x = Math.abs(distance);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((-0.5 * x + 2.5) * x - 4) * x + 2 : 0;
};

const axisOf = (input: number, output: number): Axis => {
  const scale = input / output;
  const stretch = Math.max(scale, 1);
  const support = 2 * stretch;
  const most = Math.ceil(support) * 2 + 1;
  const first = new Int32Array(output);
  const count = new Int32Array(output);
  const weights = new Float32Array(output * most);
  for (let place = 0; place < output; place++) {
    const centre = scale * (place + 0.5);
    const from = Math.max(Math.trunc(centre - support + 0.5), 0);
    const taps = Math.min(Math.trunc(centre + support + 0.5), input) - from;
    const raw = Array.from({ length: taps }, (_, tap) => cubic((tap + from - centre + 0.5) / stretch));
    const total = raw.reduce((sum, weight) => sum + weight, 0);
    for (let tap = 0; tap < taps; tap++) weights[place * most + tap] = raw[tap]! / total;
    first[place] = from;
    count[place] = taps;
  }
  return { first, count, weights, most };
};

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

/**
 * Bicubic with antialias in float32, rounded and clipped once at the end: what qwen-vl-utils gets from torchvision.
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
  const [across, down] = axesFor(width, height, toWidth, toHeight);
  const row = toWidth * 3;
  const middle = new Float32Array(height * row);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < toWidth; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      let at = (y * width + across.first[x]!) * 3;
      const end = x * across.most + across.count[x]!;
      for (let tap = x * across.most; tap < end; tap++) {
        const weight = across.weights[tap]!;
        red += weight * rgb[at++]!;
        green += weight * rgb[at++]!;
        blue += weight * rgb[at++]!;
      }
      const out = y * row + x * 3;
      middle[out] = red;
      middle[out + 1] = green;
      middle[out + 2] = blue;
    }
  const result = new Uint8Array(toHeight * row);
  const sums = new Float64Array(row);
  for (let y = 0; y < toHeight; y++) {
    sums.fill(0);
    for (let tap = 0; tap < down.count[y]!; tap++) {
      const weight = down.weights[y * down.most + tap]!;
      const from = (down.first[y]! + tap) * row;
      for (let i = 0; i < row; i++) sums[i]! += weight * middle[from + i]!;
    }
    for (let i = 0; i < row; i++) result[y * row + i] = Math.min(255, Math.max(0, roundHalfEven(sums[i]!)));
  }
  return result;
};
