/** Preference optimisation: of each pair the better side gains on the worse one, against the model of before. */
import { RunError } from "../core/errors.ts";
import { seededRandom } from "../core/random.ts";
import { takeStep } from "../engine/take-step.ts";
import { type DpoOptions, twinUnder } from "./dpo-options.ts";
import { type LoopContext, type LoopResult, type LoopStep, runLoop, type Trainee } from "./loop.ts";
import { batchAt } from "./order.ts";
import {
  type ChosenPairs,
  type PairLogprobs,
  type PreferenceBatches,
  type PreferenceClip,
  preferenceBatches,
  preferenceFeeds,
} from "./preference-batches.ts";
import { type LaidLook, laidLooks, monitorPreferences } from "./preference-monitor.ts";
import { preferenceObjective } from "./preference-objective.ts";
import { pairLogprobs, StoredLogprobs } from "./preference-reference.ts";

/** Where clips with preferences come from. */
export interface PreferenceSource {
  /** Clips that there are. */
  readonly count: number;
  /** The clips of a step (1-based), the same ones whenever it is asked. */
  take(step: number): Promise<readonly PreferenceClip[]>;
  /** One of them; undefined where it cannot be had. */
  clip(at: number): Promise<PreferenceClip | undefined>;
  /** Clips that are not trained on. */
  heldOut(): Promise<readonly PreferenceClip[]>;
}

/** What the model of before the first step says of pairs: held as weights, or stored as numbers. */
interface Reference {
  readonly stored: StoredLogprobs | undefined;
  of(laid: PreferenceBatches, keys: readonly string[]): Promise<readonly PairLogprobs[]>;
}

const openReference = async (
  { engine }: Trainee,
  mode: DpoOptions["reference"],
  { run, signal }: LoopContext,
): Promise<Reference> => {
  const isAdapter = engine.capabilities.trainable.every((name) => /\.lora_[AB]\b/.test(name));
  if (mode === "stored" || (mode === "auto" && !isAdapter)) {
    const stored = new StoredLogprobs(run.folder);
    return { stored, of: async (_, keys) => keys.map((key) => stored.get(key)) };
  }
  // Before a resumed run reads its checkpoint.
  await engine.holdReference();
  const options = { weights: "reference", signal } as const;
  return { stored: undefined, of: (laid) => pairLogprobs(engine, laid, options) };
};

const keysOf = ({ pairs }: PreferenceBatches): string[] => pairs.map(({ id }) => id);

/** Some of a clip's pairs, a pure function of seed, step and place. */
const somePairs = (
  clip: PreferenceClip,
  { seed, pairsPerClip }: DpoOptions,
  step: number,
  i: number,
): ChosenPairs => ({
  clip,
  pairs: seededRandom(seed, "pairs", step, i).shuffled(clip.pairs).slice(0, pairsPerClip),
});

/** The places of clips that the steps reach, each once, in order. */
const reached = (count: number, { steps, clipsPerStep, seed }: DpoOptions): Set<number> =>
  new Set(Array.from({ length: steps }, (_, step) => batchAt(count, clipsPerStep, step + 1, seed)).flat());

const averageLength = (sides: readonly (readonly number[])[]): number =>
  sides.reduce((sum, { length }) => sum + length, 0) / Math.max(1, sides.length);

/** What decides how pairs are laid out. */
type LaidOptions = DpoOptions & { readonly positionsPerBatch: number };

const layoutOf = ({ positionsPerBatch, control }: LaidOptions) => ({
  positionsPerBatch,
  twin: twinUnder(control),
});

/** Computes and stores what the model says of all pairs that the steps reach, and of those that are looked at. */
const storeReferences = async (
  stored: StoredLogprobs,
  { engine, rules }: Trainee,
  source: PreferenceSource,
  options: LaidOptions,
  { signal, progress }: LoopContext,
  held: () => Promise<readonly LaidLook[]>,
): Promise<void> => {
  const store = async (laid: PreferenceBatches, keys: readonly string[]): Promise<void> => {
    if (keys.some((key) => !stored.has(key))) stored.add(keys, await pairLogprobs(engine, laid, { signal }));
  };
  const places = reached(source.count, options);
  let done = 0;
  for (const at of places) {
    signal.throwIfAborted();
    const clip = await source.clip(at);
    if (clip !== undefined) {
      const laid = preferenceBatches([{ clip, pairs: clip.pairs }], rules, layoutOf(options));
      await store(laid, keysOf(laid));
    }
    progress.update(0, options.steps, `reference of ${++done} of ${places.size} clips`);
  }
  if ((options.watch?.validateEvery ?? 0) > 0)
    for (const { laid, keys } of await held()) await store(laid, keys);
};

