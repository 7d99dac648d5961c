/** Legend: B prompts, R rows that generate, D width, V vocabulary. */
import type { ModelConfig } from "../../../model/config.ts";
import type { CallLimit } from "../../call-limit.ts";
import type { Completion, CompletionWatch, SampleRequest } from "../../contract.ts";
import {
  cacheCapacity,
  checkSampleRequest,
  decodeFeeds,
  drawCompletions,
  fillCache,
} from "../../draw-completions.ts";
import type { ModelWeights } from "../../model-weights.ts";
import type { ModelBatch } from "../lowering/model-batch.ts";
import { type DecodeForm, type MatrixSource, PackedWeights } from "../packed-weights.ts";
import { BlockDecoder } from "./decoder.ts";
import type { ChunkedHead } from "./head.ts";
import { lastNormStage, prefillStage } from "./language-stages.ts";
import { embedBatch, visualTokens } from "./model-pass.ts";
import { PackedHead } from "./packed-head.ts";
import type { StageRunner } from "./stage.ts";
import { type Flow, Tape } from "./tape.ts";
import { lookUp } from "./words.ts";

/** The decoder of a number of rows; the one used last is kept. */
interface KeptDecoder {
  readonly rows: number;
  /** Positions that the caches hold. */
  readonly capacity: number;
  readonly blocks: BlockDecoder;
  readonly head: PackedHead | undefined;
}

const matrixSource = (weights: ModelWeights): MatrixSource => ({
  get: (name) => ({
    shape: weights.shape(name),
    get value() {
      return weights.numbers(name);
    },
  }),
});

/** Capacities of decoders with packed matrices, which take long to make, are whole multiples of this. */
const packedCapacity = 512;

const isAdapterName = (name: string): boolean => /\.lora_[AB]\.weight$/.test(name);

/** Draws completions block by block: one prefill for all completions of a prompt, then one token a row and step. */
export class LayerwiseSampler {
  readonly #config: ModelConfig;
  readonly #runner: StageRunner;
  readonly #head: ChunkedHead;
  readonly #packed: PackedWeights | undefined;
  #decoder: KeptDecoder | undefined;
  #isStale = false;

  /** @param form of the matrices in decoding; "float32" keeps them inputs, so that nothing is stored twice */
  constructor(config: ModelConfig, runner: StageRunner, head: ChunkedHead, form: DecodeForm) {
    this.#config = config;
    this.#runner = runner;
    this.#head = head;
    this.#packed = form === "float32" ? undefined : new PackedWeights(matrixSource(runner.weights), form);
  }

  /** Draws the completions of every prompt. @param batch the request's, lowered */
  async sample(
    request: SampleRequest,
    batch: ModelBatch,
    call: CallLimit,
    watch: CompletionWatch | undefined,
  ): Promise<readonly (readonly Completion[])[]> {
    checkSampleRequest(request, this.#config.text.vocabSize);
    const { text } = this.#config;
    const rows = request.batch.samples * request.completions;
    const { blocks, head } = await this.#decoderOf(rows, cacheCapacity(request));
    const logits = {
      first: await this.#prefill(request, batch, blocks),
      next: async (ids: BigInt64Array, step: number) => {
        call.check();
        const embedded = lookUp(this.#runner.weights, ids);
        const out = await blocks.step(embedded, decodeFeeds(request, step, text));
        const tape = new Tape(this.#runner, false);
        const normed = await this.#norm(tape.given(out, [ids.length, text.hiddenSize]), tape);
        return head === undefined ? this.#head.logits(normed, tape) : head.logits(normed.read());
      },
    };
    return drawCompletions(request, text.vocabSize, logits, watch);
  }

  /** Says that weights were updated: packed matrices that were trained are packed again at the next request. */
  weightsChanged(): void {
    if (this.#packed === undefined || this.#runner.trainedUnder("").every(isAdapterName)) return;
    this.#isStale = true;
  }

  /** Frees all sessions. */
  async release(): Promise<void> {
    await this.#decoder?.blocks.release();
    await this.#decoder?.head?.release();
    this.#decoder = undefined;
  }

  /** Logits [B, V] behind the prompts; fills the caches of their completions. */
  async #prefill(request: SampleRequest, batch: ModelBatch, decoder: BlockDecoder): Promise<Float32Array> {
    const { text } = this.#config;
    const tape = new Tape(this.#runner, false);
    const visual = await visualTokens(batch, this.#config, tape);
    let x = await embedBatch(batch, visual, this.#config, this.#runner, tape);
    for (const [layer, cache] of decoder.caches.entries()) {
      const [rows, keys, values] = await tape.run(prefillStage(layer, batch, this.#config), [x]);
      fillCache(keys!.read(), cache.keys.data, request, text);
      fillCache(values!.read(), cache.values.data, request, text);
      x = rows!;
    }
    return this.#head.logits(await this.#norm(x, tape), tape);
  }

  async #norm(rows: Flow, tape: Tape): Promise<Flow> {
    const [normed] = await tape.run(lastNormStage(rows.shape[0]!, this.#config), [rows]);
    return normed!;
  }

  async #decoderOf(rows: number, needed: number): Promise<KeptDecoder> {
    const kept = this.#decoder;
    if (kept?.rows === rows && kept.capacity >= needed && !this.#isStale) return kept;
    await this.release();
    this.#isStale = false;
    const step = this.#packed === undefined ? 1 : packedCapacity;
    const capacity = Math.ceil(needed / step) * step;
    const blocks = new BlockDecoder(this.#config, this.#runner, rows, capacity, this.#packed);
    const isPacked = this.#packed !== undefined && !this.#head.hasAdapter;
    const head = isPacked ? new PackedHead(this.#head, this.#runner, rows) : undefined;
    this.#decoder = { rows, capacity, blocks, head };
    return this.#decoder;
  }
}
