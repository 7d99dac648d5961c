import { type Html, html, pictureUri } from "../core/html.ts";
import { compactNumber } from "./format.ts";

export interface StripPicture {
  /** Position in the strip's images. */
  readonly image: number;
  readonly timeSeconds: number;
  readonly isKey: boolean;
  /** Time of the frame that is shown instead; null when the picture is the frame's own. */
  readonly shownFromSeconds: number | null;
  /** True when its pixels were changed where they stand (blurred, masked). */
  readonly isChanged?: boolean;
}

/** A time beside a strip, with the digits that tell neighbouring frames apart. */
export const stripTime = (seconds: number): string => seconds.toFixed(2);

const describe = ({ timeSeconds, isKey, shownFromSeconds, isChanged }: StripPicture): string => {
  const at = `${stripTime(timeSeconds)} s`;
  if (shownFromSeconds !== null) return `${at}: replaced by the frame of ${stripTime(shownFromSeconds)} s`;
  return isChanged === true ? `${at}: picture changed` : `${at}${isKey ? ", key frame" : ""}`;
};

const below = ({ timeSeconds, shownFromSeconds, isChanged }: StripPicture): string => {
  if (shownFromSeconds !== null) return `← ${stripTime(shownFromSeconds)}`;
  return isChanged === true ? "changed" : stripTime(timeSeconds);
};

/** Pictures in a row with their times below; key frames are framed, replaced ones dashed with the time they show. */
export const pictureStrip = (pictures: readonly StripPicture[], images: readonly string[]): Html =>
  html`<ol class="strip">${pictures.map((picture) => {
    const isGone = picture.shownFromSeconds !== null || picture.isChanged === true;
    const what = describe(picture);
    return html`<li class="${isGone ? "gone" : picture.isKey ? "key" : ""}"><img src="${pictureUri(images[picture.image] ?? "")}" alt="${what}" title="${what}"><span>${below(picture)}</span></li>`;
  })}</ol>`;

/** What the frames of strips mean, once for all of them. */
export const stripLegend = (): Html =>
  html`<ul class="legend"><li><i class="frame key"></i>key frame</li><li><i class="frame gone"></i>replaced in the twin, ← the time it shows</li><li>times in seconds</li></ul>`;

/** A score of every picture above its strip; 100 units a picture wide, so that both line up. Null without scores. */
export const stripCurve = (pictures: readonly StripPicture[], scores: readonly number[]): Html | null => {
  if (scores.length !== pictures.length || scores.length === 0) return null;
  const low = Math.min(...scores);
  const high = Math.max(...scores);
  const width = scores.length * 100;
  const places = scores.map((score, i) => ({
    x: i * 100 + 50,
    y: high > low ? 88 - ((score - low) / (high - low)) * 76 : 88,
    score,
    picture: pictures[i]!,
  }));
  const line = places.map(({ x, y }, i) => `${i === 0 ? "M" : "L"}${x} ${y.toFixed(1)}`).join("");
  return html`<svg class="relevance" viewBox="0 0 ${width} 100" preserveAspectRatio="none" role="img" aria-label="score of each frame">
<path class="area" d="${`${line}L${width - 50} 100L50 100Z`}"/><path class="line s0" d="${line}"/>
${places.map(({ x, y, score, picture }) => html`<g class="${picture.isKey ? "key" : ""}"><title>${stripTime(picture.timeSeconds)} s: ${compactNumber(score)}</title><rect x="${x - 50}" y="0" width="100" height="100" class="hit"/>${picture.isKey && html`<line class="drop" x1="${x}" x2="${x}" y1="${y.toFixed(1)}" y2="100"/>`}</g>`)}
</svg>`;
};
