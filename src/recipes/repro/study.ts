import type { MadeBy } from "../../core/registry.ts";
import type { ContrastOptions } from "../../training/contrast.ts";
import type { QuickstartRecipe } from "../quickstart.ts";

/** What twins show: frames that our encoder found, the scripted events, or other frames at random. */
export type TwinKind = "detected" | "scripted" | "random";

/** How much of an arm's steps asks fragment tasks. */
export interface FragmentShare {
  /** Of the steps; the others show clips of the world. */
  readonly share: number;
  /** One picture of each question is shown in place of all: the same words and answers, nothing to see. */
  readonly repeated: boolean;
}

/** The fragment tasks of a study, drawn from clips for training, and from held-out ones to be asked. */
export interface FragmentStudy {
  /** World of as many unlabelled clips as the study has others; the study's own clips when left out. */
  readonly profile?: string;
  /** Names and parameters as a person writes them. */
  readonly tasks: readonly string[];
  readonly selector: string;
  /** Fragments of a training clip, each with a question of every task. */
  readonly perClip: number;
}

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
  /** The clips that RL asks about instead of those that are kept for SFT. */
  readonly clips?: "reinforcement";
  /** Left out: clips of the world only. */
  readonly fragments?: FragmentShare;
}

/** Reinforcement learning of an arm: what differs from the recipe's options. */
export interface GrpoArm {
  readonly kind: "grpo";
  /** What twins show; left out: the frames that our encoder found. */
  readonly twins?: Exclude<TwinKind, "random">;
  /** A `seed` among them draws other roll-outs from the same start. */
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
  /** Fragment tasks that arms are trained on and asked. */
  readonly fragments?: FragmentStudy;
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
