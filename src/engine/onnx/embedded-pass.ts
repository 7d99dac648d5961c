import type { TokenBatch } from "../../batch/token-batch.ts";
import { EngineError } from "../../core/errors.ts";
import type { BatchOutputs, Keep, Pass } from "../contract.ts";
import type { ComputedBatch } from "./computation.ts";

/** What a pass keeps: its batches, and of each the way back where it was kept. */
export interface KeptBatch {
  readonly batch: TokenBatch;
  readonly pullBack: ComputedBatch["pullBack"];
}

/** A forward pass of the engine in this process. */
export class EmbeddedPass implements Pass {
  readonly outputs: readonly BatchOutputs[];
  readonly version: number;
  readonly kept: Keep;
  #batches: readonly KeptBatch[] | undefined;

  constructor(
    outputs: readonly BatchOutputs[],
    version: number,
    kept: Keep,
    batches: readonly KeptBatch[] | undefined,
  ) {
    this.outputs = outputs;
    this.version = version;
    this.kept = kept;
    this.#batches = batches;
  }

  /** What was kept, once. @throws {EngineError} when there is nothing */
  take(): readonly KeptBatch[] {
    const batches = this.#batches;
    this.#batches = undefined;
    if (batches !== undefined) return batches;
    throw new EngineError("backward of a pass that keeps nothing", {
      got: this.kept === "nothing" ? "a forward that was asked to keep nothing" : "a pass that was consumed",
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#batches = undefined;
  }
}
