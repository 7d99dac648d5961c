/** What a run would do, before it does it: configuration, tokens, padding, steps, and one sample as it is learnt. */

import type { BatchRules } from "../../batch/batch-rules.ts";
import { conversationBatches } from "../../batch/conversation-batches.ts";
import type { MediaStep } from "../../batch/media-step.ts";
import type { GroupAtBlock } from "../../batch/segments.ts";
import { seededRandom } from "../../core/random.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import { batchAt } from "../../training/order.ts";
import { estimateRun, type RunEstimate, type StepWork, stepWork } from "./estimate.ts";
import { estimatePlanned, shownOnAverage } from "./estimate-planned.ts";
import { perStepOf } from "./loops.ts";
import { type PlanMeans, type PlannedClip, planConversations } from "./plan-clip.ts";
import type { Prepared } from "./prepare.ts";
import type { SettingOrigin } from "./settings.ts";

/** A run of tokens as text, and whether it is learnt. */
export interface RenderedPart {
  readonly text: string;
  readonly learnt: boolean;
}

/** What a run would do. */
export interface RunDescription {
  readonly settings: readonly {
    readonly path: string;
    readonly value: unknown;
    readonly origin: SettingOrigin;
  }[];
  readonly steps: number;
  readonly samples: number;
  readonly clips: number;
  /** Clips that were looked at for the numbers below. */
  readonly looked: number;
  readonly tokensPerSample: { readonly mean: number; readonly most: number; readonly learnt: number };
  /** Share of the positions of the first steps that is padding. */
  readonly paddingShare: number;
  readonly batchesPerStep: number;
  /** Undefined: nobody knows what the engine needs. */
  readonly expected: RunEstimate | undefined;
  readonly sample: { readonly id: string; readonly parts: readonly RenderedPart[] } | undefined;
}

/** The pictures of a plan by size and number, without content. */
const emptyMedia = ({ media }: PlannedClip, { processor }: PlanMeans, name: string): MediaStep[] => {
  const { patchSize: side, temporalPatchSize: depth } = processor.settings;
  return media.flatMap(({ size, frames }, at) =>
    Array.from(
      { length: Math.ceil(frames / depth) },
      (_, step): MediaStep => ({
        content: `${name} ${at} ${step}`,
        rows: size.height / side,
        columns: size.width / side,
        form: "levels",
        patches: () => new Uint8Array(0),
      }),
    ),
  );
};

/** A conversation as text, runs of visual tokens shortened, cut where learning begins and ends. */
const render = ({ texts }: PlannedClip, tokenizer: Tokenizer): RenderedPart[] => {
  const { ids, spoken, places } = texts[0]!.tokens;
  const parts: { text: string; learnt: boolean }[] = [];
  const put = (text: string, learnt: boolean): void => {
    const last = parts.at(-1);
    if (last !== undefined && last.learnt === learnt) last.text += text;
    else parts.push({ text, learnt });
  };
  for (let from = 0; from < ids.length; ) {
    let to = from + 1;
    const isVisual = places[from] !== -1;
    while (to < ids.length && spoken[to] === spoken[from] && (places[to] !== -1) === isVisual) to++;
    const text = tokenizer.decode([...ids.subarray(from, isVisual ? from + 1 : to)]);
    put(isVisual ? `${text} x ${to - from}` : text, spoken[from] === 1);
    from = to;
  }
  return parts;
};

/** What numbers are computed with besides plans. */
export interface DescriptionMeans {
  readonly rules: BatchRules;
  /** States that losses read. */
  readonly states: readonly GroupAtBlock[];
  /** Operations a second of a large product where the run will be computed; undefined: not known. */
  readonly rate: number | undefined;
}

