/** How batches and prompts are spread over ranks, and their numbers put together again. */
import {
  type BatchPart,
  emptyBatch,
  type NamedBatch,
  partOfBatch,
  sampleCosts,
} from "../../batch/split-batch.ts";
import { usedLengths } from "../../batch/token-batch.ts";
import { EngineError } from "../../core/errors.ts";
import type { BatchOutputs, Candidates, Cotangents } from "../contract.ts";

/** A part that a rank computes, and the batch that it is of. */
export interface SpreadPart extends BatchPart {
  readonly of: number;
}

/** What all ranks run in one round, whatever their own parts need. */
export interface Together {
  readonly pictures: boolean;
  readonly blocks: number;
  readonly scores: boolean;
}

/** Batches spread over ranks: round by round each rank has a part, or nothing to do. */
export interface Spread {
  readonly batches: readonly NamedBatch[];
  /** parts[rank][round] */
  readonly parts: readonly (readonly (SpreadPart | undefined)[])[];
  readonly together: readonly Together[];
}

/** What spreading has to know of a model. */
export interface SpreadModel {
  readonly mergeSize: number;
  /** Blocks of the language model. */
  readonly layers: number;
}

/** Cuts items into contiguous shares of about equal cost. @returns the rank of each */
export const shares = (costs: readonly number[], ranks: number): number[] => {
  const total = costs.reduce((sum, cost) => sum + cost, 0);
  let before = 0;
  return costs.map((cost) => {
    const middle = before + cost / 2;
    before += cost;
    return total === 0 ? 0 : Math.min(ranks - 1, Math.floor((middle / total) * ranks));
  });
};

const togetherOf = (parts: readonly (SpreadPart | undefined)[], layers: number): Together => {
  const own = parts.flatMap((part) => (part === undefined ? [] : [part.batch]));
  const scores = own.some(({ scored }) => scored.rows.length > 0);
  const taps = own.flatMap(({ taps: all }) => all.map(({ block }) => block));
  return {
    pictures: own.some(({ media }) => media.length > 0),
    blocks: scores ? layers : Math.max(0, ...taps),
    scores,
  };
};

/**
 * Spreads the samples of batches over ranks, neighbours together. Ranks wait for each other in every round, so a rank's
 * largest part comes first.
 */
export const spreadBatches = (
  batches: readonly NamedBatch[],
  ranks: number,
  { mergeSize, layers }: SpreadModel,
): Spread => {
  const items = batches.flatMap((batch, of) =>
    sampleCosts(batch).map((cost, sample) => ({ of, sample, cost })),
  );
  const ranksOf = shares(
    items.map(({ cost }) => cost),
    ranks,
  );
  const parts = Array.from({ length: ranks }, (_, rank) => {
    const own = items.filter((_item, i) => ranksOf[i] === rank);
    return batches
      .flatMap((batch, of) => {
        const chosen = own.filter((item) => item.of === of);
        if (chosen.length === 0) return [];
        const samples = chosen.map(({ sample }) => sample);
        const cost = chosen.reduce((sum, one) => sum + one.cost, 0);
        return [{ cost, part: { of, ...partOfBatch(batch, samples, mergeSize) } }];
      })
      .sort((a, b) => b.cost - a.cost)
      .map(({ part }): SpreadPart => part);
  });
  const rounds = Math.max(0, ...parts.map(({ length }) => length));
  const padded = parts.map((own) => Array.from({ length: rounds }, (_, round) => own[round]));
  const together = Array.from({ length: rounds }, (_, round) =>
    togetherOf(
      padded.map((own) => own[round]),
      layers,
    ),
  );
  return { batches, parts: padded, together };
};

/** Batches of one rank; where it has nothing to do, one that nobody reads. */
export const batchesOf = ({ parts }: Spread, rank: number): NamedBatch[] =>
  parts[rank]!.map((part) => part?.batch ?? emptyBatch);

type Numbers = Float32Array | Int32Array;

const picked = <T extends Numbers>(numbers: T, places: Int32Array, width: number): T => {
  const out = new (numbers.constructor as new (length: number) => T)(places.length * width);
  places.forEach((place, k) => {
    out.set(numbers.subarray(place * width, (place + 1) * width), k * width);
  });
  return out;
};

/** Puts rows of a part at their places among `rows` of the whole, which is made when there are some. */
const placed = <T extends Numbers>(whole: T | undefined, part: T, places: Int32Array, rows: number): T => {
  const Type = part.constructor as new (length: number) => T;
  if (places.length === 0) return whole ?? new Type(0);
  const width = part.length / places.length;
  const out = whole !== undefined && whole.length > 0 ? whole : new Type(rows * width);
  places.forEach((place, k) => {
    out.set(part.subarray(k * width, (k + 1) * width), place * width);
  });
  return out;
};

