import type { MediaStep } from "../../batch/media-step.ts";
import type { TokenBatch } from "../../batch/token-batch.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { CallLimit } from "../call-limit.ts";
import type { Computation } from "./computation.ts";
import { lowerBatch } from "./lowering/lower-batch.ts";
import { lowerMedia, type PixelMemory } from "./lowering/media.ts";
import type { ModelBatch } from "./lowering/model-batch.ts";
import type { TowerFeatures } from "./tower-features.ts";

/** Memory for pixels that batches of single steps take over from one another. */
interface LentPixels {
  /** Whose pixels are there. */
  readonly batch: TokenBatch;
  readonly pixels: Float32Array;
}

/**
 * Batches as graphs take them, each lowered once while somebody has it. Pixels are most of a lowered batch: new memory for
 * every step makes the garbage collector look through the whole heap every few steps.
 */
export class LoweredBatches {
  readonly #config: ModelConfig;
  readonly #computation: Computation;
  readonly #features: TowerFeatures | undefined;
  #known = new WeakMap<TokenBatch, Promise<ModelBatch>>();
  #lent: LentPixels | undefined;

  /** @param features of a tower that is not trained; left out: it is computed with each batch */
  constructor(config: ModelConfig, computation: Computation, features: TowerFeatures | undefined) {
    this.#config = config;
    this.#computation = computation;
    this.#features = features;
  }

  /** A batch lowered, for the length of a call. @throws {ShapeError} when its parts do not fit together or to the model */
  of(batch: TokenBatch, call: CallLimit): Promise<ModelBatch> {
    return this.#known.get(batch) ?? this.#lower(batch, call);
  }

  /**
   * A batch lowered for a step: the next one that is may be written over its pixels.
   *
   * @throws {ShapeError} when its parts do not fit together or to the model
   */
  ofStep(batch: TokenBatch, call: CallLimit): Promise<ModelBatch> {
    const known = this.#known.get(batch);
    if (known !== undefined) return known;
    const before = this.#lent;
    this.#lent = undefined;
    if (before !== undefined) this.#known.delete(before.batch);
    return this.#lower(batch, call, (numbers) => {
      const isRoom = before !== undefined && before.pixels.length >= numbers;
      const pixels = isRoom ? before.pixels : new Float32Array(numbers);
      this.#lent = { batch, pixels };
      return pixels.subarray(0, numbers);
    });
  }

  #lower(batch: TokenBatch, call: CallLimit, memory?: PixelMemory): Promise<ModelBatch> {
    const kept = this.#features;
    const features = (step: MediaStep): Promise<Float32Array> =>
      kept!.of(step, async () => {
        call.check();
        return this.#computation.encode(await lowerMedia([step], this.#config, "exact"), call);
      });
    const made = lowerBatch(batch, this.#config, kept && features, memory);
    const own = this.#known;
    own.set(batch, made);
    // Patches that could not be read may be readable the next time.
    made.catch(() => own.delete(batch));
    return made;
  }

  /** Says that weights have become others: features may be too. */
  weightsLoaded(): void {
    this.#features?.weightsLoaded();
    this.#known = new WeakMap();
  }
}
