import { readFileSync } from "node:fs";
import { type Html, html, trusted } from "../core/html.ts";
import type { Pair } from "./pair.ts";
import { clockTime, curveMargin, curveSvg } from "./relevance-curve.ts";
import { type ScoreMeaning, scoreMeaning } from "./score-meaning.ts";
import type { TwinView } from "./twin-view.ts";

/** A key frame beside the frame that the twin shows there. */
export interface KeyPicture {
  /** Index of the key frame in the clip. */
  readonly index: number;
  /** JPEG of the key frame and, where it is replaced, of what stands there instead. */
  readonly key: Uint8Array;
  readonly shown?: Uint8Array;
}

/** What the page shows. */
export interface PairPageRequest {
  readonly pair: Pair;
  readonly view: TwinView;
  /** MP4 bytes of both clips (browser-sized copies), holding the frames `shown` at their true times. */
  readonly complete: Uint8Array;
  readonly absent: Uint8Array;
  /** Indices of the clip's frames that the copies hold, ascending, the first one 0. */
  readonly shown: readonly number[];
  /** True time of every frame of the clip. */
  readonly frameTimes: readonly number[];
  readonly durationSeconds: number;
  readonly pictures: readonly KeyPicture[];
  /** What gave the scores. */
  readonly relevance: ScoreMeaning;
  readonly title: string;
  /** What the page leaves out, in sentences. */
  readonly notes: readonly string[];
}

/** Sizes in which the curve is drawn, in pixels; the page shows the one that fits and scales it. */
const curveSizes = [
  { name: "wide", width: 1080, height: 210 },
  { name: "narrow", width: 396, height: 190 },
] as const;

const asset = (name: string): string => readFileSync(new URL(`./page/${name}`, import.meta.url), "utf8");

const dataUri = (type: string, bytes: Uint8Array): string =>
  `data:${type};base64,${Buffer.from(bytes).toString("base64")}`;

const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(1)} %`;

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** What the page's script works with. */
const pageData = (request: PairPageRequest): unknown => {
  const { pair, view, frameTimes, shown, durationSeconds } = request;
  const positions = new Map(pair.timeline.map(({ index }, at) => [index as number, at]));
  return {
    duration: durationSeconds,
    frameCount: frameTimes.length,
    times: shown.map((index) => frameTimes[index]),
    indices: shown,
    sources: shown.map((index) => (view.changes(index) ? view.at(index).source : null)),
    keyTimes: pair.keyFrames.map((index) => frameTimes[index]),
    keyEnds: pair.keyFrames.map(
      (index) => pair.timeline[positions.get(index)! + 1]?.timeSeconds ?? durationSeconds + 1,
    ),
    scoreTimes: pair.timeline.map(({ timeSeconds }) => +timeSeconds.toFixed(3)),
    scores: pair.scores.map((score) => +score.toFixed(3)),
    ...curveMargin,
  };
};

/** A card for each key frame with pictures: what was there, what the twin shows, and the score. */
const keyCards = ({ pair, view, pictures, frameTimes }: PairPageRequest): Html[] => {
  const positions = new Map(pair.timeline.map(({ index }, at) => [index as number, at]));
  return pictures.map(({ index, key, shown }) => {
    const number = pair.keyFrames.indexOf(index);
    const from = view.changes(index) ? view.at(index).source : undefined;
    const score = pair.scores[positions.get(index)!]!;
    const time = frameTimes[index]!;
    const image = (bytes: Uint8Array, what: string): Html =>
      html`<img alt="${what}" src="${dataUri("image/jpeg", bytes)}">`;
    const instead =
      from === undefined || shown === undefined
        ? html`<span class="soft">stays as it is</span>`
        : image(shown, `what the twin shows at ${time.toFixed(2)} s`);
    const source =
      from === index
        ? "blanked"
        : from !== undefined && `frame ${from + 1}, ${clockTime(frameTimes[from]!, 2)}`;
    return html`<li><button data-key="${number}"><b>${number + 1}</b> · ${clockTime(time, 2)} <span class="soft">score ${score.toFixed(2)}</span>
