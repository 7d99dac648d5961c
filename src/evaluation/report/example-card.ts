import { type Html, html } from "../../core/html.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import { pictureStrip, stripCurve, stripLegend } from "../../pages/strip.ts";
import type { ExampleKind, ExamplePair, ExampleSet } from "./model.ts";

const kinds: Readonly<Record<ExampleKind, { readonly name: string; readonly means: string }>> = {
  flip: { name: "Flip", means: "right on the clip, wrong on its twin" },
  kept: { name: "Success", means: "right on the clip and on its twin" },
  missed: { name: "Failure", means: "wrong on the clip" },
};

const counted = (count: number): string => count.toLocaleString("en-US");

const said = ({ text, correct }: { readonly text: string; readonly correct: boolean }): Html =>
  html`<td><span class="${correct ? "right" : "wrong"}">${correct ? "✓" : "✗"}</span> ${text.trim() === "" ? html`<em class="muted">nothing</em>` : text}<span class="hidden">${correct ? " (right)" : " (wrong)"}</span></td>`;

/** The clip over its twin under the curve of relevance; both share one scale of times and one legend. */
const strips = (pair: ExamplePair): Html => {
  const curve = stripCurve(pair.complete, pair.scores);
  return scrollBox(
    html`<div class="strips" style="--frames:${pair.complete.length}">${stripLegend()}
${curve !== null && html`<p class="strip-label">Relevance <span class="muted">${pair.relevance}</span></p>${curve}`}
<p class="strip-label"><i class="swatch v0"></i>Complete</p>
${pictureStrip(pair.complete, pair.images)}
<p class="strip-label"><i class="swatch v1"></i>Absent twin <span class="muted">as it was asked about</span></p>
${pictureStrip(pair.absent, pair.images)}
</div>`,
    "Frames of the clip and of its absent twin",
  );
};

/** A complete clip and its twin as picture strips under the relevance curve, the question, and all answers. */
const exampleCard = (pair: ExamplePair): Html => html`<article class="example">
<header><p class="kind ${pair.kind}"><b>${kinds[pair.kind].name}</b> ${kinds[pair.kind].means}</p>
<p class="question">${pair.question}</p>
${pair.options !== undefined && html`<ol class="options" type="A">${pair.options.map((option) => html`<li>${option}</li>`)}</ol>`}
<p class="muted small">Right answer <strong>${pair.answer}</strong>${pair.caption !== "" && html` · caption “${pair.caption}”`}${pair.keywords.length > 0 && html` · keywords ${pair.keywords.map((word) => html`<span class="chip">${word}</span> `)}`}</p></header>
${strips(pair)}
${
  pair.answers.length > 0 &&
  scrollBox(
    html`<table class="answers"><thead><tr><th>Subject</th><th>on the complete clip</th><th>on the absent twin</th></tr></thead>
<tbody>${pair.answers.map((row) => html`<tr><th scope="row">${row.subject}</th>${said(row.complete)}${said(row.absent)}</tr>`)}</tbody></table>`,
    "Answers",
  )
}
</article>`;

/** How many questions are of each kind, then the chosen ones. */
export const exampleSection = ({ subject, counts, pairs }: ExampleSet): Html => {
  const total = counts.flip + counts.kept + counts.missed;
  const tally = (["flip", "kept", "missed"] as const).map(
    (kind) => html`<li class="kind ${kind}"><b>${counted(counts[kind])}</b> ${kinds[kind].means}</li>`,
  );
  return html`<p class="muted">A twin has the same length and times; only the framed pictures differ. Of ${counted(total)} questions that ${subject} was asked on the clip and on its twin:</p>
<ul class="tally">${tally}</ul>${pairs.map(exampleCard)}`;
};
