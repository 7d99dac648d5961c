/**
 * The head over the vocabulary, in pieces of its rows: [M, V] never exists as a whole unless it is asked for.
 *
 * Legend: M rows, D width, V vocabulary, C rows of a piece, R rank of the head's adapter.
 */

import { reshape } from "../../../graph/ops/broadcast.ts";
import { add } from "../../../graph/ops/elementwise.ts";
import { input } from "../../../graph/ops/inputs.ts";
import { linear, matmul } from "../../../graph/ops/matmul.ts";
import { logSumExp } from "../../../graph/ops/reduce.ts";
import { gatherRows } from "../../../graph/ops/rows.ts";
import type { Value } from "../../../graph/value.ts";
import type { ModelConfig } from "../../../model/config.ts";
import { drawnScores } from "../../../model/language-model.ts";
import { tableName } from "../../../model/language-names.ts";
import type { LanguageShape } from "../../../model/language-shape.ts";
import type { Weights } from "../../../model/weights.ts";
import type { FeedArray } from "../../contract.ts";
import { loraNames } from "../../lora.ts";
import type { ModelBatch } from "../lowering/model-batch.ts";
import type { Stage, StageRunner } from "./stage.ts";
import { type Flow, ParameterRows, type Tape } from "./tape.ts";

/** A piece of the vocabulary: tokens `from` to `to`. */
export interface Piece {
  readonly from: number;
  readonly to: number;
}

/** Most numbers of a piece of the head's matrix: 64 MB of float32. */
const pieceNumbers = 1 << 24;

const headModule = "lm_head";

/** Logits of rows [M, D] and log-probabilities of targets. */
export class ChunkedHead {
  readonly #config: ModelConfig;
  readonly #runner: StageRunner;
  /** Pieces of the vocabulary, in order. */
  readonly pieces: readonly Piece[];

  /** Name of the matrix [V, D]: the word table when it is tied. */
  readonly matrix: string;
  /** The head has a low-rank side path. */
  readonly hasAdapter: boolean;
  readonly #scratch: Float32Array;

  /** @param rowsOfPiece tokens of a piece; default: as many as 64 MB hold */
  constructor(config: ModelConfig, runner: StageRunner, rowsOfPiece?: number) {
    this.#config = config;
    this.#runner = runner;
    const { vocabSize, hiddenSize, tieWordEmbeddings } = config.text;
    const most = rowsOfPiece ?? Math.max(1, Math.floor(pieceNumbers / hiddenSize));
    const size = Math.ceil(vocabSize / Math.ceil(vocabSize / most));
    this.pieces = Array.from({ length: Math.ceil(vocabSize / size) }, (_, i) => ({
      from: i * size,
      to: Math.min(vocabSize, (i + 1) * size),
    }));
    this.matrix = tieWordEmbeddings ? tableName : `${headModule}.weight`;
    this.hasAdapter = runner.adapter?.modules.some(({ name }) => name === headModule) ?? false;
    const isWidened = runner.weights.inPlace(this.matrix) === undefined;
    this.#scratch = new Float32Array(isWidened ? size * hiddenSize : 0);
  }

