/**
 * Comparative GRPO: answers from the complete clip must beat answers from its absent twin.
 *
 * Legend: P prompts of a step, G completions of a prompt.
 */
import type { TokenBatch } from "../batch/token-batch.ts";
import { ConfigError } from "../core/errors.ts";
import type { Engine, FeedArray, StepResult, WhichWeights } from "../engine/contract.ts";
import { type Rollouts, TimedRollouts } from "../engine/rollouts.ts";
import { takeStep } from "../engine/take-step.ts";
import { entailmentProviders } from "../grading/entailment-providers.ts";
import { type Advantage, type AdvantageState, advantageRegistry } from "../objectives/advantages.ts";
import { meanOf } from "../objectives/group-statistics.ts";
import { type LossTerm, makeLosses, sumOfLosses } from "../objectives/losses.ts";
import { clipPromptLayout, type Language, type Prompt, promptsInMemory } from "./clip-prompts.ts";
import type { GrpoOptions } from "./grpo-options.ts";
import { chosenRewards, type Judged, judgeGroups } from "./grpo-verdicts.ts";
import { probeInstruction } from "./instruction-probe.ts";
import { type LoopContext, type LoopResult, type LoopStep, runLoop, type Trainee } from "./loop.ts";
import { policyBatches } from "./policy-batches.ts";
import { type Prefiltered, prefilterPrompts } from "./prefilter.ts";
import type { ComparedPrompt, PromptLayout, PromptSource } from "./prompt-layout.ts";
import { type Asking, rollOut } from "./rollout.ts";
import { correctedFeeds } from "./rollout-correction.ts";
import { recordOf, rolloutMetrics } from "./rollout-log.ts";

/** Log-probabilities of the batches' targets. @param weights reference: of the model that the stage began with */
const logprobsOf = async (
  engine: Engine,
  batches: readonly TokenBatch[],
  weights: WhichWeights,
): Promise<Float32Array> => {
  await using pass = await engine.forward(batches, { weights });
  return Float32Array.from(pass.outputs.flatMap(({ tokenLogprobs }) => [...tokenLogprobs]));
};

/** Everything that this loop can feed a loss. */
const policyFeeds = ["weights", "advantages", "oldLogprobs", "referenceLogprobs"];

const policyObjective = async ({ clip, beta, largestRatio, losses = {} }: GrpoOptions): Promise<LossTerm> => {
  const objective = sumOfLosses(
    await makeLosses({ "policy-gradient": { clip, beta, largestRatio }, ...losses }),
  );
  const strange = Object.keys(objective.feeds).find((name) => !policyFeeds.includes(name));
  if (strange !== undefined || objective.states.length > 0)
    throw new ConfigError("a loss asks for what Comparative GRPO does not have", {
      where: objective.key,
      expected: `log-probabilities and ${policyFeeds.join(", ")}`,
      got: strange ?? "states of a block",
    });
  return objective;
};

const chosenAdvantage = async (options: GrpoOptions): Promise<Advantage> => {
  const { lambda, comparison, onExhausted } = options;
  const { name, params } = options.advantage ?? {
    name: "total",
    params: { lambda, comparison, onExhausted },
  };
  return (await advantageRegistry.make(name, params)).value;
};

/** Whether anything comes of comparing a clip with its twin; without, prompts need none. */
export const comparesTwins = async (options: GrpoOptions): Promise<boolean> =>
  (await chosenAdvantage(options)).compares !== false || options.control !== "none";

/** How completions are read. */
export interface ReadingOfAnswers {
  readonly decode: (tokens: readonly number[]) => string;
  /** Ends a completion. */
  readonly endToken: number;
  /** The refeed's instruction, for messages. */
  readonly instruction: string;
}

/** What the loop looks at besides its own numbers, and what draws for it. */
export interface GrpoLooks extends Pick<LoopStep, "heldOut" | "validate" | "waitedSeconds"> {
  /** Draws completions instead of the engine. */
  readonly rollouts?: Rollouts | undefined;
}

/** Means over a step's updates; the last loss is the step's. */
const metricsOfUpdates = (updates: readonly StepResult[]): Record<string, number> => {
  const last = updates.at(-1)!;
  const names = Object.keys(last.metrics);
  return {
    loss: last.loss,
    ...Object.fromEntries(names.map((name) => [name, meanOf(updates.map(({ metrics }) => metrics[name]!))])),
  };
};