/** Leaves out pairs without a reference, of clips that could not be read before the first step, and names each clip once. */
const pairsWithReference = (
  stored: StoredLogprobs | undefined,
  { log }: Pick<LoopContext["progress"], "log">,
): ((clip: PreferenceClip) => PreferenceClip) => {
  const told = new Set<string>();
  return (clip) => {
    const pairs = clip.pairs.filter(({ id }) => stored?.has(id) !== false);
    if (pairs.length < clip.pairs.length && !told.has(clip.id)) {
      told.add(clip.id);
      log(`${clip.id}: left out; it could not be read before the first step, so its reference is not known`);
    }
    return { ...clip, pairs };
  };
};

/**
 * Trains on pairs. Before the first step the reference's log-probabilities of all pairs that the steps reach are computed,
 * unless it is held.
 *
 * @param looks what else is looked at, as `LoopStep` takes it, and seconds waited
 * @source Rafailov et al. 2023 (DPO)
 * @throws {ConfigError} for losses that this loop cannot feed
 */
export const trainDpo = async (
  trainee: Trainee,
  source: PreferenceSource,
  options: LaidOptions,
  context: LoopContext,
  looks: Pick<LoopStep, "heldOut" | "validate" | "waitedSeconds"> = {},
): Promise<LoopResult> => {
  const { engine, rules } = trainee;
  const { clipsPerStep, pairsPerClip, losses } = options;
  const objective = await preferenceObjective(options);
  const reference = await openReference(trainee, options.reference, context);
  const { stored } = reference;
  const { signal, progress } = context;
  let heldLooks: readonly LaidLook[] | undefined;
  const held = async (): Promise<readonly LaidLook[]> => {
    heldLooks ??= (await source.heldOut()).flatMap((clip) => laidLooks(clip, trainee, options));
    const isKnown = (key: string): boolean => isStoring || stored?.has(key) !== false;
    return heldLooks.filter(({ keys }) => keys.every(isKnown));
  };
  let isStoring = stored !== undefined && context.run.resumedFrom === undefined;
  if (stored !== undefined && isStoring) {
    await storeReferences(stored, trainee, source, options, context, held);
    isStoring = false;
  }
  const withReference = pairsWithReference(stored, progress);
  const compute = async (step: number): Promise<Record<string, number>> => {
    const clips = (await source.take(step)).map(withReference).filter(({ pairs }) => pairs.length > 0);
    if (clips.length === 0)
      throw new RunError("no pair of a step has a reference", {
        where: `step ${step}`,
        got: "clips that could not be read before the first step",
        hint: "begin the run anew, now that they can be read",
      });
    const chosen = clips.map((clip, i) => somePairs(clip, options, step, i));
    const laid = preferenceBatches(chosen, rules, layoutOf(options));
    const said = await reference.of(laid, keysOf(laid));
    const feeds = preferenceFeeds(laid, said, clipsPerStep * pairsPerClip);
    const { loss, metrics } = await takeStep(engine, laid.batches, objective, feeds);
    return {
      loss,
      ...metrics,
      pairs: laid.pairs.length,
      chosenTokens: averageLength(laid.pairs.map((pair) => pair.chosen)),
      rejectedTokens: averageLength(laid.pairs.map((pair) => pair.rejected)),
    };
  };
  const referenceOf = ({ laid, keys }: LaidLook): Promise<readonly PairLogprobs[]> =>
    reference.of(laid, keys);
  const beta = Number(losses["preference"]?.["beta"] ?? 0.1);
  return runLoop(trainee, options, context, {
    compute,
    ...looks,
    validate: async (step) => ({
      ...(await looks.validate?.(step)),
      ...(await monitorPreferences(trainee, await held(), referenceOf, beta, signal)),
    }),
    state: () => ({}),
    restore: () => {},
  });
};