/** What the run is expected to take; undefined where it is not known. */
const expectedOf = (
  works: readonly StepWork[],
  plans: readonly PlannedClip[],
  {
    resolved: { common, chosen },
    config,
    rate,
    clips,
  }: Pick<Prepared, "resolved" | "config"> & Pick<DescriptionMeans, "rate"> & { readonly clips: number },
): RunEstimate | undefined => {
  if (rate === undefined || works.length === 0) return undefined;
  if (chosen.loop === "sft") return estimateRun(works, chosen.options.steps, config, common, rate);
  const { positionsPerBatch } = common;
  const shown = shownOnAverage(plans, clips);
  return estimatePlanned({ config, chosen, parts: common, positionsPerBatch, shown, rate });
};

/**
 * Looks at the clips of the first steps without decoding them.
 * @param looked clips at most
 */
export const describeRun = async (
  { counts: trainedOn, trained, mixed, resolved }: Prepared,
  means: PlanMeans,
  { rules, states, rate }: DescriptionMeans,
  signal: AbortSignal,
  looked = 200,
): Promise<RunDescription> => {
  const { common, origins, chosen } = resolved;
  const { seed, steps } = chosen.options;
  const clipsPerStep = perStepOf(chosen);
  const textsPerClip = chosen.loop === "sft" ? chosen.options.textsPerClip : undefined;
  const { viewDropout: dropout, bothViews: both } =
    chosen.loop === "sft" ? chosen.options : { viewDropout: 0, bothViews: false };
  const mostPositions = common.positionsPerBatch;
  const works: StepWork[] = [];
  const plans: PlannedClip[] = [];
  const counts = { tokens: 0, learnt: 0, samples: 0, most: 0, positions: 0, used: 0, batches: 0, steps: 0 };
  for (let step = 1; step <= steps && plans.length < looked; step++) {
    const chosen = mixed?.order(step) ?? batchAt(trained.length, clipsPerStep, step, seed);
    const planned = await Promise.all(chosen.map((at) => planConversations(trained[at]!, means, signal)));
    const found = planned.filter((one) => one !== undefined);
    plans.push(...found);
    const isApart = found.every(({ group }) => mixed?.notContrasted.has(group.folder) === true);
    const groups = found.map((plan, i) => ({
      media: emptyMedia(plan, means, `${step} ${i}`),
      texts: plan.texts.slice(0, textsPerClip).map(({ tokens }) => tokens),
      contrast: { absent: new Map(), keywords: [], endText: 0 },
    }));
    if (groups.length === 0) continue;
    const view = { dropout, random: seededRandom(seed, step), both };
    const made = conversationBatches(groups, rules, { mostPositions, states: isApart ? [] : states, view });
    works.push(
      stepWork(
        made.map(({ batch }) => batch),
        means.config,
        common,
      ),
    );
    counts.steps++;
    for (const { batch, used } of made) {
      counts.positions += batch.samples * batch.length;
      counts.used += used;
      counts.batches++;
    }
    for (const { tokens } of found.flatMap(({ texts }) => texts)) {
      counts.samples++;
      counts.tokens += tokens.ids.length;
      counts.learnt += tokens.spoken.reduce((sum, one) => sum + one, 0);
      counts.most = Math.max(counts.most, tokens.ids.length);
    }
  }
  const first = plans.find(({ media }) => media.length > 0) ?? plans[0];
  const per = (value: number, whole: number): number => (whole === 0 ? 0 : value / whole);
  return {
    settings: origins,
    steps,
    ...trainedOn,
    looked: plans.length,
    tokensPerSample: {
      mean: per(counts.tokens, counts.samples),
      most: counts.most,
      learnt: per(counts.learnt, counts.samples),
    },
    paddingShare: counts.positions === 0 ? 0 : 1 - counts.used / counts.positions,
    batchesPerStep: per(counts.batches, counts.steps),
    expected: expectedOf(works, plans, { resolved, config: means.config, rate, clips: trainedOn.clips }),
    sample:
      first === undefined
        ? undefined
        : { id: first.texts[0]!.sampleId, parts: render(first, means.processor.tokenizer) },
  };
};
