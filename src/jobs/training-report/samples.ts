import { type Html, html } from "../../core/html.ts";
import type { AnswerRecord, RolloutCompletion, RolloutRecord } from "../../runs/run-folder.ts";

/** Questions and groups that stand on the page. */
const most = { questions: 12, groups: 6, completions: 4, looks: 6 } as const;

const gradeMark = (grade: number | undefined): Html | null =>
  grade === undefined
    ? null
    : html` <span class="grade ${grade >= 0.5 ? "yes" : "no"}">${grade === 1 ? "right" : grade === 0 ? "wrong" : grade.toFixed(2)}</span>`;

const shownNames = {
  clip: "",
  absent: "absent twin",
  control: "other frames removed",
  hidden: "pictures hidden",
} as const;

/** Some of a list, the first and the last among them. */
const spread = <T>(all: readonly T[], count: number): T[] =>
  all.length <= count
    ? [...all]
    : Array.from({ length: count }, (_, i) => all[Math.round((i * (all.length - 1)) / (count - 1))]!);

/** The answers of some looks, the first and the last among them. */
const someLooks = (own: readonly AnswerRecord[]): AnswerRecord[] => {
  const steps = new Set(spread([...new Set(own.map(({ step }) => step))], most.looks));
  return own.filter(({ step }) => steps.has(step));
};

/** What was answered at every look, question by question. */
export const answerSection = (answers: readonly AnswerRecord[]): Html | null => {
  if (answers.length === 0) return null;
  const bySample = new Map<string, AnswerRecord[]>();
  for (const record of answers) {
    const key = `${record.sampleId}\n${record.question}`;
    bySample.set(key, [...(bySample.get(key) ?? []), record]);
  }
  const groups = [...bySample.values()].slice(0, most.questions);
  return html`<section id="answers"><h2>What the model answered</h2>
<p class="muted">The same held-out questions at every look${bySample.size > groups.length && `; the first ${groups.length} of ${bySample.size}`}.</p>
${groups.map(
  (
    own,
  ) => html`<div class="card"><h3>${own[0]!.question}</h3><p class="muted small">${own[0]!.sampleId} · reference: ${own[0]!.reference}</p>
<ol class="said">${someLooks(own).map(
    ({ step, answer, grade, shown = "clip" }) =>
      html`<li><span class="at">step ${step}${shownNames[shown] !== "" && `, ${shownNames[shown]}`}</span><span>${answer === "" ? html`<i class="muted">nothing</i>` : answer}${gradeMark(grade)}</span></li>`,
  )}</ol></div>`,
)}</section>`;
};

const total = ({ rewards }: RolloutCompletion): number =>
  Object.values(rewards).reduce((sum, reward) => sum + reward, 0);

const completionList = (title: string, completions: readonly RolloutCompletion[]): Html | null =>
  completions.length === 0
    ? null
    : html`<h4>${title}</h4><ol class="said">${completions
        .slice(0, most.completions)
        .map(
          (one) =>
            html`<li><span class="at">reward ${total(one).toFixed(2)}</span><span>${one.text === "" ? html`<i class="muted">nothing</i>` : one.text}${(one.refeeds ?? 0) > 0 && html` <span class="muted small">asked again</span>`}</span></li>`,
        )}</ol>`;

/** The newest groups of completions of reinforcement learning. */
export const rolloutSection = (rollouts: readonly RolloutRecord[]): Html | null => {
  if (rollouts.length === 0) return null;
  const last = rollouts.at(-1)!.step;
  const newest = rollouts.filter(({ step }) => step === last).slice(0, most.groups);
  return html`<section id="rollouts"><h2>Completions of step ${last}</h2>
${newest.map(
  ({ prompt, reference, sampleId, complete, absent }) =>
    html`<div class="card"><h3>${prompt}</h3><p class="muted small">${sampleId}${reference !== undefined && ` · reference: ${reference}`}</p>
<div class="columns"><div>${completionList("from the complete clip", complete)}</div><div>${completionList("from the absent twin", absent)}</div></div></div>`,
)}</section>`;
};
