import type { Sample } from "../dataset/sample.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";

/** A question or caption request with its reference, as tokens. */
export interface TrainingText {
  readonly sampleId: string;
  readonly skill: string;
  readonly question: string;
  readonly answer: string;
  readonly answerKind: Sample["answerKind"];
  readonly options?: readonly string[];
  /** Tokens of the question. */
  readonly prompt: readonly number[];
  /** Tokens of the reference answer with the end token. */
  readonly target: readonly number[];
  /** Tokens of every option as a whole answer with its end token; left out: not a closed question, or not known. */
  readonly optionTargets?: readonly (readonly number[])[];
  /** Whether the answer can be seen in the decisive frames only. */
  readonly aboutEvent: boolean;
}

/** What of a clip contrast looks at besides states. */
export interface ContrastedClip {
  readonly id: string;
  /** Temporal steps of the absent twin that differ from the complete clip's; empty: no twin. */
  readonly absentSteps: ReadonlyMap<number, unknown>;
  /** Tokens of the keywords. */
  readonly keywords: readonly number[];
  /** False: only its answers are learnt, whatever the losses contrast. All clips of a step are alike in this. */
  readonly contrasted?: boolean;
}

/** A clip in memory, ready for training. */
export interface TrainingClip extends ContrastedClip {
  readonly patches: ClipPatches;
  readonly absentSteps: ReadonlyMap<number, Uint8Array>;
  readonly texts: readonly TrainingText[];
}

/** A clip that is not trained on, with its control: as many frames frozen, but random ones. */
export interface HeldOutClip {
  readonly clip: TrainingClip;
  /** Temporal steps of the control that differ; empty: it has none. */
  readonly frozenSteps: ReadonlyMap<number, Uint8Array>;
}

/** The absent twin as a clip of its own. */
export const absentPatches = (clip: TrainingClip): ClipPatches => ({
  ...clip.patches,
  steps: clip.patches.steps.map((step, i) => clip.absentSteps.get(i) ?? step),
});
