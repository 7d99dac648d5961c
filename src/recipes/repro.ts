/** The paper's claims re-tested in the scripted world: which arms, from which start, on which data, and what is measured. */

import type { MadeBy } from "../core/registry.ts";
import type { ContrastOptions } from "../training/contrast.ts";
import quickstart, { type QuickstartRecipe } from "./quickstart.ts";

/** What twins show: frames that our encoder found, the scripted events, or other frames at random. */
export type TwinKind = "detected" | "scripted" | "random";

/** Supervised fine-tuning of an arm. */
export interface SftArm {
  readonly kind: "sft";
  readonly steps: number;
  readonly learningRate: number;
  readonly contrast: ContrastOptions | null;
  readonly twins: TwinKind;
  /** Share of clips whose texts are trained on, the first ones. */
  readonly labels: number;
  /** Texts about events are trained on. */
  readonly curated: boolean;
  readonly blindClipsPerStep: number;
}

/** Reinforcement learning of an arm: what differs from the recipe's options. */
export interface GrpoArm {
  readonly kind: "grpo";
  readonly options: Readonly<Record<string, unknown>> & { readonly advantage?: MadeBy };
}

/** One way to train, or one way to be asked. */
export interface ReproArm {
  /** Its folder. */
  readonly name: string;
  readonly title: string;
  /** What is different, in a sentence. */
  readonly what: string;
  /** Arm whose last checkpoint it starts from; null: new weights. */
  readonly from: string | null;
  /** Null: nothing is trained, only asked. */
  readonly train: SftArm | GrpoArm | null;
  /** Frames a second that it is asked at; the recipe's when left out. */
  readonly askedAt?: number;
}

/** A row of the paper beside ours. */
export interface PaperRow {
  readonly arm: string | null;
  readonly title: string;
  readonly values: readonly string[];
}

/** A whole study; everything that decides it is here before anything runs. */
export interface ReproStudy {
  readonly name: string;
  readonly question: string;
  readonly arms: readonly ReproArm[];
  /** Arms whose difference is reported: the first minus the second. */
  readonly comparisons: readonly (readonly [of: string, against: string])[];
  readonly paper: {
    readonly title: string;
    readonly columns: readonly string[];
    readonly rows: readonly PaperRow[];
  };
  /** Share of the training clips that RL asks about and SFT never sees: the last ones. */
  readonly rlShare: number;
  /** Recipe of every seed but for the seed itself. */
  readonly recipe: QuickstartRecipe;
}

/** What a person may set. */
export interface ReproScale {
  /** Training clips; 15 % as many are held out. */
  readonly clips: number;
  /** Steps of the shared base. */
  readonly steps: number;
  /** Steps of a fork; left out: 15 % of the base's. */
  readonly forkSteps?: number | undefined;
  /** Clips of an SFT step; left out: the quickstart's. */
  readonly batch?: number | undefined;
  readonly threads: number;
}

/** Names of the studies. */
export const studyNames = ["ablations", "layers", "frame-rates"] as const;
/** One of {@link studyNames}. */
export type StudyName = (typeof studyNames)[number];

const shared: ContrastOptions = { block: 2, weight: 0.03, temperature: 0.05, dropout: 0.1 };
const heavy: ContrastOptions = { ...shared, weight: 0.1 };

const recipeOf = (
  { clips, steps, forkSteps, batch, threads }: ReproScale,
  layers: number,
): QuickstartRecipe => {
  const usual = quickstart(8, 0);
  return {
    ...usual,
    threads,
    world: { ...usual.world, trainClips: clips, testClips: Math.max(40, Math.round(0.15 * clips)) },
    model: { ...usual.model, layers },
    relevance: {
      ...usual.relevance,
      train: { ...usual.relevance.train, steps: Math.max(20, Math.round(steps / 6)) },
    },
    sft: {
      ...usual.sft,
      baseSteps: steps,
      forkSteps: forkSteps ?? Math.max(4, Math.round(0.15 * steps)),
      clipsPerStep: batch ?? usual.sft.clipsPerStep,
    },
    grpo: { ...usual.grpo, steps: Math.max(4, Math.round(0.04 * steps)) },
    controlDraws: 1,
  };
};

