import { emptyBatch, type NamedBatch, partOfBatch } from "../../batch/split-batch.ts";
import { EngineError } from "../../core/errors.ts";
import type {
  CallOptions,
  Completion,
  Cotangents,
  EngineStatistics,
  ForwardOptions,
  SampleRequest,
} from "../contract.ts";
import type { Caller, CallMedia } from "../worker-connection.ts";
import type { WirePass } from "../worker-protocol.ts";
import type { RankGroup } from "./rank-group.ts";
import {
  batchesOf,
  candidatesOf,
  joinOutputs,
  type Spread,
  type SpreadModel,
  spreadBatches,
  spreadCotangents,
  spreadPrompts,
} from "./spread.ts";

/** Arguments of a call that this side spreads. */
interface GivenArguments {
  readonly batches?: readonly NamedBatch[];
  readonly forward?: Omit<ForwardOptions, "signal" | "deadlineSeconds">;
  readonly pass?: number;
  readonly cotangents?: readonly Cotangents[];
  readonly request?: Omit<SampleRequest, "batch">;
}

/** A pass that all ranks keep: how it is spread, and its number on each. */
interface KeptPass {
  readonly spread: Spread;
  readonly ids: readonly number[];
}

const noSource: CallMedia["source"] = async () => new Map();

/** Calls of an engine, done by all ranks together: batches and prompts are spread, answers put together. */
export class RankedCalls implements Caller {
  readonly #group: RankGroup;
  readonly #model: SpreadModel;
  readonly #passes = new Map<number, KeptPass>();
  #next = 0;

  constructor(group: RankGroup, model: SpreadModel) {
    this.#group = group;
    this.#model = model;
  }

  get version(): number {
    return this.#group.version;
  }

  statistics(): EngineStatistics {
    return this.#group.statistics();
  }

  close(): Promise<void> {
    return this.#group.close();
  }

  async call(
    operation: string,
    given: Readonly<Record<string, unknown>>,
    options: CallOptions = {},
    media?: CallMedia,
    onAbandoned: (value: unknown) => void = () => {},
  ): Promise<unknown> {
    const source = media?.source ?? noSource;
    const own = given as GivenArguments;
    switch (operation) {
      case "forward":
        return this.#forward(own, options, source, onAbandoned);
      case "backward":
        return this.#backward(own, options);
      case "release":
        return this.#release(own.pass!);
      case "sample":
        return this.#sample(own, options, source);
      default:
        return (await this.#all(operation, () => given, options, source))[0];
    }
  }

  #all(
    operation: string,
    givenOf: (rank: number) => Readonly<Record<string, unknown>>,
    options: CallOptions,
    source: CallMedia["source"] = noSource,
    onAbandoned: (values: unknown[]) => void = () => {},
  ): Promise<unknown[]> {
    const given = Array.from({ length: this.#group.ranks }, (_, rank) => givenOf(rank));
    const contents = given.map(({ batches }) =>
      ((batches ?? []) as readonly NamedBatch[]).flatMap(({ media }) => media.map(({ content }) => content)),
    );
    const call = { operation, given, source, contents, alone: operation === "sample" };
    return this.#group.call(call, options, onAbandoned);
  }

  async #forward(
    { batches, forward }: GivenArguments,
    options: CallOptions,
    source: CallMedia["source"],
    onAbandoned: (value: unknown) => void,
  ): Promise<WirePass> {
    const spread = spreadBatches(batches!, this.#group.ranks, this.#model);
    const givenOf = (rank: number): Readonly<Record<string, unknown>> => {
      const candidates = candidatesOf(spread, rank, forward!.candidates);
      return {
        forward: { ...forward, ...(candidates !== undefined && { candidates }) },
        batches: batchesOf(spread, rank),
        together: spread.together,
      };
    };
    const joined = (values: unknown[]): WirePass => {
      const made = values as WirePass[];
      const outputs = joinOutputs(
        spread,
        made.map((one) => one.outputs),
      );
      const { kept } = made[0]!;
      if (kept === "nothing") return { id: undefined, outputs, kept };
      this.#passes.set(this.#next, { spread, ids: made.map(({ id }) => id!) });
      return { id: this.#next++, outputs, kept };
    };
    return joined(
      await this.#all("forward", givenOf, options, source, (values) => onAbandoned(joined(values))),
    );
  }

  #take(id: number): KeptPass | undefined {
    const pass = this.#passes.get(id);
    this.#passes.delete(id);
    return pass;
  }

  async #backward({ pass, cotangents }: GivenArguments, options: CallOptions): Promise<void> {
    const kept = this.#take(pass!);
    if (kept === undefined)
      throw new EngineError("backward of a pass that keeps nothing", { got: "a pass that was consumed" });
    let spread: Cotangents[][];
    try {
      spread = spreadCotangents(kept.spread, cotangents!);
    } catch (error) {
      await this.#all("release", (rank) => ({ pass: kept.ids[rank]! }), {});
      throw error;
    }
    await this.#all("backward", (rank) => ({ pass: kept.ids[rank]!, cotangents: spread[rank]! }), options);
  }

  async #release(pass: number): Promise<void> {
    const kept = this.#take(pass);
    if (kept !== undefined) await this.#all("release", (rank) => ({ pass: kept.ids[rank]! }), {});
  }

  async #sample(
    { batches, request }: GivenArguments,
    options: CallOptions,
    source: CallMedia["source"],
  ): Promise<Completion[][]> {
    const [batch] = batches!;
    const prompts = spreadPrompts(batch!, this.#group.ranks);
    const givenOf = (rank: number): Readonly<Record<string, unknown>> => {
      const own = prompts[rank]!;
      if (own.length === 0) return { request: { ...request, nextPositions: [] }, batches: [emptyBatch] };
      const { batch: part, scored } = partOfBatch(batch!, own, this.#model.mergeSize);
      // Scored rows are one a prompt, in the order of the prompts that they are of.
      const places = [...scored];
      const inOrder = own.map((prompt) => places.indexOf(prompt));
      const rows = Int32Array.from(inOrder, (i) => part.scored.rows[i]!);
      const targets = Int32Array.from(inOrder, (i) => part.scored.targets[i]!);
      return {
        request: {
          ...request,
          places: own,
          nextPositions: own.map((prompt) => request!.nextPositions[prompt]!),
        },
        batches: [{ ...part, scored: { ...part.scored, rows, targets } }],
      };
    };
    const drawn = (await this.#all("sample", givenOf, options, source)) as Completion[][][];
    const all: Completion[][] = [];
    prompts.forEach((own, rank) => {
      own.forEach((prompt, i) => {
        all[prompt] = drawn[rank]![i]!;
      });
    });
    return all;
  }
}
