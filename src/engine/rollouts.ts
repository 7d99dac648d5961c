import { nowMilliseconds } from "../core/progress.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Completion, Engine, SampleOptions, SampleRequest } from "./contract.ts";

/** Draws completions from the weights that an engine has at that moment; what it holds elsewhere goes with it. */
export interface Rollouts extends AsyncDisposable {
  /** As {@link Engine.sample}; its numbers are another program's, so they differ from the engine's. */
  sample(request: SampleRequest, options?: SampleOptions): Promise<readonly (readonly Completion[])[]>;
}

/** What a provider draws for. */
export interface RolloutMeans {
  /** What is trained. */
  readonly engine: Engine;
  readonly config: ModelConfig;
  /** Folder that is the provider's own while it lives; it need not be there. */
  readonly folder: string;
  /** Sees a line about something that a person should know. */
  readonly log: (line: string) => void;
}

/** A provider of roll-outs as its file exports it. */
export interface RolloutPlugin extends Plugin<(means: RolloutMeans) => Promise<Rollouts>> {}

/** Declares a provider of roll-outs. */
export const defineRollouts: Define<RolloutPlugin> = definer("roll-out provider");

/** Every folder beside this file that has a `rollouts.ts`, and what people add. */
export const rolloutProviders: Registry<RolloutPlugin> = folderRegistry(
  "roll-out provider",
  new URL("./", import.meta.url),
  "rollouts",
);

/** Draws as another one does, and knows how long that took; what the engine computes meanwhile is not counted. */
export class TimedRollouts implements Pick<Rollouts, "sample"> {
  readonly #rollouts: Pick<Rollouts, "sample">;
  readonly #engine: Pick<Engine, "statistics">;
  #seconds = 0;

  constructor(rollouts: Pick<Rollouts, "sample">, engine: Pick<Engine, "statistics">) {
    this.#rollouts = rollouts;
    this.#engine = engine;
  }

  get seconds(): number {
    return this.#seconds;
  }

  async sample(request: SampleRequest, options?: SampleOptions): Promise<readonly (readonly Completion[])[]> {
    const [start, before] = [nowMilliseconds(), this.#engine.statistics().computingSeconds];
    try {
      return await this.#rollouts.sample(request, options);
    } finally {
      const computed = this.#engine.statistics().computingSeconds - before;
      this.#seconds += (nowMilliseconds() - start) / 1000 - computed;
    }
  }
}
