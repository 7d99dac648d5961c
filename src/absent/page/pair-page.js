// Runs in the page: one clock for both players. Frame times come from the page's data, never from a frame rate.
const byId = (id) => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const complete = byId("complete");
const absent = byId("absent");
const curve = byId("curve");
const drawings = [...curve.querySelectorAll("svg")];
const { times, indices, sources, keyTimes, left, right, duration } = data;

/** Position of the last value that is at most `limit`; 0 when there is none. */
const lastAtMost = (values, limit) => {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle] <= limit) low = middle;
    else high = middle - 1;
  }
  return low;
};
const frameNow = () => lastAtMost(times, complete.currentTime + 2e-4);
/** A time inside a frame: players round, so its very beginning may still show the frame before it. */
const insideFrame = (frame) => {
  const next = times[frame + 1] ?? Math.max(duration, times[frame] + 0.002);
  return times[frame] + Math.min(1e-3, (next - times[frame]) / 2);
};
/** The drawing of the curve that the page's width shows. */
const shownDrawing = () => drawings.find((svg) => svg.clientWidth > 0) ?? drawings[0];
const widthOf = (svg) => svg.viewBox.baseVal.width;
const xOf = (time, width) => left + (duration > 0 ? time / duration : 0) * (width - left - right);

const show = () => {
  const frame = frameNow();
  byId("seek").value = complete.currentTime;
  byId("time").textContent =
    `${complete.currentTime.toFixed(3)} s · frame ${indices[frame] + 1} of ${data.frameCount}`;
  for (const svg of drawings) {
    const x = xOf(complete.currentTime, widthOf(svg));
    const cursor = svg.querySelector(".cursor");
    cursor.setAttribute("x1", x);
    cursor.setAttribute("x2", x);
  }
  const source = sources[frame];
  byId("gone").classList.toggle("gone", source !== null);
  byId("shows").textContent =
    source === null
      ? ""
      : source === indices[frame]
        ? "shows it blanked"
        : `shows frame ${source + 1} instead`;
  const key = keyTimes.findIndex((time, at) => {
    const end = data.keyEnds[at];
    return complete.currentTime >= time - 2e-4 && complete.currentTime < end - 2e-4;
  });
  for (const button of document.querySelectorAll("[data-key]"))
    button.setAttribute("aria-current", String(Number(button.dataset.key) === key));
};

const go = (time) => {
  const target = Math.max(0, Math.min(duration, time));
  complete.currentTime = target;
  absent.currentTime = target;
  show();
};
const pause = () => {
  complete.pause();
  absent.pause();
  absent.currentTime = complete.currentTime;
};
const goToFrame = (frame) => {
  pause();
  go(insideFrame(Math.max(0, Math.min(times.length - 1, frame))));
};
const goToTime = (time) => goToFrame(lastAtMost(times, time + 2e-4));
const goToKey = (step) => {
  const now = times[frameNow()];
  const next =
    step > 0 ? keyTimes.find((time) => time > now + 2e-4) : keyTimes.findLast((time) => time < now - 2e-4);
  if (next !== undefined) goToTime(next);
};
const toggle = () => {
  if (!complete.paused) return pause();
  if (complete.ended || complete.currentTime >= duration - 0.02) go(0);
  absent.currentTime = complete.currentTime;
  complete.play();
  absent.play();
};

complete.onplay = () => {
  byId("play").textContent = "Pause";
};
complete.onpause = () => {
  byId("play").textContent = "Play";
  absent.pause();
};
complete.onseeked = show;
byId("play").onclick = toggle;
byId("seek").oninput = (event) => go(Number(event.target.value));
byId("speed").onchange = (event) => {
  for (const player of [complete, absent]) player.playbackRate = Number(event.target.value);
};
const steps = {
  "frame-back": () => goToFrame(frameNow() - 1),
  "frame-on": () => goToFrame(frameNow() + 1),
  "key-back": () => goToKey(-1),
  "key-on": () => goToKey(1),
};
for (const [id, step] of Object.entries(steps)) byId(id).onclick = step;
for (const button of document.querySelectorAll("[data-key]"))
  button.onclick = () => goToTime(keyTimes[Number(button.dataset.key)]);

const timeAt = (event) => {
  const svg = shownDrawing();
  const width = widthOf(svg);
  const box = svg.getBoundingClientRect();
  const x = ((event.clientX - box.left) / box.width) * width;
  return Math.max(0, Math.min(duration, ((x - left) / (width - left - right)) * duration));
};
// Fingers scroll and tap; a mouse also drags.
curve.onpointerdown = (event) => {
  if (event.pointerType === "mouse") curve.setPointerCapture(event.pointerId);
};
curve.onclick = (event) => {
  pause();
  go(timeAt(event));
};
curve.onpointermove = (event) => {
  const time = timeAt(event);
  if (curve.hasPointerCapture(event.pointerId)) {
    pause();
    go(time);
  }
  const box = curve.getBoundingClientRect();
  const hover = byId("hover");
  hover.hidden = false;
  hover.textContent = `${time.toFixed(2)} s · ${data.scores[lastAtMost(data.scoreTimes, time)].toFixed(2)}`;
  const x = event.clientX - box.left;
  hover.style.left = `${Math.max(0, Math.min(x + 12, box.width - hover.offsetWidth - 6))}px`;
};
curve.onpointerleave = () => {
  byId("hover").hidden = true;
};

const keys = {
  " ": toggle,
  ArrowLeft: steps["frame-back"],
  ArrowRight: steps["frame-on"],
  p: steps["key-back"],
  n: steps["key-on"],
  Home: () => goToFrame(0),
  End: () => goToFrame(times.length - 1),
};
document.onkeydown = (event) => {
  const action = keys[event.key];
  const own = event.target.closest(event.key === " " ? "select, summary, button" : "select");
  if (action === undefined || event.ctrlKey || event.metaKey || event.altKey || own !== null) return;
  event.preventDefault();
  action();
};

const tick = () => {
  if (!complete.paused) {
    show();
    if (!absent.seeking && Math.abs(absent.currentTime - complete.currentTime) > 0.08)
      absent.currentTime = complete.currentTime;
  }
  requestAnimationFrame(tick);
};
show();
tick();
