import type { Tap, TokenBatch } from "../batch/token-batch.ts";
import { EngineError } from "../core/errors.ts";
import type { FeedSize, Loss, Objective } from "../graph/objective.ts";
import { input } from "../graph/ops/inputs.ts";
import { split } from "../graph/ops/layout.ts";
import type { Value } from "../graph/value.ts";

/** Rows of each group at a block, in order. */
export interface TapShape {
  readonly block: number;
  readonly groups: readonly { readonly name: string; readonly rows: number }[];
}

/** What the sizes of an objective's expression depend on. */
export interface SignalShape {
  readonly scored: number;
  readonly taps: readonly TapShape[];
}

/** The sizes of what a batch gives an objective. */
export const signalShape = ({ scored, taps }: Pick<TokenBatch, "scored" | "taps">): SignalShape => ({
  scored: scored.rows.length,
  taps: taps.map(({ block, groups }: Tap) => ({
    block,
    groups: groups.map(({ name, rows }) => ({ name, rows: rows.length })),
  })),
});

/** The numbers of a feed's axes. @throws {EngineError} for a group that the batch does not tap */
export const feedShape = (
  name: string,
  sizes: readonly FeedSize[],
  { scored, taps }: SignalShape,
): number[] =>
  sizes.map((size) => {
    if (typeof size === "number") return size;
    if (size === "scored") return scored;
    const group = taps.flatMap(({ groups }) => groups).find((one) => one.name === size);
    if (group === undefined)
      throw new EngineError("size of a feed by a group that the batch does not tap", {
        where: name,
        got: size,
      });
    return group.rows;
  });

/** Name of a feed among a graph's inputs. */
export const feedInput = (name: string): string => `objective.${name}`;

/** Where a model's signals are in a graph. */
export interface SignalValues {
  readonly tokenLogprobs: Value | undefined;
  readonly state: (block: number, group: string) => Value | undefined;
}

/** Signals out of whole taps: rows of all groups [rows, D] by block. */
export const tappedSignals = (
  tokenLogprobs: Value | undefined,
  states: ReadonlyMap<number, Value>,
  { taps }: SignalShape,
): SignalValues => {
  const pieces = new Map<number, readonly Value[]>();
  return {
    tokenLogprobs,
    state: (block, group) => {
      const tapped = states.get(block);
      const groups = taps.find((tap) => tap.block === block)?.groups ?? [];
      const at = groups.findIndex(({ name }) => name === group);
      if (tapped === undefined || at < 0) return undefined;
      const known = pieces.get(block);
      const made =
        known ??
        (groups.length === 1
          ? [tapped]
          : split(
              tapped,
              0,
              groups.map(({ rows }) => rows),
            ));
      pieces.set(block, made);
      return made[at];
    },
  };
};

/**
 * The expression of an objective on given signals; its own numbers become inputs {@link feedInput}.
 * @throws {EngineError} when it reads what the batch does not give, or what it does not declare
 */
export const buildObjective = (objective: Objective, values: SignalValues, shape: SignalShape): Loss => {
  const fed = new Map<string, Value>();
  const undeclared = (what: string): EngineError =>
    new EngineError("an objective reads what it does not declare", { where: objective.key, got: what });
  return objective.build({
    get tokenLogprobs(): Value {
      if (values.tokenLogprobs === undefined)
        throw new EngineError("the batch scores no tokens", { where: objective.key });
      return values.tokenLogprobs;
    },
    state: (block, group) => {
      if (!objective.states.some((state) => state.block === block && state.group === group))
        throw undeclared(`state of "${group}" at block ${block}`);
      const value = values.state(block, group);
      if (value === undefined)
        throw new EngineError("the batch taps no such rows", {
          where: objective.key,
          expected: `"${group}" at block ${block}`,
        });
      return value;
    },
    feed: (name) => {
      const sizes = objective.feeds[name];
      if (sizes === undefined) throw undeclared(`feed ${name}`);
      const value = fed.get(name) ?? input(feedInput(name), feedShape(name, sizes, shape));
      fed.set(name, value);
      return value;
    },
  });
};