<span class="swap">${image(key, `key frame at ${time.toFixed(2)} s`)}<span class="arrow" aria-label="is replaced by">→</span>${instead}
<span class="soft">frame ${index + 1}, ${clockTime(time, 2)}</span><span></span><span class="soft">${source}</span></span></button></li>
`;
  });
};

/** Name and parameters in one line. */
const recipeText = ({ name, params }: { name: string; params: unknown }): string => {
  const given = Object.entries((params ?? {}) as Record<string, unknown>);
  return `${name}${given.length === 0 ? "" : ` (${given.map(([key, value]) => `${key} ${JSON.stringify(value)}`).join(", ")})`}`;
};

const provenanceTable = (pair: Pair): Html => {
  const rule = Object.entries(pair.keyFrameRule ?? {});
  const rows: [string, string][] = [
    ["clip", `${pair.complete.file}, SHA-256 ${pair.complete.sha256}`],
    ["relevance", `${recipeText(pair.relevance)}, version ${pair.relevance.version}`],
    [
      "key frames are",
      rule.length === 0
        ? "all strict local maxima of the curve (the paper's rule)"
        : `strict local maxima with ${rule.map(([key, value]) => `${key} ${value}`).join(", ")}`,
    ],
    ["twin made by", `${recipeText(pair.builder)}, seed ${pair.seed}`],
    [
      "keywords from",
      pair.keywordSource === undefined
        ? "the person who asked"
        : `${recipeText(pair.keywordSource)}, version ${pair.keywordSource.version}`,
    ],
  ];
  return html`<table>${rows.map(([name, value]) => html`<tr><th>${name}</th><td>${value}</td></tr>`)}</table>`;
};

/** The pair's record without its long lists. */
const shortRecord = ({ scores, timeline, replacements, ...rest }: Pair): string =>
  JSON.stringify(
    {
      ...rest,
      scoredFrames: timeline.length,
      scores: `${scores.length} numbers`,
      replacements: `${replacements.length} frames: ${replacements
        .slice(0, 2000)
        .map(({ index, from }) => `${index}<-${from}`)
        .join(" ")}${replacements.length > 2000 ? " ..." : ""}`,
    },
    null,
    1,
  );

const keyboardHelp: Html = trusted(
  "<kbd>space</kbd> play, <kbd>←</kbd> <kbd>→</kbd> one frame, <kbd>p</kbd> <kbd>n</kbd> key frames, <kbd>Home</kbd> <kbd>End</kbd>; click or drag the curve to seek.",
);

/** Buttons, speed and the time slider. */
const controls = (durationSeconds: number): Html =>
  html`<div class="controls"><button id="key-back" title="key frame before (p)">« key</button><button id="frame-back" title="frame before (←)">‹ frame</button><button id="play" title="play or pause (space)">Play</button><button id="frame-on" title="next frame (→)">frame ›</button><button id="key-on" title="next key frame (n)">key »</button>
<select id="speed" aria-label="speed"><option value="0.1">0.1×</option><option value="0.25">0.25×</option><option value="0.5">0.5×</option><option value="1" selected>1×</option><option value="2">2×</option></select>
<input id="seek" type="range" min="0" max="${durationSeconds}" step="0.001" value="0" aria-label="time"><output id="time"></output></div>`;

/** The curve, with the cursor that the page's script moves. */
const curveDrawing = ({ pair, view, frameTimes, durationSeconds }: PairPageRequest): Html => {
  const { left } = curveMargin;
  const drawings = curveSizes.map(({ name, width, height }) => {
    const drawn = trusted(curveSvg(pair, view, frameTimes, { width, height, endSeconds: durationSeconds }));
    return html`<svg class="${name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="relevance over time">${drawn}
<line class="cursor" x1="${left}" x2="${left}" y1="8" y2="${height - curveMargin.bottom}" stroke="#111"/></svg>`;
  });
  return html`<div class="curve" id="curve">${drawings}<span id="hover" hidden></span></div>`;
};

/** What the clip and its pair are, in a line. */
const factsLine = ({ pair, view, frameTimes, durationSeconds, title }: PairPageRequest): string =>
  [
    title,
    clockTime(durationSeconds, 1),
    `${counted(frameTimes.length, "frame")}, ${pair.timeline.length} scored`,
    `${counted(pair.keyFrames.length, "key frame")} (${percent(pair.keyFrames.length, pair.timeline.length)} of the scored)`,
    `${counted(view.changed.length, "frame")} of the clip replaced (${percent(view.changed.length, frameTimes.length)})`,
  ].join(" · ");

/** One self-contained HTML page: both clips in step, the relevance curve, key frames, keywords, the provenance. */
export const pairPage = (request: PairPageRequest): string => {
  const { pair, title, pictures } = request;
  const chips = pair.keywords.map((word) => html`<span>${word}</span>`);
  const player = (id: string, bytes: Uint8Array): Html =>
    html`<video id="${id}" muted playsinline preload="auto" src="${dataUri("video/mp4", bytes)}"></video>`;
  // Keeps the data from ending the script element.
  const data = JSON.stringify(pageData(request)).replaceAll("<", "\\u003c");
  const left = pictures.length < pair.keyFrames.length && ` (the ${pictures.length} strongest)`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}: key frames</title><style>${trusted(asset("pair-page.css"))}</style></head><body><main>
<h1>${pair.caption ?? title}</h1>
<div class="chips">${chips.length > 0 ? chips : html`<span class="soft">no keywords</span>`}</div>
<div class="soft">${factsLine(request)}</div>
<div class="clips"><figure><figcaption>complete</figcaption>${player("complete", request.complete)}</figure>
<figure id="gone"><figcaption>absent <span class="shows" id="shows" aria-live="polite"></span></figcaption>${player("absent", request.absent)}</figure></div>
${controls(request.durationSeconds)}
<div class="soft">${keyboardHelp}${request.notes.map((note) => ` ${note}`)}</div>
<h2>Relevance</h2>
<div class="soft">${scoreMeaning(pair.relevance.name, request.relevance)}. Numbered dots are key frames, bands are replaced frames.</div>
${curveDrawing(request)}
<h2>Key frames${left} and what the twin shows instead</h2>
<ul class="keys">${pictures.length > 0 ? keyCards(request) : html`<li class="soft">There is no key frame.</li>`}</ul>
<h2>Provenance</h2>
${provenanceTable(pair)}
<details><summary>the whole record</summary><pre tabindex="0">${shortRecord(pair)}</pre></details>
<script type="application/json" id="data">${trusted(data)}</script><script type="module">${trusted(asset("pair-page.js"))}</script>
</main></body></html>
`.markup;
};