const makers = ({
  sft,
}: QuickstartRecipe): {
  readonly base: ReproArm;
  readonly fork: (
    name: string,
    title: string,
    what: string,
    train: Partial<SftArm>,
    from?: string,
  ) => ReproArm;
} => {
  const usual = { kind: "sft", twins: "detected", labels: 1, curated: true, contrast: null } as const;
  const { baseSteps, forkSteps, learningRate, forkLearningRate, blindClipsPerStep } = sft;
  return {
    base: {
      name: "base",
      title: "Base",
      what: "SFT from new weights; where every other arm begins",
      from: null,
      train: { ...usual, steps: baseSteps, learningRate, blindClipsPerStep },
    },
    fork: (name, title, what, train, from = "base") => ({
      name,
      title,
      what,
      from,
      train: { ...usual, steps: forkSteps, learningRate: forkLearningRate, blindClipsPerStep: 0, ...train },
    }),
  };
};

const table5 = {
  title: "Table 5: ablations of the 7B model",
  columns: ["MotionBench", "VRU VQA", "VRU caption"],
  rows: [
    { arm: "rl-comparative", title: "full", values: [".69", "73.7", ".297"] },
    { arm: "random", title: "A: random frames instead of key frames", values: [".53", "67.1", ".288"] },
    { arm: "plain", title: "B: no contrastive loss in SFT", values: [".55", "70.4", ".274"] },
    { arm: "rl-plain", title: "C: plain GRPO", values: [".51", "68.4", ".279"] },
    { arm: "no-curated", title: "D: public data only", values: [".60", "69.6", ".291"] },
  ],
} as const;

const ablations = (scale: ReproScale): ReproStudy => {
  const recipe = recipeOf(scale, 3);
  const { base, fork } = makers(recipe);
  const few = { labels: 0.1, from: "base-few" };
  const rl = (name: string, title: string, what: string, options: GrpoArm["options"]): ReproArm => ({
    name,
    title,
    what,
    from: "detected",
    train: { kind: "grpo", options },
  });
  const accuracy = { rewards: { accuracy: 1 }, lambda: 0 };
  return {
    name: "ablations",
    rlShare: 0.2,
    question: "Does contrast, and does comparison, make the model look at the decisive frames?",
    recipe,
    arms: [
      base,
      fork("plain", "Plain SFT", "as many steps without contrast (ablation B)", {}),
      fork("scripted", "Contrast, scripted twins", "twins from the scripted truth: the upper bound", {
        contrast: shared,
        twins: "scripted",
      }),
      fork("random", "Contrast, random frames", "as many other frames frozen (ablation A)", {
        contrast: shared,
        twins: "random",
      }),
      fork("literal", "Contrast, literal", "the paper's three end tokens and weight 0.1", {
        contrast: { ...heavy, encoding: "literal" },
      }),
      fork(
        "detected",
        "Contrast, detected twins",
        "the default: one end token, key frames found by our encoder",
        {
          contrast: shared,
        },
      ),
      fork("scripted-heavy", "Contrast, scripted twins, 0.1", "the paper's weight", {
        contrast: heavy,
        twins: "scripted",
      }),
      fork("plain-long", "Plain SFT, twice the steps", "about as much time as contrast takes", {
        steps: 2 * recipe.sft.forkSteps,
      }),
      rl("rl-accuracy", "GRPO on accuracy", "the fair control: right answers are rewarded", accuracy),
      rl("rl-plain", "GRPO on form", "base rewards without comparison (ablation C)", { lambda: 0 }),
      rl("rl-comparative", "Comparative GRPO", "the paper's comparison as reconstructed", {}),
      rl("rl-centred", "Comparative GRPO, centred", "every pair counts, losers too", {
        advantage: { name: "centred", params: {} },
      }),
      rl(
        "rl-group",
        "Comparative GRPO, group",
        "against the mean of the twin's answers, centred in the group",
        {
          advantage: { name: "group", params: {} },
        },
      ),
      rl("rl-no-refeed", "Comparative GRPO, no refeed", "losers are not drawn again", { refeedTries: 0 }),
      fork("no-curated", "Contrast without event texts", "texts about events are left out (ablation D)", {
        contrast: shared,
        curated: false,
      }),
      {
        ...base,
        name: "base-few",
        title: "Base, 10 % of the labels",
        what: "texts of every tenth clip only",
        train: { ...(base.train as SftArm), labels: 0.1 },
      },
      fork("few-plain", "Plain SFT, 10 % of the labels", "no contrast", { labels: 0.1 }, few.from),
      fork(
        "few-scripted",
        "Contrast, 10 % of the labels",
        "all clips contrasted, texts of every tenth",
        { labels: 0.1, contrast: shared, twins: "scripted" },
        few.from,
      ),
    ],
    comparisons: [
      ["scripted", "plain"],
      ["scripted", "random"],
      ["detected", "plain"],
      ["detected", "random"],
      ["literal", "plain"],
      ["scripted-heavy", "plain"],
      ["detected", "plain-long"],
      ["rl-accuracy", "detected"],
      ["rl-comparative", "rl-accuracy"],
      ["rl-comparative", "rl-plain"],
      ["rl-centred", "rl-accuracy"],
      ["rl-group", "rl-accuracy"],
      ["rl-no-refeed", "rl-comparative"],
      ["no-curated", "detected"],
      ["few-scripted", "few-plain"],
    ],
    paper: table5,
  };
};

