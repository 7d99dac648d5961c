import type { SeedEffect } from "../../evaluation/statistics/seeds.ts";
import { percent, points, pointsRange } from "../../pages/format.ts";
import type { ReproResults } from "./results.ts";

/** A sentence that the numbers allow, and whether what was asked for holds; "open": they do not tell. */
export interface StudyFinding {
  readonly outcome: "yes" | "no" | "open";
  readonly headline: string;
  readonly detail: string;
}

const armOf = (results: ReproResults, name: string): ReproResults["arms"][number] | undefined =>
  results.arms.find(({ arm }) => arm === name);

const titleOf = (results: ReproResults, name: string): string => armOf(results, name)?.title ?? name;

const seedsOf = ({ seeds, clusters }: SeedEffect): string =>
  `${seeds} ${seeds === 1 ? "seed" : "seeds"}, ${clusters.toLocaleString("en-US")} clips`;

/** A number without the sign of a zero. */
const unsigned = (text: string): string => text.replace(/^-(0\.0+)$/, "$1");

/** Outcome of a difference that should be above a limit: only an interval decides. */
const above = ({ low, high }: SeedEffect, limit: number): StudyFinding["outcome"] =>
  low > limit ? "yes" : high < limit ? "no" : "open";

/** Share of held-out clips that contrast with scripted twins is to win: an upper bound for twins that were found. */
const askedOfScripted = 0.85;

/** @param asked share of clips that is to be won, where one was asked for */
const looking = (results: ReproResults, name: string, asked?: number): StudyFinding[] => {
  const arm = armOf(results, name);
  const [win, gap] = [arm?.endpoints["win"], arm?.endpoints["winGap"]];
  if (arm === undefined || !win || !gap) return [];
  const found = above(gap, 0);
  const isShort = found === "yes" && asked !== undefined && win.value < asked;
  const headline = {
    yes: `${arm.title}: the text tells the clip from its twin by the event${isShort ? ", less often than asked" : ""}.`,
    no: `${arm.title}: a freeze anywhere is told as well as the loss of the event.`,
    open: `${arm.title}: no measurable difference between losing the event and a freeze elsewhere.`,
  }[found];
  const outcome = isShort ? "no" : found;
  const wanted = asked === undefined ? "" : ` (asked for: above ${percent(asked)} %)`;
  return [
    {
      outcome,
      headline,
      detail: `Win rate ${percent(win.value)} %${wanted}, ${points(gap.value)} points above its random-freeze control (${pointsRange(gap)}; ${seedsOf(gap)}).`,
    },
  ];
};

const difference = (results: ReproResults, of: string, against: string, key: string): StudyFinding[] => {
  const effect = results.comparisons.find((one) => one.of === of && one.against === against)?.endpoints[key];
  if (!effect) return [];
  const outcome = above(effect, 0);
  const endpoint = results.endpoints.find((one) => one.key === key)!.title.toLowerCase();
  const word = { yes: "higher", no: "lower", open: "not measurably different" }[outcome];
  return [
    {
      outcome,
      headline: `${titleOf(results, of)} against ${titleOf(results, against)}: ${endpoint} is ${word}.`,
      detail: `${points(effect.value)} points (${pointsRange(effect)}; ${seedsOf(effect)}; effect size ${unsigned(effect.effectSize.toFixed(2))}).`,
    },
  ];
};

/** RL against the fair control, beside where both began: to lose less than the control is no gain. */
const sinceBeginning = (
  results: ReproResults,
  of: string,
  against: string,
  key: "eventAccuracy",
): StudyFinding[] => {
  const origin = results.comparisons.find((one) => one.of === against)?.against;
  const [own, control, began] = [of, against, origin ?? ""].map(
    (name) => armOf(results, name)?.endpoints[key]?.value,
  );
  const found = difference(results, of, against, key);
  if (origin === undefined || own === undefined || control === undefined || began === undefined) return found;
  return found.map(({ outcome, headline, detail }) => {
    const isNoGain = outcome === "yes" && own <= began;
    return {
      outcome: isNoGain ? "open" : outcome,
      headline: isNoGain ? headline.replace(/\.$/, ", and not above where both began.") : headline,
      detail: `${detail} Both began at ${percent(began)} % (${titleOf(results, origin)}); now ${percent(own)} and ${percent(control)} %.`,
    };
  });
};

