import { escapeMarkup } from "./escape-markup.ts";
import type { Pair } from "./pair.ts";
import { curveSvg, curveX, replacedSpans } from "./relevance-curve.ts";

/** What the page shows. */
export interface PairPageRequest {
  readonly pair: Pair;
  /** MP4 bytes of both clips (browser-sized copies). */
  readonly complete: Uint8Array;
  readonly absent: Uint8Array;
  /** True time of every frame of the clip. */
  readonly frameTimes: readonly number[];
  readonly durationSeconds: number;
  /** What the scores are. */
  readonly unit: string;
  readonly title: string;
}

const style = `
body{font:15px/1.45 system-ui,sans-serif;margin:0;background:#f4f4f2;color:#1a1a1a}
main{max-width:1100px;margin:0 auto;padding:18px}
h1{font-size:20px;margin:0 0 4px} .unit{color:#555}
.clips{display:grid;grid-template-columns:1fr 1fr;gap:12px;margin:12px 0}
figure{margin:0} figcaption{font-weight:600;padding-bottom:4px} video{width:100%;max-height:420px;background:#000;display:block}
.controls{display:flex;gap:10px;align-items:center} .controls input{flex:1}
button{font:inherit;padding:5px 16px} .curve{position:relative;cursor:crosshair} svg{width:100%;height:auto;display:block}
.words span{display:inline-block;background:#dbe7f3;border-radius:10px;padding:1px 10px;margin:2px 4px 2px 0}
.keys button{padding:2px 8px;margin:2px} pre{white-space:pre-wrap;background:#fff;padding:10px;overflow:auto}
.gone figcaption{color:#b3261e}`;

/** Runs in the page: one clock for both players, which follow it within a frame or two. */
const script = `
const complete=document.getElementById('complete'),absent=document.getElementById('absent');
const seek=document.getElementById('seek'),time=document.getElementById('time'),play=document.getElementById('play');
const cursor=document.getElementById('cursor'),curve=document.getElementById('curve'),gone=document.getElementById('gone');
const data=JSON.parse(document.getElementById('data').textContent);
const show=()=>{const t=complete.currentTime;seek.value=t;time.textContent=t.toFixed(2)+' s';
const x=8+t/data.duration*(data.width-16);cursor.setAttribute('x1',x);cursor.setAttribute('x2',x);
gone.classList.toggle('gone',data.replaced.some(([a,b])=>t>=a-1e-3&&t<b-1e-3))};
const go=t=>{t=Math.max(0,Math.min(data.duration,t));complete.currentTime=t;absent.currentTime=t;show()};
play.onclick=()=>{if(complete.paused){if(complete.ended||complete.currentTime>=data.duration-0.05)go(0);absent.currentTime=complete.currentTime;complete.play();absent.play()}
else{complete.pause();absent.pause();absent.currentTime=complete.currentTime}};
complete.onplay=()=>{play.textContent='Pause'};complete.onpause=()=>{play.textContent='Play';absent.pause()};
seek.oninput=()=>go(Number(seek.value));
curve.onclick=e=>{const r=curve.getBoundingClientRect();go(((e.clientX-r.left)/r.width*data.width-8)/(data.width-16)*data.duration)};
for(const b of document.querySelectorAll('[data-time]'))b.onclick=()=>{complete.pause();go(Number(b.dataset.time)+1e-3)};
const tick=()=>{show();if(!complete.paused&&Math.abs(absent.currentTime-complete.currentTime)>0.08)absent.currentTime=complete.currentTime;requestAnimationFrame(tick)};
tick();`;

/** One self-contained HTML page: both clips in step, the relevance curve, keywords and the whole provenance. */
export const pairPage = (request: PairPageRequest): string => {
  const { pair, frameTimes, durationSeconds } = request;
  const drawing = { width: 1064, height: 170, endSeconds: durationSeconds };
  const source = (bytes: Uint8Array): string =>
    `data:video/mp4;base64,${Buffer.from(bytes).toString("base64")}`;
  const data = JSON.stringify({
    duration: durationSeconds,
    width: drawing.width,
    replaced: replacedSpans(pair, frameTimes, durationSeconds),
  });
  const keys = pair.keyFrames.map((index) => {
    const time = frameTimes[index] ?? 0;
    return `<button data-time="${time}">frame ${index + 1}, ${time.toFixed(2)} s</button>`;
  });
  const { scores, timeline, replacements, ...rest } = pair;
  const record = JSON.stringify(
    {
      ...rest,
      scoredFrames: timeline.length,
      replacements: replacements.map(({ index, from }) => `${index}<-${from}`).join(" "),
    },
    null,
    1,
  );
  const start = curveX(0, drawing).toFixed(1);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeMarkup(request.title)}</title><style>${style}</style></head><body><main>
<h1>${escapeMarkup(pair.caption ?? request.title)}</h1>
<div class="words">${pair.keywords.map((word) => `<span>${escapeMarkup(word)}</span>`).join("") || "no keywords"}</div>
<div class="clips"><figure><figcaption>complete</figcaption><video id="complete" muted playsinline preload="auto" src="${source(request.complete)}"></video></figure>
<figure id="gone"><figcaption>absent (red while it shows another frame)</figcaption><video id="absent" muted playsinline preload="auto" src="${source(request.absent)}"></video></figure></div>
<div class="controls"><button id="play">Play</button><input id="seek" type="range" min="0" max="${durationSeconds}" step="0.001" value="0" aria-label="time"><span id="time">0.00 s</span></div>
<h2>Relevance</h2><div class="unit">${escapeMarkup(pair.relevance.name)}: ${escapeMarkup(request.unit)}; dots: key frames (${pair.keyFrames.length} of ${timeline.length} scored, ${((100 * pair.keyFrames.length) / timeline.length).toFixed(1)} %); bands: replaced frames</div>
<div class="curve" id="curve"><svg viewBox="0 0 ${drawing.width} ${drawing.height}">${curveSvg(pair, frameTimes, drawing)}<line id="cursor" x1="${start}" x2="${start}" y1="0" y2="150" stroke="#111"/></svg></div>
<div class="keys">${keys.join("")}</div>
<details><summary>Provenance</summary><pre>${escapeMarkup(record)}</pre></details>
<script type="application/json" id="data">${data}</script><script>${script}</script>
</main></body></html>
`;
};
