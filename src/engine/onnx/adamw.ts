import { add, div, mul, scale, sqrt, sub } from "../../graph/ops/elementwise.ts";
import { input } from "../../graph/ops/inputs.ts";
import { matmul } from "../../graph/ops/matmul.ts";
import type { Value } from "../../graph/value.ts";
import {
  beginUpdate,
  keptShare,
  ownFactors,
  sumOfSquares,
  type UpdateFactors,
  updateParameter,
} from "../adamw.ts";
import type { UpdateOptions, UpdateResult } from "../contract.ts";
import { copylessRunWorks, Executable, tensorOf } from "../executable.ts";
import { groupNorms, parameterUpdates } from "../parameter-groups.ts";
import type { ParameterStore, StoredParameter } from "../parameter-store.ts";

/** Elements of one run: fewer cost more starts, more do not stay in the caches of a processor. */
const pieceSize = 1 << 19;
/** Smaller parameters are updated in TypeScript: starting a run takes as long. */
const leastSize = 1 << 15;

/**
 * The update as a graph over elements; `w`, `m` and `v` are written where they are read. Factors that change are fed:
 * `share` = (1 - b1) clip, `square` = (1 - b2) / (1 - b1)^2, `root` = inverseRoot2 / rate, `floor` = epsilon / rate.
 */
const updateGraph = (beta1: number, beta2: number): Record<string, Value> => {
  const array = (name: string): Value => input(name, [pieceSize]);
  const number = (name: string): Value => input(name, [1]);
  const step = mul(array("g"), number("share"));
  const m = add(scale(array("m"), beta1), step);
  const v = add(scale(array("v"), beta2), mul(mul(step, step), number("square")));
  const size = add(mul(sqrt(v), number("root")), number("floor"));
  return { "next.w": sub(mul(array("w"), number("keep")), div(m, size)), "next.m": m, "next.v": v };
};

/** Rows that a piece is cut into for its sum of squares: enough for every thread, and short sums round less. */
const normRows = 16;
const normWidth = pieceSize / normRows;

/** Sums of squares of the rows of `g` [normRows, 1, normWidth]: inner products, which run on all threads. */
const squaresGraph = (): Record<string, Value> => {
  const g = input("g", [normRows, 1, normWidth]);
  return { squares: matmul(g, g, { transposeB: true }) };
};

/** AdamW on all threads, in place; the same update as {@link adamW} to float32 rounding. */
export class OnnxAdamW {
  readonly #threads: number;
  #plan: { readonly beta1: number; readonly beta2: number; readonly executable: Executable } | undefined;
  #squares: Executable | undefined;

  constructor(threads: number) {
    this.#threads = threads;
  }

  /**
   * Applies one update to everything that is trained; a gradient that is not finite changes nothing.
   * @returns the gradient's L2 norms before clipping
   */
  async update(store: ParameterStore, options: UpdateOptions): Promise<Pick<UpdateResult, "norm" | "norms">> {
    const updates = parameterUpdates(store.trained(), options);
    const squares: number[] = [];
    for (const { parameter } of updates) squares.push(await this.#squaresOf(parameter.gradient!));
    const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    const norms = groupNorms(updates, squares);
    if (!Number.isFinite(norm)) return { norm, norms };
    const factors = beginUpdate(store, options, norm);
    // A runtime that copies results would take longer for the copies than TypeScript for the update; a rate of 0 has
    // no reciprocal.
    const useGraph = (await copylessRunWorks()) && factors.beta1 !== 1;
    for (const update of updates) {
      const { parameter } = update;
      const [own, keep] = [ownFactors(factors, options, update), keptShare(update)];
      if (!useGraph || own.rate === 0 || parameter.value.length < leastSize)
        updateParameter(parameter, own, keep);
      else await this.#updateArrays(parameter, own, keep);
    }
    return { norm, norms };
  }

  /** Frees the sessions. */
  async release(): Promise<void> {
    await this.#plan?.executable.release();
    this.#plan = undefined;
    await this.#squares?.release();
    this.#squares = undefined;
  }

  /** The sum of a gradient's squares, whole pieces summed by the runtime: rows in float32, their sums in float64. */
  async #squaresOf(gradient: Float32Array): Promise<number> {
    let total = 0;
    const whole = gradient.length - (gradient.length % pieceSize);
    for (let start = 0; start < whole; start += pieceSize) {
      this.#squares ??= await Executable.compile(squaresGraph(), { threads: this.#threads });
      const piece = gradient.subarray(start, start + pieceSize);
      await this.#squares.run({ g: tensorOf(piece, [normRows, 1, normWidth]) });
      for (const square of this.#squares.output("squares") as Float32Array) total += square;
    }
    total += sumOfSquares(gradient.subarray(whole));
    // Squares that float32 cannot hold: float64 can.
    return Number.isFinite(total) ? total : sumOfSquares(gradient);
  }

  async #updateArrays(parameter: StoredParameter, factors: UpdateFactors, keep: number): Promise<void> {
    const { beta1, beta2, clip, rate, inverseRoot2, epsilon } = factors;
    const executable = await this.#compiled(beta1, beta2);
    const number = (value: number) => tensorOf(Float32Array.of(value), [1]);
    const numbers = {
      share: number((1 - beta1) * clip),
      square: number((1 - beta2) / (1 - beta1) ** 2),
      root: number(inverseRoot2 / rate),
      floor: number(epsilon / rate),
      keep: number(keep),
    };
    const { value, gradient, firstMoment, secondMoment } = parameter;
    for (let start = 0; start < value.length; start += pieceSize) {
      const end = Math.min(value.length, start + pieceSize);
      const piece = (array: Float32Array) => tensorOf(array.subarray(start, end), [end - start]);
      const [w, m, v] = [piece(value), piece(firstMoment!), piece(secondMoment!)];
      const results = { "next.w": w, "next.m": m, "next.v": v };
      await executable.run({ ...numbers, g: piece(gradient!), w, m, v }, results);
    }
  }

  async #compiled(beta1: number, beta2: number): Promise<Executable> {
    if (this.#plan?.beta1 === beta1 && this.#plan.beta2 === beta2) return this.#plan.executable;
    await this.#plan?.executable.release();
    const options = { threads: this.#threads, openShapes: true };
    const executable = await Executable.compile(updateGraph(beta1, beta2), options);
    this.#plan = { beta1, beta2, executable };
    return executable;
  }
}
