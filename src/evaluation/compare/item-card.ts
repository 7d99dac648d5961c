import { type Html, html } from "../../core/html.ts";
import { optionLetter } from "../../grading/options.ts";
import { scrollBox } from "../../pages/scroll-box.ts";
import { pictureStrip, type StripPicture } from "../../pages/strip.ts";
import type { RecordPictures } from "../record-pictures.ts";
import type { EvaluationRecord } from "../records.ts";
import type { ComparedItem, ItemAnswer } from "./items.ts";

/** Runs in the page: shows the questions that fit the filters, and says how many. */
export const itemScript: string = `
const [tag, skill, text] = ["by-tag", "by-skill", "by-text"].map((id) => document.getElementById(id));
const cards = [...document.querySelectorAll("#items > article")].map((card) => ({
  card, tags: JSON.parse(card.dataset.tags), skill: card.dataset.skill, text: card.textContent.toLowerCase(),
}));
const look = () => {
  const wanted = text.value.trim().toLowerCase();
  let shown = 0;
  for (const one of cards) {
    const fits = (tag.value === "" || one.tags.includes(tag.value)) && (skill.value === "" || one.skill === skill.value) && one.text.includes(wanted);
    one.card.hidden = !fits;
    if (fits) shown++;
  }
  document.getElementById("count").textContent = shown + " of " + cards.length + " questions";
};
for (const control of [tag, skill, text]) control.addEventListener("input", look);
`;

/** What only this page has. */
export const itemStyle: string = `
.filters { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 240px), 1fr)); gap: 10px 18px; align-items: end; margin: 14px 0; font-size: 14px; }
.filters label { display: grid; grid-template-columns: minmax(0, 1fr); gap: 3px; }
.filters p { grid-column: 1 / -1; margin: 0; }
.filters select, .filters input { font: inherit; padding: 5px 8px; border: 1px solid var(--line); border-radius: 8px; background: var(--card); color: var(--ink); width: 100%; min-width: 0; }
.item { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px; margin-top: 12px; }
.item[hidden] { display: none; }
.item { overflow-wrap: anywhere; }
.item h3 { margin: 0 0 2px; font-size: 15px; }
.item .prompt { white-space: pre-wrap; overflow-wrap: anywhere; margin: 6px 0; }
.item .tags { display: flex; flex-wrap: wrap; gap: 4px; margin: 4px 0 8px; padding: 0; list-style: none; }
.item .tags li { border: 1px solid var(--line); background: var(--faint); border-radius: 99px; padding: 0 8px; font-size: 12px; }
.said { display: grid; grid-template-columns: minmax(0, 190px) minmax(0, 1fr) auto; gap: 2px 12px; padding: 6px 0; border-top: 1px solid var(--line); font-size: 14px; }
.said > * { overflow-wrap: anywhere; }
.said .raw { white-space: pre-wrap; max-height: 12em; overflow-y: auto; }
.right { color: var(--yes); font-weight: 700; } .wrong { color: var(--no); font-weight: 700; }
.firm b { color: var(--v0); } .unsure b { color: var(--soft); }
.caution { color: var(--open); }
@media (max-width: 640px) {
  .said { grid-template-columns: minmax(0, 1fr) auto; }
  .said .raw { grid-column: 1 / -1; grid-row: 2; }
}
`;

/** The time of a frame between those whose times a record has, as if frames came evenly there. */
const timeOf = (frame: number, { frameIndices, frameTimesSeconds }: EvaluationRecord): number => {
  const known = frameIndices.map((index, t) => ({ index, time: frameTimesSeconds[t]! }));
  const exact = known.find(({ index }) => index === frame);
  if (exact !== undefined) return exact.time;
  const after = known.findIndex(({ index }) => index > frame);
  const at = Math.min(Math.max(1, after < 0 ? known.length - 1 : after), known.length - 1);
  const [a, b] = [known[at - 1], known[at]];
  if (a === undefined || b === undefined || a.index === b.index) return known[0]?.time ?? 0;
  return Math.max(0, a.time + ((frame - a.index) * (b.time - a.time)) / (b.index - a.index));
};

/** What stood at the positions of an answer; positions that were not given, or blank, are left out. */
const stripOf = (
  record: EvaluationRecord,
  frames: RecordPictures,
): { pictures: StripPicture[]; images: string[] } => {
  const images: string[] = [];
  const dropped = new Set(record.droppedPositions);
  const pictures = record.frameIndices.flatMap((frame, t): StripPicture[] => {
    const shown = record.shownFrames[t];
    const image = frames.at(record, t);
    if (dropped.has(t) || image === undefined) return [];
    images.push(frames.images[image]!);
    const isPainted = record.painted?.positions.includes(t) === true;
    return [
      {
        image: images.length - 1,
        timeSeconds: record.frameTimesSeconds[t]!,
        isKey: false,
        shownFromSeconds: shown === frame ? null : timeOf(shown!, record),
        ...(isPainted && { isChanged: true }),
      },
    ];
  });
  return { pictures, images };
};

const shownStrip = ({ view, record }: ItemAnswer, frames: RecordPictures | undefined): Html | null => {
  if (frames === undefined || record.shownVideoId !== null) return null;
  const { pictures, images } = stripOf(record, frames);
  if (pictures.length === 0) return null;
  const strip = html`<div class="strips" style="--frames: ${pictures.length}; min-width: ${pictures.length * 58}px">${pictureStrip(pictures, images)}</div>`;
  return html`<p class="strip-label muted small">shown as ${view}</p>${scrollBox(strip, `Frames shown as ${view}`)}`;
};

const saidLine = ({ run, view, record }: ItemAnswer): Html => {
  const { rawOutput, error, outcome, parsedAnswer, draw } = record;
  const isRead = parsedAnswer !== null && parsedAnswer !== "" && parsedAnswer !== rawOutput.trim();
  const said = error === null ? rawOutput : `(${error})`;
  return html`<div class="said"><span><b>${run}</b> <span class="muted">${view}${draw > 0 && ` ${draw + 1}`}</span></span><span class="raw">${said === "" ? "(nothing)" : said}${isRead && html` <span class="muted">read as ${parsedAnswer}</span>`}</span><span class="${record.correct ? "right" : "wrong"}">${outcome}</span></div>`;
};

/** One question: what was shown, asked and said. */
export const itemCard = ({ id, answers, tags }: ComparedItem, frames: RecordPictures | undefined): Html => {
  const { prompt, options, gold, skill, videoId } = answers[0]!.record;
  const views = [...new Map(answers.map((one) => [one.view, one])).values()].filter(
    ({ view }) => view === "complete" || view === "absent",
  );
  const isListed = options?.every((option) => prompt.includes(option)) === true;
  return html`<article class="item" data-tags="${JSON.stringify(tags)}" data-skill="${skill}"><h3>${id}</h3><p class="muted small">${skill} · ${/^[0-9a-f]{64}$/.test(videoId) ? videoId.slice(0, 12) : videoId}</p>
<ul class="tags">${tags.map((tag) => html`<li>${tag}</li>`)}</ul>
<p class="prompt">${prompt}</p>${options !== null && !isListed && html`<p class="muted small">${options.map((option, at) => `${optionLetter(at)}. ${option}`).join("   ")}</p>`}
<p class="small">reference: <b>${gold ?? "not published"}</b></p>
${views.map((one) => shownStrip(one, frames))}
${answers.map(saidLine)}</article>`;
};
