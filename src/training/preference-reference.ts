/** The reference of preference optimisation: what the model of before the first step says of both sides of a pair. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { DataFormatError, messageOf } from "../core/errors.ts";
import { writeFileAtomic } from "../core/files.ts";
import type { Engine, ForwardOptions } from "../engine/contract.ts";
import { type PairLogprobs, type PreferenceBatches, sumsOfPairs } from "./preference-batches.ts";

/** Log-probabilities of both sides of the pairs of some batches. */
export const pairLogprobs = async (
  engine: Engine,
  { batches, pairs }: Pick<PreferenceBatches, "batches" | "pairs">,
  options: ForwardOptions,
): Promise<PairLogprobs[]> => {
  const all: number[] = [];
  for (const batch of batches) {
    await using pass = await engine.forward([batch], options);
    for (const logprob of pass.outputs[0]!.tokenLogprobs) all.push(logprob);
  }
  return sumsOfPairs(pairs, all);
};

/** File of stored log-probabilities in a run folder. */
const file = "reference.jsonl";

const row = z.strictObject({ pair: z.string(), chosen: z.number(), rejected: z.number() });

/**
 * Log-probabilities of pairs in a file of the run folder, so that neither a resumed run nor the training itself needs the
 * weights that gave them.
 */
export class StoredLogprobs {
  readonly #file: string;
  readonly #known = new Map<string, PairLogprobs>();

  /** Reads what is there; a line that was cut off is left out. @throws {DataFormatError} for a file that is another one */
  constructor(folder: string) {
    this.#file = join(folder, file);
    if (!existsSync(this.#file)) return;
    const text = readFileSync(this.#file, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole.length < text.length) writeFileAtomic(this.#file, whole);
    for (const [at, line] of whole.split("\n").entries())
      if (line !== "") {
        try {
          const { pair, ...values } = row.parse(JSON.parse(line));
          this.#known.set(pair, values);
        } catch (cause) {
          throw new DataFormatError("stored log-probabilities", {
            where: `${this.#file}:${at + 1}`,
            got: messageOf(cause),
            hint: "begin the run anew",
            cause,
          });
        }
      }
  }

  has(pair: string): boolean {
    return this.#known.has(pair);
  }

  /** @throws {DataFormatError} for a pair of which nothing is stored */
  get(pair: string): PairLogprobs {
    const known = this.#known.get(pair);
    if (known !== undefined) return known;
    throw new DataFormatError("no stored log-probabilities of a pair", {
      where: this.#file,
      got: pair,
      hint: "begin the run anew",
    });
  }

  add(pairs: readonly string[], values: readonly PairLogprobs[]): void {
    const lines = pairs.map((pair, i) => JSON.stringify({ pair, ...values[i]! }));
    appendFileSync(this.#file, lines.map((line) => `${line}\n`).join(""));
    pairs.forEach((pair, i) => {
      this.#known.set(pair, values[i]!);
    });
  }
}