const tappedCount = ({ taps }: NamedBatch, block: number): number =>
  taps.find((tap) => tap.block === block)!.groups.reduce((sum, { rows }) => sum + rows.length, 0);

/** The outputs of the batches, out of those of all ranks: outputs[rank][round]. */
export const joinOutputs = (
  { batches, parts }: Spread,
  outputs: readonly (readonly BatchOutputs[])[],
): BatchOutputs[] =>
  batches.map((batch, of) => {
    const rows = batch.scored.rows.length;
    let tokenLogprobs: Float32Array = new Float32Array(rows);
    let [tokens, logprobs]: [Int32Array | undefined, Float32Array | undefined] = [undefined, undefined];
    const states = new Map<number, Float32Array>(batch.taps.map(({ block }) => [block, new Float32Array(0)]));
    parts.forEach((own, rank) => {
      own.forEach((part, round) => {
        if (part?.of !== of) return;
        const got = outputs[rank]![round]!;
        tokenLogprobs = placed(tokenLogprobs, got.tokenLogprobs, part.scored, rows);
        for (const [block, state] of got.states)
          states.set(
            block,
            placed(states.get(block), state, part.tapped.get(block)!, tappedCount(batch, block)),
          );
        if (got.candidates === undefined) return;
        tokens = placed(tokens, got.candidates.tokens, part.scored, rows);
        logprobs = placed(logprobs, got.candidates.logprobs, part.scored, rows);
      });
    });
    const candidates =
      tokens === undefined || logprobs === undefined ? undefined : { candidates: { tokens, logprobs } };
    return { tokenLogprobs, states, candidates: undefined, ...candidates };
  });

/** Candidates of one rank's parts. */
export const candidatesOf = (
  { parts }: Spread,
  rank: number,
  candidates: readonly (Candidates | undefined)[] | undefined,
): readonly (Candidates | undefined)[] | undefined =>
  candidates &&
  parts[rank]!.map((part) => {
    const wanted = part && candidates[part.of];
    if (part === undefined || wanted === undefined || "top" in wanted) return wanted;
    return { ...wanted, tokens: picked(wanted.tokens, part.scored, wanted.perRow) };
  });

/** @throws {EngineError} for a cotangent of what a batch does not give, or of another size */
const checkCotangents = (batch: NamedBatch, given: Cotangents): void => {
  const { tokenLogprobs, states } = given;
  const scored = batch.scored.rows.length;
  if (tokenLogprobs !== undefined && tokenLogprobs.length !== scored)
    throw new EngineError("size of a cotangent", {
      where: "log-probabilities",
      expected: `${scored} numbers`,
      got: String(tokenLogprobs.length),
    });
  for (const [block, cotangent] of states) {
    if (!batch.taps.some((tap) => tap.block === block))
      throw new EngineError("cotangent of a state that is not tapped", { where: `block ${block}` });
    const rows = tappedCount(batch, block);
    if (rows === 0 ? cotangent.length > 0 : cotangent.length % rows !== 0)
      throw new EngineError("size of a cotangent", {
        where: `block ${block}`,
        expected: `a multiple of ${rows} numbers`,
        got: String(cotangent.length),
      });
  }
};

const none: Cotangents = { tokenLogprobs: undefined, states: new Map() };

/** Cotangents of every rank's parts: cotangents[rank][round]. @throws {EngineError} when they do not fit */
export const spreadCotangents = (
  { batches, parts }: Spread,
  cotangents: readonly Cotangents[],
): Cotangents[][] => {
  cotangents.forEach((given, of) => {
    checkCotangents(batches[of]!, given);
  });
  return parts.map((own) =>
    own.map((part): Cotangents => {
      if (part === undefined) return none;
      const { tokenLogprobs, states } = cotangents[part.of]!;
      const batch = batches[part.of]!;
      const cut = (numbers: Float32Array, block: number): Float32Array => {
        const rows = tappedCount(batch, block);
        return picked(numbers, part.tapped.get(block)!, rows === 0 ? 0 : numbers.length / rows);
      };
      return {
        tokenLogprobs: tokenLogprobs && picked(tokenLogprobs, part.scored, 1),
        states: new Map([...states].map(([block, numbers]) => [block, cut(numbers, block)])),
      };
    }),
  );
};

/** Prompts of a batch by rank, those of about the same length together, so that little is padded. */
export const spreadPrompts = (batch: NamedBatch, ranks: number): number[][] => {
  const lengths = usedLengths(batch);
  const order = lengths.map((_, prompt) => prompt).sort((a, b) => lengths[a]! - lengths[b]!);
  const ranksOf = shares(
    order.map((prompt) => lengths[prompt]!),
    ranks,
  );
  return Array.from({ length: ranks }, (_, rank) => order.filter((_prompt, i) => ranksOf[i] === rank));
};
