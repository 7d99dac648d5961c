import { type Html, html, pictureUri } from "../../core/html.ts";
import { compactNumber } from "./format.ts";
import type { ExamplePair, StripFrame } from "./model.ts";

const seconds = (time: number): string => `${time.toFixed(2)} s`;

const picture = (pair: ExamplePair, frame: StripFrame): Html => {
  const state = frame.replacedFrom !== null ? "gone" : frame.isKey ? "key" : "";
  const what =
    frame.replacedFrom !== null
      ? `frame ${frame.index + 1} at ${seconds(frame.timeSeconds)}, shows frame ${frame.replacedFrom + 1}`
      : `frame ${frame.index + 1} at ${seconds(frame.timeSeconds)}${frame.isKey ? ", key frame" : ""}`;
  return html`<li class="${state}"><img src="${pictureUri(pair.images[frame.image] ?? "")}" alt="${what}" title="${what}"><span>${frame.replacedFrom !== null ? `shows ${frame.replacedFrom + 1}` : frame.timeSeconds.toFixed(2)}</span></li>`;
};

/** Relevance of every frame above its picture; 100 units a frame wide, so that it lines up with the strip. */
const relevanceCurve = (pair: ExamplePair): Html | null => {
  const { scores, complete } = pair;
  if (scores.length !== complete.length || scores.length === 0) return null;
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const width = scores.length * 100;
  const place = scores.map((score, i) => ({
    x: i * 100 + 50,
    y: high > low ? 88 - ((score - low) / (high - low)) * 76 : 88,
    score,
    frame: complete[i]!,
  }));
  const line = place.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x} ${y.toFixed(1)}`).join("");
  return html`<svg class="relevance" viewBox="0 0 ${width} 100" preserveAspectRatio="none" role="img" aria-label="relevance of each frame">
<path class="area" d="${`${line}L${width - 50} 100L50 100Z`}"/><path class="line s0" d="${line}"/>
${place.map(({ x, y, score, frame }) => html`<g class="${frame.isKey ? "key" : ""}"><title>frame ${frame.index + 1}: ${compactNumber(score)}</title><rect x="${x - 50}" y="0" width="100" height="100" class="hit"/>${frame.isKey && html`<line class="drop" x1="${x}" x2="${x}" y1="${y.toFixed(1)}" y2="100"/>`}</g>`)}
</svg>`;
};

const said = ({ text, correct }: { readonly text: string; readonly correct: boolean }): Html =>
  html`<td><span class="${correct ? "right" : "wrong"}">${correct ? "✓" : "✗"}</span> ${text.trim() === "" ? html`<em class="muted">nothing</em>` : text}<span class="hidden">${correct ? " (right)" : " (wrong)"}</span></td>`;

/** A complete clip and its twin as picture strips under the relevance curve, the question, and all answers. */
export const exampleCard = (pair: ExamplePair): Html => html`<article class="example">
<header><p class="question">${pair.question}</p>
${pair.options !== undefined && html`<ol class="options" type="A">${pair.options.map((option) => html`<li>${option}</li>`)}</ol>`}
<p class="muted small">Right answer <strong>${pair.answer}</strong> · caption “${pair.caption}”${pair.keywords.length > 0 && html` · keywords ${pair.keywords.map((word) => html`<span class="chip">${word}</span> `)}`}</p></header>
<div class="scroll"><div class="strips" style="--frames:${pair.complete.length}">
<p class="strip-label">Relevance <span class="muted">${pair.relevance}, to the keywords</span></p>
${relevanceCurve(pair)}
<p class="strip-label"><i class="swatch v0"></i>Complete <span class="muted">key frames framed, times in seconds</span></p>
<ol class="strip">${pair.complete.map((frame) => picture(pair, frame))}</ol>
<p class="strip-label"><i class="swatch v1"></i>Absent twin <span class="muted">framed: replaced by an earlier frame, number below</span></p>
<ol class="strip">${pair.absent.map((frame) => picture(pair, frame))}</ol>
</div></div>
${
  pair.answers.length > 0 &&
  html`<div class="scroll"><table class="answers"><thead><tr><th>Subject</th><th>on the complete clip</th><th>on the absent twin</th></tr></thead>
<tbody>${pair.answers.map((row) => html`<tr><th scope="row">${row.subject}</th>${said(row.complete)}${said(row.absent)}</tr>`)}</tbody></table></div>`
}
</article>`;
