import { seededRandom } from "../core/random.ts";

/** Some of the items, and how often they are taken. */
export interface MixPart {
  /** Indices of items; at least one. */
  readonly places: readonly number[];
  /** Above 0; only its share of the sum counts. */
  readonly weight: number;
  /** Items of different companies never stand in one batch; left out: all are of one. */
  readonly company?: string;
}

/** Whose turn it is: each gains its weight, the richest pays for all. Turns are spread as evenly as weights allow. */
class Turns {
  readonly #weights: readonly number[];
  readonly #total: number;
  readonly #credit: number[];

  constructor(weights: readonly number[]) {
    this.#weights = weights;
    this.#total = weights.reduce((sum, weight) => sum + weight, 0);
    this.#credit = weights.map(() => 0);
  }

  next(): number {
    let richest = 0;
    this.#weights.forEach((weight, at) => {
      this.#credit[at]! += weight;
      if (this.#credit[at]! > this.#credit[richest]!) richest = at;
    });
    this.#credit[richest]! -= this.#total;
    return richest;
  }
}

/** One part's items: every epoch a new order of all of them. */
class PartOrder {
  readonly #places: readonly number[];
  readonly #key: readonly (string | number)[];
  #taken = 0;
  #order: readonly number[] = [];

  constructor(places: readonly number[], key: readonly (string | number)[]) {
    this.#places = places;
    this.#key = key;
  }

  next(): number {
    const { length } = this.#places;
    const at = this.#taken++ % length;
    if (at === 0)
      this.#order = seededRandom(...this.#key, Math.floor((this.#taken - 1) / length)).shuffled(this.#places);
    return this.#order[at]!;
  }
}

/** The batches of all steps so far, each made once and in order: what comes depends on seed and step alone. */
const inOrder = (make: () => number[]): ((step: number) => number[]) => {
  const made: number[][] = [];
  return (step) => {
    while (made.length < step) made.push(make());
    return made[step - 1]!;
  };
};

/**
 * Which items the batches hold when parts are mixed by weight: of any run of items each part has its share, to within one
 * item a part; within a part every epoch is a new order. A company's share is that of its parts, batch by batch.
 *
 * @returns the items of a step (1-based), the same ones whenever it is asked
 */
export const mixedOrder = (
  parts: readonly MixPart[],
  batch: number,
  seed: number,
): ((step: number) => number[]) => {
  const orders = parts.map(({ places }, at) => new PartOrder(places, [seed, "mix", at]));
  const companies = [...Map.groupBy(parts.keys(), (at) => parts[at]!.company ?? "").values()];
  const weightOf = (at: number): number => parts[at]!.weight;
  const sums = companies.map((own) => own.reduce((sum, at) => sum + weightOf(at), 0));
  const turns = new Turns(sums);
  const within = companies.map((own) => new Turns(own.map(weightOf)));
  return inOrder(() => {
    const company = turns.next();
    return Array.from({ length: batch }, () => orders[companies[company]![within[company]!.next()]!]!.next());
  });
};
