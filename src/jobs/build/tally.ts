import type { SparsifiedRecord } from "../../absent/sparsify.ts";
import type { Sample } from "../../dataset/sample.ts";
import { type Audit, auditSamples } from "../../evaluation/audit/audit.ts";
import type { BenchmarkSample } from "../../evaluation/benchmarks.ts";
import type { AssembledRow } from "./assemble.ts";
import type { BuiltClip } from "./protocol.ts";

/** A mean and how many it is of. */
class Mean {
  #sum = 0;
  count = 0;
  add(value: number): void {
    this.#sum += value;
    this.count++;
  }
  get value(): number | null {
    return this.count === 0 ? null : this.#sum / this.count;
  }
}

/** Answers of a skill are taken for a closed set when there are few of them and many questions. */
const closed = { mostAnswers: 8, questionsPerAnswer: 5 };
/** A twin that is frozen for less is hard to tell from its clip. */
const shortFreezeSeconds = 0.25;
/** How much a guesser may be above chance before it is told: five points. */
const leakPoints = 0.05;

/** Numbers about a built data set, for its card and the summary; grows by a few bytes a question. */
export class Tally {
  pairs = 0;
  readonly share: Mean = new Mean();
  readonly eventsGone: Mean = new Mean();
  /** Pairs with events of whose frames at least half are gone. */
  halfGone = 0;
  /** Twins that are one freeze shorter than a quarter of a second. */
  shortFreezes = 0;
  /** Share of frames in events, of rows whose frames were chosen with them; and how many reached what was wanted. */
  readonly keyShare: Mean = new Mean();
  sparsifiedAsWanted = 0;
  /** Pairs whose caption gave no keywords, or not all, by the reason. */
  readonly keywordNotes: Map<string, number> = new Map();
  /** What language models cost, in the currency of their prices, and what they read and wrote. */
  keywordCost = 0;
  keywordTokens = 0;
  /** The same of the teacher. */
  readonly teacher: { tokens: number; cost: number } = { tokens: 0, cost: 0 };
  readonly relevance: Map<string, number> = new Map();
  readonly builders: Map<string, number> = new Map();
  readonly answers: Map<string, Map<string, number>> = new Map();
  readonly #questions: BenchmarkSample[] = [];

  /** Counts what asking about a clip cost, whatever became of its rows. */
  addClip({ teacherUsage }: BuiltClip): void {
    this.teacher.cost += teacherUsage?.cost ?? 0;
    this.teacher.tokens += (teacherUsage?.promptTokens ?? 0) + (teacherUsage?.completionTokens ?? 0);
  }

  /** Counts a row; only what stays counts. */
  add({ row, samples }: AssembledRow): void {
    const kept = samples.flatMap(({ sample, rejection }) => (rejection === undefined ? [sample] : []));
    if (kept.length === 0) return;
    const { view } = row;
    this.pairs++;
    this.share.add(view.share);
    if (view.eventsGone !== null) {
      this.eventsGone.add(view.eventsGone);
      if (view.eventsGone >= 0.5) this.halfGone++;
    }
    if (view.share * view.durationSeconds < shortFreezeSeconds) this.shortFreezes++;
    const sparsified = kept[0]!.provenance["sparsified"] as SparsifiedRecord | undefined;
    if (sparsified !== undefined) {
      this.keyShare.add(sparsified.keyShare);
      if (sparsified.reached) this.sparsifiedAsWanted++;
    }
    const note = kept[0]!.provenance["keywordNote"];
    if (typeof note === "string") this.keywordNotes.set(note, (this.keywordNotes.get(note) ?? 0) + 1);
    this.keywordCost += row.keywordUsage?.cost ?? 0;
    this.keywordTokens += (row.keywordUsage?.promptTokens ?? 0) + (row.keywordUsage?.completionTokens ?? 0);
    this.relevance.set(view.relevance, (this.relevance.get(view.relevance) ?? 0) + 1);
    this.builders.set(view.builder, (this.builders.get(view.builder) ?? 0) + 1);
    for (const sample of kept) this.#question(sample);
  }

  #question(sample: Sample): void {
    const { skill = "none", answerKind } = sample;
    if (answerKind === "choice" || answerKind === "open" || answerKind === "number") {
      const counts = this.answers.get(skill) ?? new Map<string, number>();
      this.answers.set(skill, counts);
      const answer = sample.answer.trim().toLowerCase().slice(0, 60);
      counts.set(answer, (counts.get(answer) ?? 0) + 1);
    }
    const { id, messages, answer, options, clip } = sample;
    this.#questions.push({
      id,
      messages,
      answer,
      answerKind,
      ...(options && { options }),
      skill,
      clip: { file: clip.file, sha256: clip.sha256 },
      provenance: {},
    });
  }

  /** Closed sets of answers, such as yes and no, as choices: they can be guessed as well. */
  #asChoices(): BenchmarkSample[] {
    const sets = new Map<string, string[]>();
    for (const [skill, counts] of this.answers) {
      const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
      const few = counts.size >= 2 && counts.size <= closed.mostAnswers;
      if (few && all >= counts.size * closed.questionsPerAnswer) sets.set(skill, [...counts.keys()].sort());
    }
    return this.#questions.map((question) => {
      const options = sets.get(question.skill ?? "none");
      if (question.answerKind === "choice" || options === undefined || question.answer === null)
        return question;
      const answer = question.answer.trim().toLowerCase().slice(0, 60);
      return options.includes(answer)
        ? { ...question, answerKind: "choice" as const, options, answer }
        : question;
    });
  }

  /** What can be had of the questions without looking. */
  textLeak(): TextLeak {
    const audit = auditSamples(this.#asChoices(), 0);
    const best = audit.guessers.toSorted((a, b) => b.accuracy.value - a.accuracy.value)[0];
    const { chance } = audit;
    const isLeaking = best !== undefined && chance !== null && best.accuracy.value > chance + leakPoints;
    return { audit, isLeaking };
  }
}

/** What guessers get that know the texts and nothing of the clips. */
export interface TextLeak {
  readonly audit: Audit;
  /** True when the best of them is more than five points above chance. */
  readonly isLeaking: boolean;
}
