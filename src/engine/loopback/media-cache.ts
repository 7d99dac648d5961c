import type { PatchArray } from "../../batch/media-step.ts";
import type { TokenBatch } from "../../batch/token-batch.ts";
import type { WireBatch, WireMedia } from "../worker-protocol.ts";

/** Patches by content, up to a number of bytes; what was used longest ago is forgotten first. */
export class MediaCache {
  readonly #limit: number;
  readonly #patches = new Map<string, PatchArray>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** When contents of batches are neither here nor given: all that are not here, so that one answer has them together. */
  missing(batches: readonly WireBatch[], given: WireMedia): string[] {
    const wanted = new Set(batches.flatMap(({ media }) => media.map(({ content }) => content)));
    const absent = [...wanted].filter((content) => !this.#patches.has(content));
    return absent.every((content) => given.has(content)) ? [] : absent;
  }

  /** Batches with their patches, which stay theirs whatever is forgotten later; keeps what was given. */
  filled(batches: readonly WireBatch[], given: WireMedia): TokenBatch[] {
    const made = batches.map((batch) => ({
      ...batch,
      media: batch.media.map((step) => {
        const patches = given.get(step.content) ?? this.#used(step.content);
        return { ...step, patches: () => patches };
      }),
    }));
    for (const [content, patches] of given) this.#keep(content, patches);
    return made;
  }

  #used(content: string): PatchArray {
    const patches = this.#patches.get(content)!;
    this.#patches.delete(content);
    this.#patches.set(content, patches);
    return patches;
  }

  #keep(content: string, patches: PatchArray): void {
    if (this.#patches.has(content)) return;
    this.#patches.set(content, patches);
    this.#bytes += patches.byteLength;
    for (const [oldest, forgotten] of this.#patches) {
      if (this.#bytes <= this.#limit) return;
      this.#patches.delete(oldest);
      this.#bytes -= forgotten.byteLength;
    }
  }
}