const layers = (scale: ReproScale): ReproStudy => {
  const depth = 6;
  const recipe = recipeOf(scale, depth);
  const { base, fork } = makers(recipe);
  const blocks = Array.from({ length: depth }, (_, i) => i + 1);
  return {
    name: "layers",
    rlShare: 0,
    question: "At which block is contrast worth most?",
    recipe: { ...recipe, sft: { ...recipe.sft, contrast: { ...shared, block: 3 } } },
    arms: [
      base,
      fork("plain", "Plain SFT", "as many steps without contrast", {}),
      ...blocks.map((block) =>
        fork(`block-${block}`, `Contrast at block ${block}`, `of ${depth}, scripted twins`, {
          contrast: { ...shared, block },
          twins: "scripted",
        }),
      ),
    ],
    comparisons: blocks.map((block) => [`block-${block}`, "plain"] as const),
    paper: {
      title: "Table 6: contrastive blocks of the 7B model (of 28; the paper counts to 32), MotionBench",
      columns: ["Dev"],
      rows: [
        { arm: "block-2", title: "8", values: [".63"] },
        { arm: "block-3", title: "16", values: [".69"] },
        { arm: "block-5", title: "24", values: [".65"] },
      ],
    },
  };
};

const frameRates = (scale: ReproScale): ReproStudy => {
  const recipe = recipeOf(scale, 3);
  const { base, fork } = makers(recipe);
  const rates = [0.5, 1, 2, 4];
  const asked = (rate: number, from: string): ReproArm => ({
    name: `${from}-at-${rate}`,
    title: `${from === "plain" ? "Plain SFT" : "Contrast"}, asked at ${rate} fps`,
    what: "the same weights",
    from,
    train: null,
    askedAt: rate,
  });
  return {
    name: "frame-rates",
    rlShare: 0,
    question: "How many frames a second does a model need that was trained at 4?",
    recipe,
    arms: [
      base,
      fork("plain", "Plain SFT", "as many steps without contrast", {}),
      fork("scripted", "Contrast", "scripted twins", { contrast: shared, twins: "scripted" }),
      ...rates.flatMap((rate) => [asked(rate, "scripted"), asked(rate, "plain")]),
    ],
    comparisons: rates.map((rate) => [`scripted-at-${rate}`, `plain-at-${rate}`] as const),
    paper: {
      title: "Table 6: frames a second at which the 7B model is asked, MotionBench",
      columns: ["Dev"],
      rows: [
        { arm: null, title: "0.25", values: [".55"] },
        { arm: "scripted-at-0.5", title: "0.5", values: [".58"] },
        { arm: "scripted-at-1", title: "1", values: [".69"] },
        { arm: "scripted-at-2", title: "2", values: [".72"] },
        { arm: "scripted-at-4", title: "4", values: [".72"] },
      ],
    },
  };
};

/** A study at a scale. */
const repro = (name: StudyName, scale: ReproScale): ReproStudy =>
  ({ ablations, layers, "frame-rates": frameRates })[name](scale);

export default repro;