  /** Logits [M, V] of rows. */
  async logits(rows: Flow, tape: Tape): Promise<Float32Array> {
    const { vocabSize } = this.#config.text;
    const count = rows.shape[0]!;
    const all = new Float32Array(count * vocabSize);
    for (const piece of this.pieces) {
      const inputs = this.#inputs(rows, piece);
      const [logits] = await tape.run(this.#stage(inputs), inputs);
      const numbers = logits!.read();
      const width = piece.to - piece.from;
      for (let row = 0; row < count; row++)
        all.set(numbers.subarray(row * width, (row + 1) * width), row * vocabSize + piece.from);
    }
    return all;
  }

  /** Log-probability [M] of each row's target under the distribution that the batch's scored rows are drawn from. */
  async logprobs(rows: Flow, { language, feeds }: ModelBatch, tape: Tape): Promise<Flow> {
    const count = rows.shape[0]!;
    const targets = feeds["scored.targets"] as BigInt64Array;
    const banned = feeds["scored.banned"] as Float32Array | undefined;
    const made: { readonly piece: Piece; readonly picked: Flow; readonly total: Flow }[] = [];
    for (const piece of this.pieces) {
      const width = piece.to - piece.from;
      const places = BigInt64Array.from({ length: count }, (_, row) => {
        const target = Number(targets[row]!) - piece.from;
        return BigInt(row * width + (target >= 0 && target < width ? target : 0));
      });
      const inputs = this.#inputs(rows, piece);
      const own = {
        places,
        ...(banned === undefined ? {} : { "scored.banned": banned.subarray(piece.from, piece.to) }),
      };
      const [picked, total] = await tape.run(this.#stage(inputs, own, language), inputs);
      made.push({ piece, picked: picked!, total: total! });
    }
    const isIn = (row: number, { from, to }: Piece): boolean => targets[row]! >= from && targets[row]! < to;
    const totals = made.map(({ total }) => total.read());
    const whole = Float64Array.from({ length: count }, (_, row) => {
      const top = Math.max(...totals.map((total) => total[row]!));
      return top + Math.log(totals.reduce((sum, total) => sum + Math.exp(total[row]! - top), 0));
    });
    const logprobs = new Float32Array(count);
    for (const { piece, picked } of made)
      picked.read().forEach((logit, row) => {
        if (isIn(row, piece)) logprobs[row] = logit - whole[row]!;
      });
    return tape.custom(
      logprobs,
      [count],
      rows.traced || made.some(({ total }) => total.traced),
      (cotangent) => {
        made.forEach(({ piece, picked, total }, i) => {
          picked.pull(cotangent.map((g, row) => (isIn(row, piece) ? g : 0)));
          total.pull(cotangent.map((g, row) => -g * Math.exp(totals[i]![row]! - whole[row]!)));
        });
      },
    );
  }

  /** Rows, the piece of the head's matrix, and that of its adapter. */
  #inputs(rows: Flow, { from, to }: Piece): Flow[] {
    const { weights } = this.#runner;
    const matrix = new ParameterRows(weights, this.matrix, from, to, this.#scratch);
    if (!this.hasAdapter) return [rows, matrix];
    return [rows, matrix, new ParameterRows(weights, loraNames(headModule).b, from, to, this.#scratch)];
  }

  /** Picked logits [M] and log of the sum of exponentials [M] of a piece; without places: its logits [M, C]. */
  #stage(
    inputs: readonly Flow[],
    feeds?: Readonly<Record<string, FeedArray>>,
    language: Pick<LanguageShape, "drawn"> = {},
  ): Stage {
    const [count, width] = [inputs[0]!.shape[0]!, inputs[1]!.shape[0]!];
    return {
      key: `head ${count} ${width} ${feeds === undefined} ${JSON.stringify(language.drawn)}`,
      inputs: inputs.map(({ shape }) => shape),
      build: (flow, weights) => {
        const logits = this.#logits(flow, weights);
        if (feeds === undefined) return [logits];
        const scores = drawnScores(logits, language);
        const picked = gatherRows(reshape(scores, [count * width, 1]), input("places", [count], "int64"));
        return [reshape(picked, [count]), logSumExp(scores)];
      },
      // Of the head's own parameters only A is used whole.
      prefix: { graph: `${headModule}.lora_A.`, model: `${headModule}.lora_A.` },
      feeds: feeds ?? {},
    };
  }

  #logits([rows, matrix, b]: readonly Value[], weights: Weights): Value {
    const straight = linear(rows!, matrix!);
    if (b === undefined) return straight;
    const adapter = this.#runner.adapter!.modules.find(({ name }) => name === headModule)!;
    const low = linear(rows!, weights.get(loraNames(headModule).a));
    return add(straight, matmul(low, b, { transposeB: true, alpha: adapter.factor }));
  }
}
