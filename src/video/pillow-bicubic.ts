/**
 * Bicubic resizing of 8-bit pictures, bit for bit as Pillow does it: a horizontal pass into 8 bits, then a vertical
 * one, with filter weights in fixed point of 22 fractional bits.
 *
 * @source Pillow `src/libImaging/Resample.c` (precompute_coeffs, normalize_coeffs_8bpc, ImagingResample*_8bpc)
 */

const precision = 32 - 8 - 2;
const support = 2;
const a = -0.5;

const bicubic = (x0: number): number => {
  const x = Math.abs(x0);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
};

/** Weights of one axis: output `i` is the sum over `count[i]` inputs from `first[i]`, weights at `i * taps`. */
export interface AxisWeights {
  readonly taps: number;
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
}

/** Weights that bring `inputSize` samples to `outputSize`. */
export const axisWeights = (inputSize: number, outputSize: number): AxisWeights => {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  const reach = support * filterScale;
  const taps = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(outputSize);
  const count = new Int32Array(outputSize);
  const weights = new Int32Array(outputSize * taps);
  const exact = new Float64Array(taps);
  const inverse = 1 / filterScale;
  for (let i = 0; i < outputSize; i++) {
    const center = (i + 0.5) * scale;
    const from = Math.max(0, Math.trunc(center - reach + 0.5));
    const to = Math.min(inputSize, Math.trunc(center + reach + 0.5));
    let sum = 0;
    for (let j = from; j < to; j++) {
      const weight = bicubic((j - center + 0.5) * inverse);
      exact[j - from] = weight;
      sum += weight;
    }
    for (let j = 0; j < to - from; j++) {
      const scaled = (sum === 0 ? exact[j]! : exact[j]! / sum) * (1 << precision);
      weights[i * taps + j] = Math.trunc(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
    }
    first[i] = from;
    count[i] = to - from;
  }
  return { taps, first, count, weights };
};

/**
 * Whose order of passes. Each pass rounds to 8 bits, so the order shows in the last bit: Pillow 13 filters columns first
 * when the height shrinks by more than twice what the width does; before that rows always came first.
 */
export type PillowGeneration = "pillow-13" | "pillow-12";

/** Everything that depends only on the two sizes, with the memory for the pass between. */
export interface ResizePlan {
  readonly inputWidth: number;
  readonly inputHeight: number;
  readonly width: number;
  readonly height: number;
  readonly horizontal: AxisWeights | undefined;
  readonly vertical: AxisWeights | undefined;
  readonly horizontalFirst: boolean;
  readonly firstRow: number;
  readonly rows: number;
  readonly between: Uint8ClampedArray;
  readonly sums: Int32Array;
}

/** Prepares resizing between two sizes; rgb24. A side that stays is not filtered, as in Pillow. */
export const resizePlan = (
  inputWidth: number,
  inputHeight: number,
  width: number,
  height: number,
  generation: PillowGeneration = "pillow-13",
): ResizePlan => {
  const horizontal = inputWidth === width ? undefined : axisWeights(inputWidth, width);
  const vertical = inputHeight === height ? undefined : axisWeights(inputHeight, height);
  const lost = inputHeight - height;
  const horizontalFirst = generation === "pillow-12" || !(lost > 0 && lost > (inputWidth - width) * 2);
  const cut = horizontalFirst && vertical !== undefined;
  const firstRow = cut ? vertical.first[0]! : 0;
  const lastRow = cut ? vertical.first[height - 1]! + vertical.count[height - 1]! : inputHeight;
  const rows = lastRow - firstRow;
  const both = horizontal !== undefined && vertical !== undefined;
  const between = new Uint8ClampedArray(
    !both ? 0 : horizontalFirst ? rows * width * 3 : inputWidth * height * 3,
  );
  return {
    inputWidth,
    inputHeight,
    width,
    height,
    horizontal,
    vertical,
    horizontalFirst,
    firstRow,
    rows,
    between,
    sums: new Int32Array(Math.max(width, inputWidth) * 3),
  };
};

const half = 1 << (precision - 1);

const horizontalPass = (
  input: Uint8Array | Uint8ClampedArray,
  inputWidth: number,
  firstRow: number,
  rows: number,
  width: number,
  axis: AxisWeights,
  output: Uint8ClampedArray,
): void => {
  const { taps, first, count, weights } = axis;
  for (let y = 0; y < rows; y++) {
    const row = (y + firstRow) * inputWidth * 3;
    let to = y * width * 3;
    for (let x = 0; x < width; x++) {
      let at = row + first[x]! * 3;
      const end = x * taps + count[x]!;
      let red = half;
      let green = half;
      let blue = half;
      for (let k = x * taps; k < end; k++) {
        const weight = weights[k]!;
        red = (red + input[at]! * weight) | 0;
        green = (green + input[at + 1]! * weight) | 0;
        blue = (blue + input[at + 2]! * weight) | 0;
        at += 3;
      }
      output[to] = red >> precision;
      output[to + 1] = green >> precision;
      output[to + 2] = blue >> precision;
      to += 3;
    }
  }
};

const verticalPass = (
  input: Uint8Array | Uint8ClampedArray,
  rowBytes: number,
  firstRow: number,
  height: number,
  axis: AxisWeights,
  sums: Int32Array,
  output: Uint8ClampedArray,
): void => {
  const { taps, first, count, weights } = axis;
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * taps + k]!;
      const row = (first[y]! + k - firstRow) * rowBytes;
      for (let x = 0; x < rowBytes; x++) sums[x] = sums[x]! + input[row + x]! * weight;
    }
    const to = y * rowBytes;
    for (let x = 0; x < rowBytes; x++) output[to + x] = sums[x]! >> precision;
  }
};

/** Resizes one rgb24 picture by a plan into `output` (width * height * 3 bytes). */
export const resizePicture = (input: Uint8Array, plan: ResizePlan, output: Uint8Array): void => {
  const { horizontal, vertical, width, height } = plan;
  if (horizontal === undefined && vertical === undefined) {
    output.set(input.subarray(0, output.length));
    return;
  }
  const clamped = new Uint8ClampedArray(output.buffer, output.byteOffset, output.length);
  const { inputWidth, inputHeight, firstRow, rows, between, sums } = plan;
  if (horizontal === undefined) verticalPass(input, width * 3, 0, height, vertical!, sums, clamped);
  else if (vertical === undefined)
    horizontalPass(input, inputWidth, 0, inputHeight, width, horizontal, clamped);
  else if (plan.horizontalFirst) {
    horizontalPass(input, inputWidth, firstRow, rows, width, horizontal, between);
    verticalPass(between, width * 3, firstRow, height, vertical, sums, clamped);
  } else {
    verticalPass(input, inputWidth * 3, 0, height, vertical, sums, between);
    horizontalPass(between, inputWidth, 0, height, width, horizontal, clamped);
  }
};