/** Updates on the completions of a step: all of them each time, with the log-probabilities of when they were drawn. */
const takeUpdates = async <P extends ComparedPrompt>(
  { trainee, layout, rollouts }: Asking<P>,
  judged: readonly Judged<P>[],
  objective: LossTerm,
  options: GrpoOptions,
  update: () => Promise<void>,
): Promise<Record<string, number>> => {
  const { engine } = trainee;
  const { batches, feeds, places } = policyBatches(judged, options, trainee, layout);
  const corrected =
    rollouts === undefined || options.rollouts === undefined
      ? { feeds, metrics: {} }
      : correctedFeeds(feeds, places, await logprobsOf(engine, batches, "current"), options.rollouts);
  const given: Record<string, FeedArray> = { ...corrected.feeds };
  if ("referenceLogprobs" in objective.feeds)
    given["referenceLogprobs"] = await logprobsOf(engine, batches, "reference");
  const done: StepResult[] = [];
  for (let i = 0; i < options.updatesPerRollout; i++) {
    if (i > 0) await update();
    done.push(await takeStep(engine, batches, objective, given));
  }
  return { ...metricsOfUpdates(done), ...corrected.metrics };
};

/**
 * Trains on prompts: leaves out those that need no evidence; then, a step, draws G completions from the complete clip and
 * G from the absent one, compares their quality, draws again with an instruction to look closely where the complete clip
 * did not win, and takes clipped policy-gradient steps on the complete clip's completions with A = A_base + lambda A_comp.
 *
 * @source VideoPerceiver, second stage (eqs. 8-10), reconstructed
 * @throws {RunError} when no prompt is left, or the instruction destroys the answers
 */
export const trainComparativeGrpoFrom = async <P extends ComparedPrompt>(
  trainee: Trainee,
  source: PromptSource<P>,
  layout: PromptLayout<P>,
  options: GrpoOptions,
  { instruction, ...reading }: ReadingOfAnswers,
  context: LoopContext,
  { rollouts, ...looks }: GrpoLooks = {},
): Promise<LoopResult> => {
  const { engine } = trainee;
  const { seed, control, instructionGuard: guard } = options;
  const objective = await policyObjective(options);
  const advantage = await chosenAdvantage(options);
  const compares = advantage.compares !== false;
  const isInstructing = control === "instruction-only" || (compares && options.refeedTries > 0);
  const rewards = await chosenRewards(options.rewards);
  const { value: entailment } = await entailmentProviders.choose(options.entailment);
  const judging = { ...reading, entailment, direction: options.entailmentDirection };
  const elsewhere = rollouts && new TimedRollouts(rollouts, engine);
  const asking = { trainee, layout, judging, rollouts: elsewhere };
  // Held before a resumed run reads its checkpoint: the reference is the model that the stage began with.
  if ("referenceLogprobs" in objective.feeds) await engine.holdReference();
  let state: AdvantageState = advantage.start;
  let { kept, answerable }: Prefiltered =
    context.run.resumedFrom === undefined
      ? await prefilterPrompts(asking, source, options, context)
      : { kept: [], answerable: 0 };
  let take: ((step: number) => Promise<readonly P[]>) | undefined;

  const compute = async (step: number, update: () => Promise<void>): Promise<Record<string, number>> => {
    take ??= source.steps(kept);
    const chosen = await take(step);
    const isLooked = isInstructing && (step - 1) % guard.everySteps === 0;
    const valid = isLooked ? await probeInstruction(layout, chosen, instruction, guard) : {};
    const groups = await rollOut(asking, chosen, options, step, compares);
    const result = judgeGroups(groups, rewards, advantage, state, { control, seed, step });
    state = result.state;
    for (const group of result.judged) context.run.rollout(recordOf(step, group));
    return {
      ...(await takeUpdates(asking, result.judged, objective, options, update)),
      ...rolloutMetrics(result.judged, state.baseline),
      ...valid,
      answerableWithoutEvidence: answerable / (answerable + kept.length),
    };
  };

  return runLoop(trainee, options, context, {
    compute,
    ...looks,
    ...(elsewhere && { elsewhereSeconds: () => elsewhere.seconds }),
    state: () => ({ baseline: state.baseline, kept, answerable }),
    restore: (saved) => {
      state = { baseline: Number(saved["baseline"]) };
      kept = saved["kept"] as readonly number[];
      answerable = Number(saved["answerable"]);
    },
  });
};

/** As {@link trainComparativeGrpoFrom}, on clips of one size that are in memory. */
export const trainComparativeGrpo = (
  trainee: Trainee,
  prompts: readonly Prompt[],
  options: GrpoOptions,
  language: Language,
  context: LoopContext,
): Promise<LoopResult> => {
  const { refeedInstruction, decode, endToken } = language;
  const reading = { decode, endToken, instruction: decode(refeedInstruction) };
  const layout = clipPromptLayout(trainee, language, options);
  return trainComparativeGrpoFrom(
    trainee,
    promptsInMemory(prompts, options),
    layout,
    options,
    reading,
    context,
  );
};
