import type { UpdateOptions } from "./contract.ts";
import { type ParameterUpdate, parameterUpdates } from "./parameter-groups.ts";
import type { ParameterStore, StoredParameter } from "./parameter-store.ts";

/** Sum of squares in float64; four sums run side by side. */
export const sumOfSquares = (x: Float32Array): number => {
  let [a, b, c, d] = [0, 0, 0, 0];
  const whole = x.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    a += x[i]! * x[i]!;
    b += x[i + 1]! * x[i + 1]!;
    c += x[i + 2]! * x[i + 2]!;
    d += x[i + 3]! * x[i + 3]!;
  }
  for (let i = whole; i < x.length; i++) a += x[i]! * x[i]!;
  return a + b + c + d;
};

/** What one update multiplies with; the same for all parameters but for rate and decay. */
export interface UpdateFactors {
  readonly beta1: number;
  readonly beta2: number;
  /** The gradient is multiplied by this: 1, or less when it is too long. */
  readonly clip: number;
  /** t */
  readonly count: number;
  /** Learning rate / (1 - beta1^t) at update t. */
  readonly rate: number;
  /** 1 / sqrt(1 - beta2^t) */
  readonly inverseRoot2: number;
  readonly epsilon: number;
}

/**
 * m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w = keep w - rate m / (sqrt(v) inverseRoot2 + epsilon), with g the
 * clipped gradient.
 */
const updateArrays = (
  w: Float32Array,
  g: Float32Array,
  m: Float32Array,
  v: Float32Array,
  factors: UpdateFactors,
  keep: number,
): void => {
  const { beta1, beta2, clip, rate, inverseRoot2, epsilon } = factors;
  const [c1, c2] = [1 - beta1, 1 - beta2];
  for (let i = 0; i < w.length; i++) {
    const gradient = g[i]! * clip;
    const first = beta1 * m[i]! + c1 * gradient;
    const second = beta2 * v[i]! + c2 * gradient * gradient;
    m[i] = first;
    v[i] = second;
    w[i] = w[i]! * keep - (rate * first) / (Math.sqrt(second) * inverseRoot2 + epsilon);
  }
};

/** Updates one parameter in plain TypeScript. */
export const updateParameter = (
  { value, gradient, firstMoment, secondMoment }: StoredParameter,
  factors: UpdateFactors,
  keep: number,
): void => updateArrays(value, gradient!, firstMoment!, secondMoment!, factors, keep);

/** What a weight is multiplied by because of decay: 1 - learning rate * weight decay for matrices, 1 for vectors. */
export const keptShare = ({ parameter, learningRate, weightDecay }: ParameterUpdate): number =>
  parameter.shape.length > 1 ? 1 - learningRate * weightDecay : 1;

/** The factors of one parameter: its learning rate instead of the update's. */
export const ownFactors = (
  factors: UpdateFactors,
  options: UpdateOptions,
  { learningRate }: ParameterUpdate,
): UpdateFactors =>
  learningRate === options.learningRate
    ? factors
    : { ...factors, rate: learningRate / (1 - options.beta1 ** factors.count) };

/** Starts the next update of a store: counts it. @param norm the gradient's L2 norm */
export const beginUpdate = (store: ParameterStore, options: UpdateOptions, norm: number): UpdateFactors => {
  const { learningRate, beta1, beta2, epsilon, maxGradientNorm: limit } = options;
  const clip = limit > 0 && norm > limit ? limit / norm : 1;
  const t = ++store.updates;
  const rate = learningRate / (1 - beta1 ** t);
  const inverseRoot2 = 1 / Math.sqrt(1 - beta2 ** t);
  return { beta1, beta2, clip, count: t, rate, inverseRoot2, epsilon };
};

/**
 * Applies one AdamW update to everything that is trained; a gradient that is not finite changes nothing.
 * @returns the gradient's L2 norm before clipping
 */
export const adamW = (store: ParameterStore, options: UpdateOptions): number => {
  const updates = parameterUpdates(store.trained(), options);
  const norm = Math.sqrt(
    updates.reduce((total, { parameter }) => total + sumOfSquares(parameter.gradient!), 0),
  );
  if (!Number.isFinite(norm)) return norm;
  const factors = beginUpdate(store, options, norm);
  for (const update of updates)
    updateParameter(update.parameter, ownFactors(factors, options, update), keptShare(update));
  return norm;
};
