import type { BatchRules } from "../batch/batch-rules.ts";
import type { ClipSegments, SegmentTokens } from "../batch/segments.ts";
import { segmentsBatch } from "../batch/segments-batch.ts";
import type { MadeBy } from "../core/registry.ts";
import type { Engine } from "../engine/contract.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import { type BenchmarkSample, clusterOf } from "./benchmarks.ts";
import type { View } from "./interventions.ts";
import type { Answer, AnswerRequest, Subject } from "./subject.ts";

/** What a {@link firstWordSubject} is made of. */
export interface FirstWordSubjectOptions {
  readonly name: string;
  readonly recipe: MadeBy;
  readonly engine: Engine;
  readonly rules: BatchRules;
  readonly tokens: SegmentTokens;
  /** Tokens of a sample's question. */
  readonly prompt: (sample: BenchmarkSample) => readonly number[];
  readonly decode: (tokens: readonly number[]) => string;
  /** Patches of what is shown: source frame indices of the sample's clip, null for a blank picture, some painted. */
  readonly patches: (sample: BenchmarkSample, view: Pick<View, "shown_T" | "painted">) => ClipPatches;
  /** Clips in one pass. Default 32. */
  readonly clipsPerPass?: number;
}

/** Questions about the same pictures. */
interface ClipQuestions {
  readonly clip: ClipPatches;
  readonly withoutVideo: boolean;
  readonly questions: { readonly place: number; readonly prompt: readonly number[] }[];
}

/** Tells views apart that show the same frames and paint them differently. */
const paintedKey = ({ painted }: View): string =>
  painted === undefined ? "" : `${JSON.stringify(painted.by)} ${painted.at_T.map(Number).join("")}`;

/** The view without the positions that it drops. */
const givenView = ({ shown_T, painted, dropped_T }: View): Pick<View, "shown_T" | "painted"> => {
  if (dropped_T === undefined) return { shown_T, ...(painted && { painted }) };
  const kept = <T>(values: readonly T[]): T[] => values.filter((_, t) => !dropped_T[t]);
  return {
    shown_T: kept(shown_T),
    ...(painted && { painted: { ...painted, at_T: kept(painted.at_T) } }),
  };
};

/** Clips that fit into one batch: of one size, all with or all without pictures. */
const passesOf = (clips: readonly ClipQuestions[]): ClipQuestions[][] => {
  const passes = new Map<string, ClipQuestions[]>();
  for (const entry of clips) {
    const { rows, columns, steps } = entry.clip;
    const key = `${entry.withoutVideo} ${steps.length} ${rows} ${columns}`;
    const pass = passes.get(key);
    if (pass === undefined) passes.set(key, [entry]);
    else pass.push(entry);
  }
  return [...passes.values()];
};

/**
 * A model in memory that answers with its most probable first word: one pass over a clip for all questions about it.
 * For closed questions whose answers are single tokens this is greedy decoding.
 */
export const firstWordSubject = (options: FirstWordSubjectOptions): Subject => {
  const { engine, rules, tokens } = options;
  const group = (batch: readonly AnswerRequest[]): ClipQuestions[] => {
    const groups = new Map<string, ClipQuestions>();
    batch.forEach(({ sample, view, shownSample }, place) => {
      const shown = shownSample ?? sample;
      const withoutVideo = view.withoutVideo === true;
      const dropped = view.dropped_T?.map(Number).join("") ?? "";
      const key = `${clusterOf(shown)} ${withoutVideo} ${view.shown_T.join()} ${dropped} ${paintedKey(view)}`;
      let entry = groups.get(key);
      if (entry === undefined) {
        entry = { clip: options.patches(shown, givenView(view)), withoutVideo, questions: [] };
        groups.set(key, entry);
      }
      entry.questions.push({ place, prompt: options.prompt(sample) });
    });
    return [...groups.values()];
  };
  const answerPass = async (
    clips: readonly ClipQuestions[],
    answers: Answer[],
    signal: AbortSignal | undefined,
  ): Promise<void> => {
    const rows = clips.map(({ clip, questions }): ClipSegments => {
      const texts = questions.map(({ prompt }) => ({
        tokens: prompt,
        scoredFrom: prompt.length,
        next: true,
      }));
      return { clip, texts };
    });
    const { batch, scored } = segmentsBatch(rows, rules, { tokens, blind: clips[0]!.withoutVideo });
    await using pass = await engine.forward([batch], { candidates: [{ top: 1 }], signal });
    const { candidates } = pass.outputs[0]!;
    scored.forEach(({ clip, text }, row) => {
      const best = candidates!.tokens[row]!;
      answers[clips[clip]!.questions[text]!.place] = { text: options.decode([best]), finishReason: "stop" };
    });
  };
  return {
    name: options.name,
    recipe: options.recipe,
    decoding: { temperature: 0, maxNewTokens: 1, seed: 0 },
    answer: async (batch, signal) => {
      const answers = new Array<Answer>(batch.length);
      const size = options.clipsPerPass ?? 32;
      for (const same of passesOf(group(batch)))
        for (let at = 0; at < same.length; at += size) {
          signal?.throwIfAborted();
          await answerPass(same.slice(at, at + size), answers, signal);
        }
      return answers;
    },
  };
};