/** The contrast must not cost more than half a point. */
const cost = (results: ReproResults, of: string): StudyFinding[] => {
  const effect = results.comparisons.find((one) => one.of === of && one.against === "plain")?.endpoints[
    "accuracy"
  ];
  if (!effect) return [];
  const outcome = above(effect, -0.005);
  const headline = {
    yes: `${titleOf(results, of)} costs at most half a point of accuracy.`,
    no: `${titleOf(results, of)} costs more than half a point of accuracy.`,
    open: `What ${titleOf(results, of)} costs in accuracy cannot be told to half a point at this size.`,
  }[outcome];
  return [
    {
      outcome,
      headline,
      detail: `${points(effect.value)} points against plain SFT of equal steps (${pointsRange(effect)}; ${seedsOf(effect)}).`,
    },
  ];
};

const solvedBlindly = (results: ReproResults): StudyFinding[] =>
  results.arms.flatMap(({ title, last }) => {
    const t2v = last["heldOut.t2vSame"];
    return t2v === undefined || t2v >= Math.LN2 - 1e-3
      ? []
      : [
          {
            outcome: "no" as const,
            headline: `${title}: the contrast is being solved without looking.`,
            detail: `With a twin that is the clip itself t2v is ${t2v.toFixed(4)} nats, below ln 2 = ${Math.LN2.toFixed(4)}.`,
          },
        ];
  });

/** Whether arms that order frames do it by looking: the same questions about one repeated picture are at chance. */
const orderBySight = (results: ReproResults): StudyFinding[] =>
  results.arms.flatMap(({ title, endpoints }) => {
    const { disorder, rearrangement, orderRepeated } = endpoints;
    if (!disorder || !rearrangement || !orderRepeated) return [];
    const outcome = disorder.low > 0.5 ? "yes" : disorder.high < 0.5 ? "no" : "open";
    const word = { yes: "better than chance", no: "worse than chance", open: "no better than chance" }[
      outcome
    ];
    return [
      {
        outcome,
        headline: `${title}: disorder of frames is told ${word}.`,
        detail: `Disorder ${percent(disorder.value)} %, rearrangement ${percent(rearrangement.value)} % (chance 50 and 20); with one picture repeated both together ${percent(orderRepeated.value)} % (chance 35; ${seedsOf(disorder)}).`,
      },
    ];
  });

/** Sentences for the first screen, most important first. */
export const studyFindings = (results: ReproResults): StudyFinding[] => [
  ...results.arms
    .filter(({ arm }) => /^(scripted|scripted-heavy|detected|block-\d+)$/.test(arm))
    .flatMap(({ arm }) => looking(results, arm, arm === "scripted" ? askedOfScripted : undefined)),
  ...results.comparisons
    .filter(({ against }) => against === "plain")
    .flatMap(({ of }) => (of === "detected" || of.startsWith("scripted") ? cost(results, of) : [])),
  ...results.comparisons.flatMap(({ of, against }) => {
    if (of === "scripted" && against === "random") return difference(results, of, against, "winGap");
    if (of.startsWith("rl-") && against === "rl-accuracy")
      return [
        ...difference(results, of, against, "sensitivity"),
        ...sinceBeginning(results, of, against, "eventAccuracy"),
      ];
    if (of.startsWith("rl-") && against === "base") return difference(results, of, against, "sensitivity");
    if (of.endsWith("sf2t") || of.endsWith("order") || of === "sft-mixed")
      return ["accuracy", "eventAccuracy", "fragments"].flatMap((key) =>
        difference(results, of, against, key),
      );
    if (of.startsWith("block-") || of.startsWith("scripted-at-"))
      return difference(results, of, against, "eventAccuracy");
    return [];
  }),
  ...orderBySight(results),
  ...solvedBlindly(results),
];
