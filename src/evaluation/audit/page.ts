import { type Html, html } from "../../core/html.ts";
import { pageDocument } from "../../pages/document.ts";
import { percent, percentRange } from "../../pages/format.ts";
import { intervalPlot } from "../../pages/interval-plot.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import type { Audit, Guesser } from "./audit.ts";

/**
 * The strongest guesser against chance, and the text prior that was learnt on other sources, in one sentence; null when
 * nothing could be audited.
 */
export const auditHeadline = ({ guessers, chance, audited }: Audit): string | null => {
  const best = guessers.toSorted((a, b) => b.accuracy.value - a.accuracy.value)[0];
  if (best === undefined || chance === null) return null;
  const said = ({ accuracy }: Guesser): string => `${percent(accuracy.value)} % (${percentRange(accuracy)})`;
  const apart = guessers.find((one) => one !== best && one.name === "text prior, by source");
  const also = apart === undefined ? "" : `; learnt on other sources only, ${said(apart)}`;
  const { value, low } = best.accuracy;
  const unsettled = value > chance ? "cannot be told from chance" : "is no more than chance";
  const verdict = low > chance ? "can be had without looking" : `${unsettled}, the most that was found`;
  return `${said(best)} ${verdict}, by ${best.name}${also}. ${audited} questions; chance is ${percent(chance)} %.`;
};

const skillTable = ({ guessers }: Audit): Html => {
  const skills = guessers[0]!.skills.map(({ skill }) => skill);
  return scrollBox(
    html`<table><thead><tr><th scope="col">skill</th>${guessers.map(({ name }) => html`<th scope="col">${name}</th>`)}<th scope="col">questions</th></tr></thead><tbody>${skills.map(
      (skill, at) =>
        html`<tr><th scope="row">${skill}</th>${guessers.map((one) => html`<td>${percent(one.skills[at]!.accuracy)}</td>`)}<td>${guessers[0]!.skills[at]!.questions}</td></tr>`,
    )}</tbody></table>`,
    "Accuracy of guessers by skill",
  );
};

/** One self-contained page that says how far a benchmark can be trusted. */
export const auditPage = (benchmark: string, audit: Audit): string => {
  const { guessers, chance, letters, duplicates, leftOut, clips, sources } = audit;
  const headline = auditHeadline(audit);
  const references = chance === null ? [] : [{ value: chance, label: `chance ${percent(chance)}` }];
  const total = letters.reduce((sum, { right }) => sum + right, 0);
  const body = html`<header><span class="over">VideoPerceiver audit</span><h1>${benchmark}: what can be had without looking</h1>
<p class="lead">${headline ?? "Nothing could be audited: there are no choice questions with published answers and texts."}</p></header>
${
  guessers.length > 0 &&
  html`<div class="card">${intervalPlot({
    title: "Accuracy without any clip, per cent",
    rows: guessers.map(({ name, how, accuracy }) => ({
      name,
      note: how,
      marks: [
        {
          look: 0,
          estimate: accuracy,
          title: `${name}: ${percent(accuracy.value)} (${percentRange(accuracy)})`,
          label: percent(accuracy.value),
        },
      ],
    })),
    references,
    format: percent,
    span: [0, 1],
  })}</div>
<section><h2>By skill</h2><div class="card">${skillTable(audit)}</div></section>`
}
<section><h2>Letters and repetitions</h2><div class="card"><p>Right letters: ${letters.map(({ letter, right }) => `${letter} ${right} (${percent(right / total)} %)`).join(", ") || "none"}.</p>
<p>Asked twice about one clip: ${duplicates.sameClip.length}. Same question and options on another clip: ${duplicates.otherClip}.</p>
<p>${audit.audited} of ${audit.questions} questions were audited, about ${clips} clips from ${sources.length} ${sources.length === 1 ? "source" : "sources"}; left out: ${Object.entries(
    leftOut,
  )
    .map(([why, count]) => `${why} ${count}`)
    .join(", ")}.</p></div></section>
<footer>The guessers are fitted on the benchmark’s own answers, so they show what its texts give away, not that a model exploits it. Intervals are 95 %, clustered by clip. This file is complete in itself and loads nothing.</footer>`;
  return pageDocument({ title: `${benchmark}: audit`, body });
};
