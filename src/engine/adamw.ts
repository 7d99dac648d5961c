import type { UpdateOptions } from "./contract.ts";
import type { ParameterStore } from "./parameter-store.ts";

/** Sum of squares; four sums run side by side. */
const sumOfSquares = (x: Float32Array): number => {
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

/**
 * m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  w -= rate (m / (sqrt(v) / root2 + epsilon)) + decay w.
 * `rate` = learning rate / (1 - b1^t), `root2` = sqrt(1 - b2^t), `decay` = learning rate * weight decay.
 */
const updateArray = (
  w: Float32Array,
  g: Float32Array,
  m: Float32Array,
  v: Float32Array,
  scale: number,
  b1: number,
  b2: number,
  rate: number,
  inverseRoot2: number,
  epsilon: number,
  decay: number,
): void => {
  const [c1, c2, keep] = [1 - b1, 1 - b2, 1 - decay];
  for (let i = 0; i < w.length; i++) {
    const gradient = g[i]! * scale;
    const first = b1 * m[i]! + c1 * gradient;
    const second = b2 * v[i]! + c2 * gradient * gradient;
    m[i] = first;
    v[i] = second;
    w[i] = w[i]! * keep - (rate * first) / (Math.sqrt(second) * inverseRoot2 + epsilon);
  }
};

/** Applies one AdamW update to everything that is trained. @returns the gradient's L2 norm before clipping */
export const adamW = (store: ParameterStore, options: UpdateOptions): number => {
  const trained = store.trained();
  const norm = Math.sqrt(trained.reduce((total, { gradient }) => total + sumOfSquares(gradient!), 0));
  const limit = options.maxGradientNorm;
  const scale = limit > 0 && norm > limit ? limit / norm : 1;
  const step = ++store.updates;
  const rate = options.learningRate / (1 - options.beta1 ** step);
  const inverseRoot2 = 1 / Math.sqrt(1 - options.beta2 ** step);
  for (const { value, gradient, firstMoment, secondMoment, shape } of trained) {
    const decay = shape.length > 1 ? options.learningRate * options.weightDecay : 0;
    const { beta1, beta2, epsilon } = options;
    updateArray(
      value,
      gradient!,
      firstMoment!,
      secondMoment!,
      scale,
      beta1,
      beta2,
      rate,
      inverseRoot2,
      epsilon,
      decay,
    );
  }
  return norm;
};
