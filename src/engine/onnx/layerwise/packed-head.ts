/** Legend: R rows, D width, V vocabulary, C tokens of a piece. */
import { input } from "../../../graph/ops/inputs.ts";
import { linearInt8, quantizedBlock } from "../../../graph/ops/quantized.ts";
import type { FeedArray } from "../../contract.ts";
import { Executable, tensorOf } from "../../executable.ts";
import { quantizeRows } from "../../quantize.ts";
import type { ChunkedHead } from "./head.ts";
import type { StageRunner } from "./stage.ts";

/** The head's matrix rounded to 8 bits, as constants of one graph a piece of the vocabulary. */
export class PackedHead {
  readonly #head: ChunkedHead;
  readonly #runner: StageRunner;
  readonly #rows: number;
  readonly #graphs: Executable[] = [];

  constructor(head: ChunkedHead, runner: StageRunner, rows: number) {
    this.#head = head;
    this.#runner = runner;
    this.#rows = rows;
  }

  /** Logits [R, V] of normalised rows [R, D]. */
  async logits(normed: Float32Array): Promise<Float32Array> {
    const { pieces, matrix } = this.#head;
    const [vocabulary, width] = this.#runner.weights.shape(matrix) as [number, number];
    const all = new Float32Array(this.#rows * vocabulary);
    for (const [index, { from, to }] of pieces.entries()) {
      this.#graphs[index] ??= await this.#compile(from, to);
      const graph = this.#graphs[index];
      await graph.run({ x: tensorOf(normed, [this.#rows, width]) });
      const logits = graph.output("logits") as Float32Array;
      for (let row = 0; row < this.#rows; row++)
        all.set(logits.subarray(row * (to - from), (row + 1) * (to - from)), row * vocabulary + from);
    }
    return all;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    for (const graph of this.#graphs.splice(0)) await graph.release();
  }

  #compile(from: number, to: number): Promise<Executable> {
    const { weights, threads } = this.#runner;
    const width = weights.shape(this.#head.matrix)[1]!;
    const rows = to - from;
    const numbers = new Float32Array(rows * width);
    weights.readInto(this.#head.matrix, from * width, numbers);
    const { bytes, scales } = quantizeRows(numbers, rows, width, quantizedBlock);
    const blocks = Math.ceil(width / quantizedBlock);
    const logits = linearInt8(
      input("x", [this.#rows, width]),
      input("bytes", [rows, blocks, quantizedBlock], "uint8"),
      input("scales", [rows * blocks]),
    );
    const stored = new Map<string, FeedArray>([
      ["bytes", bytes],
      ["scales", scales],
    ]);
    return Executable.compile({ logits }, { threads, stored });
  }
}
