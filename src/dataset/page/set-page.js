const info = JSON.parse(document.getElementById("set").textContent);
const rows = [];
for (const part of document.querySelectorAll("script.rows")) {
  for (const row of JSON.parse(part.textContent)) rows.push(row);
  part.remove();
}
const byId = (id) => document.getElementById(id);
const grid = byId("grid");
const kept = `videoperceiver-decisions-${info.hash}`;
let decisions = {};
try {
  decisions = JSON.parse(localStorage.getItem(kept) ?? "{}");
} catch {
  decisions = {};
}
let shown = rows.map((_, at) => at);
let here = 0;
let step = 0;
let playing = true;
let columns = 1;
let saved = true;

const make = (tag, name, text) => {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
};
const percent = (share) => `${(100 * share).toFixed(1)} %`;

for (const row of rows) {
  row.text = [row.id, row.cap, row.clip, ...(row.kw ?? []), ...(row.ev ?? []).map((event) => event[2])]
    .concat((row.qs ?? []).flatMap((asked) => [asked.q, asked.a]))
    .join(" ")
    .toLowerCase();
  row.out = row.qs === undefined || row.qs.every((asked) => asked.x !== undefined);
  row.rules = row.x ? [row.x[0]] : (row.qs ?? []).flatMap((asked) => (asked.x ? [asked.x[0]] : []));
}

// ---- decisions ----
const decisionOf = (id) => decisions[id] ?? {};
const keep = () => {
  saved = false;
  try {
    localStorage.setItem(kept, JSON.stringify(decisions));
  } catch {
    // Private windows keep nothing; the file can still be saved.
  }
};
const decide = (id, change) => {
  const next = { ...decisionOf(id), ...change };
  for (const key of Object.keys(next)) if (next[key] === undefined || next[key] === "") delete next[key];
  if (Object.keys(next).length === 0) delete decisions[id];
  else decisions[id] = next;
  keep();
  told();
};
const toggle = (id, verdict) =>
  decide(id, { verdict: decisionOf(id).verdict === verdict ? undefined : verdict });
const save = () => {
  const text = JSON.stringify({ schema: info.decisions, dataset: info.hash, decisions }, null, 1);
  const link = make("a");
  link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "application/json" }));
  link.download = "decisions.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  saved = true;
};
byId("load").addEventListener("change", async (event) => {
  const [file] = event.target.files;
  if (file === undefined) return;
  try {
    const read = JSON.parse(await file.text());
    if (read.schema !== info.decisions) throw new Error();
    decisions = { ...decisions, ...read.decisions };
    keep();
    told();
    draw();
  } catch {
    byId("count").textContent = `${file.name} is not a file of decisions that such a page saved`;
  }
  event.target.value = "";
});
window.addEventListener("beforeunload", (event) => {
  if (!saved && Object.keys(decisions).length > 0) event.preventDefault();
});

// ---- which pairs ----
const fill = (select, values, name) => {
  select.append(new Option(`every ${name}`, ""));
  for (const [value, count] of values) select.append(new Option(`${value} (${count})`, value));
  select.hidden = values.length < 2;
};
const counted = (of) => {
  const counts = new Map();
  for (const row of rows) for (const value of of(row)) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
};
fill(
  byId("source"),
  counted((row) => (row.src === undefined ? [] : [row.src])),
  "source",
);
fill(
  byId("builder"),
  counted((row) => (row.b === undefined ? [] : [row.b])),
  "builder",
);
fill(
  byId("relevance"),
  counted((row) => (row.r === undefined ? [] : [row.r])),
  "relevance",
);
for (const [rule, count] of counted((row) => new Set(row.rules)))
  byId("state").append(new Option(`rejected by ${rule} (${count})`, `rule ${rule}`));

const isState = (row, state) => {
  const { verdict, note } = decisionOf(row.id);
  if (state === "") return true;
  if (state === "in") return verdict === undefined ? !row.out : verdict === "accept";
  if (state === "undecided") return verdict === undefined && !row.out;
  if (state === "noted") return note !== undefined;
  if (state === "ruled") return row.out;
  return state.startsWith("rule ") ? row.rules.includes(state.slice(5)) : verdict === state;
};
const orders = {
  order: () => 0,
  "share-down": (a, b) => (b.s ?? -1) - (a.s ?? -1),
  "share-up": (a, b) => (a.s ?? 2) - (b.s ?? 2),
  "gone-up": (a, b) => (a.g ?? 2) - (b.g ?? 2),
  longest: (a, b) => (b.d ?? 0) - (a.d ?? 0),
  shortest: (a, b) => (a.d ?? 1e9) - (b.d ?? 1e9),
};
const choose = () => {
  const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const [source, builder, relevance, state] = ["source", "builder", "relevance", "state"].map(
    (id) => byId(id).value,
  );
  const low = Number(byId("low").value || 0) / 100;
  const high = Number(byId("high").value || 100) / 100;
  const current = shown[here];
  shown = [];
  rows.forEach((row, at) => {
    if (source && row.src !== source) return;
    if (builder && row.b !== builder) return;
    if (relevance && row.r !== relevance) return;
    if (row.s !== undefined && (row.s < low || row.s > high)) return;
    if (row.s === undefined && (low > 0 || high < 1)) return;
    if (!isState(row, state)) return;
    if (!words.every((word) => row.text.includes(word))) return;
    shown.push(at);
  });
  const order = orders[byId("sort").value];
  shown.sort((a, b) => order(rows[a], rows[b]) || a - b);
  here = Math.max(0, shown.indexOf(current));
  told();
  lay();
};
const told = () => {
  const verdicts = Object.values(decisions).map(({ verdict }) => verdict);
  const count = (wanted) => verdicts.filter((verdict) => verdict === wanted).length;
  byId("count").textContent =
    `${shown.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} shown · ${count("accept")} accepted · ${count("reject")} rejected by you`;
};

// ---- pictures ----
const place = (shot, preview, cell) => {
  shot.style.backgroundPosition = `0 ${preview.n < 2 ? 0 : (100 * cell) / (preview.n - 1)}%`;
};
const sideOf = (row, name) => {
  const side = make("div", "side");
  const shot = make("div", "shot");
  const { p } = row;
  // Fits into the frame whatever its shape; the frame is 4 to 3.
  const wide = p.w / p.h > 4 / 3;
  shot.style.cssText = `${wide ? "width:100%" : "height:100%"};aspect-ratio:${p.w}/${p.h};background-size:100% ${100 * p.n}%;background-image:url(data:image/jpeg;base64,${p.s})`;
  side.append(shot, make("span", "name", name));
  return { side, shot };
};
const svg = (tag, values) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, value);
  return element;
};
const curveOf = (row) => {
  const length = Math.max(row.d || 0, 0.001);
  const x = (time) => (100 * Math.min(time, length)) / length;
  const plot = svg("svg", {
    class: "curve",
    viewBox: "0 0 100 30",
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": "relevance over time, events shaded",
  });
  for (const [start, end] of row.ev ?? [])
    plot.append(
      svg("rect", { class: "event", x: x(start), width: Math.max(0.5, x(end) - x(start)), y: 0, height: 30 }),
    );
  const scores = row.c ?? [];
  if (scores.length > 1) {
    const values = scores.map(([, score]) => score);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const y = (score) => (high > low ? 27 - (24 * (score - low)) / (high - low) : 15);
    plot.append(
      svg("path", {
        class: "line",
        d: scores
          .map(([time, score], at) => `${at ? "L" : "M"}${x(time).toFixed(2)} ${y(score).toFixed(2)}`)
          .join(""),
      }),
    );
  }
  for (const time of row.k ?? [])
    plot.append(svg("line", { class: "key", x1: x(time), x2: x(time), y1: 24, y2: 30 }));
  const now = svg("line", { class: "now", x1: 0, x2: 0, y1: 0, y2: 30 });
  plot.append(now);
  const move = (time) => {
    for (const name of ["x1", "x2"]) now.setAttribute(name, x(time));
  };
  return { plot, move };
};
/** Complete and absent side by side with the curve; `show` goes to a step. */
const player = (row) => {
  const box = make("div");
  if (row.p === undefined) {
    box.append(make("div", "nothing", "no pictures"));
    return { box, show: () => {}, steps: 0 };
  }
  const [complete, absent] = [sideOf(row, "complete"), sideOf(row, "absent")];
  const sides = make("div", "sides");
  sides.append(complete.side, absent.side);
  const curve = curveOf(row);
  box.append(sides, curve.plot);
  return {
    box,
    steps: row.p.t.length,
    show: (at) => {
      place(complete.shot, row.p, row.p.c[at]);
      place(absent.shot, row.p, row.p.a[at]);
      absent.side.classList.toggle("gone", row.p.c[at] !== row.p.a[at]);
      curve.move(row.p.t[at]);
    },
  };
};

// ---- the grid: only what is on the screen exists ----
const gap = 12;
let height = 260;
const cards = new Map();
const marks = (row) => {
  const { verdict, note } = decisionOf(row.id);
  const list = [];
  if (verdict) list.push(make("span", `mark ${verdict}`, verdict === "accept" ? "accepted" : "rejected"));
  if (row.x) list.push(make("span", "mark ruled", row.x[0]));
  else if (row.rules.length > 0)
    list.push(make("span", "mark ruled", `${row.rules.length} of ${row.qs.length}: ${row.rules[0]}`));
  if (note) list.push(make("span", "mark note", "note"));
  return list;
};
const cardOf = (position) => {
  const row = rows[shown[position]];
  const card = make("article", "pair");
  card.tabIndex = -1;
  card.setAttribute("aria-label", row.cap || row.id);
  const view = player(row);
  const about = make("div", "about");
  const what = make("div", "what");
  what.append(...marks(row), row.cap || row.clip || row.id);
  what.title = row.cap || row.id;
  const facts =
    row.s === undefined
      ? (row.x?.[1] ?? "")
      : [
          `${(row.d ?? 0).toFixed(1)} s`,
          `replaced ${percent(row.s)}`,
          row.g === null || row.g === undefined ? "" : `events gone ${percent(row.g)}`,
          row.r,
          row.b,
        ]
          .filter(Boolean)
          .join(" · ");
  const [first] = row.qs ?? [];
  about.append(what, make("div", "facts", facts));
  if (first) about.append(make("div", "asked", `${first.q} → ${first.a}`));
  card.append(view.box, about);
  const { verdict } = decisionOf(row.id);
  if (verdict) card.classList.add(verdict);
  if (row.out) card.classList.add("ruled");
  card.addEventListener("click", () => {
    go(position, false);
    open();
  });
  card.addEventListener("pointerenter", () => {
    if (!byId("detail").open) go(position, false);
  });
  if (view.steps > 0) view.show(0);
  grid.append(card);
  return { card, view };
};
const lay = () => {
  for (const { card } of cards.values()) card.remove();
  cards.clear();
  columns = Math.max(1, Math.floor((grid.clientWidth + gap) / (290 + gap)));
  const wide = (grid.clientWidth - gap * (columns - 1)) / columns;
  // Two pictures of 4 to 3 side by side, the curve, four lines of text.
  height = Math.round(wide * 0.375 + 34 + 114);
  grid.style.height = `${Math.ceil(shown.length / columns) * (height + gap)}px`;
  draw();
};
const draw = () => {
  const top = -grid.getBoundingClientRect().top;
  const first = Math.max(0, Math.floor(top / (height + gap)) - 1) * columns;
  const last = Math.min(shown.length, (Math.ceil((top + innerHeight) / (height + gap)) + 1) * columns);
  for (const [position, { card }] of cards)
    if (position < first || position >= last) {
      card.remove();
      cards.delete(position);
    }
  const width = (grid.clientWidth - gap * (columns - 1)) / columns;
  for (let position = first; position < last; position++) {
    if (!cards.has(position)) cards.set(position, cardOf(position));
    const { card } = cards.get(position);
    card.classList.toggle("here", position === here);
    card.style.cssText = `width:${width}px;height:${height}px;left:${(position % columns) * (width + gap)}px;top:${Math.floor(position / columns) * (height + gap)}px`;
  }
};
const redraw = (position) => {
  cards.get(position)?.card.remove();
  cards.delete(position);
  draw();
};
const go = (position, scroll = true) => {
  const next = Math.min(Math.max(0, position), shown.length - 1);
  if (next < 0 || next === here) return;
  cards.get(here)?.card.classList.remove("here");
  here = next;
  step = 0;
  cards.get(here)?.card.classList.add("here");
  if (!scroll) return;
  const box = grid.getBoundingClientRect();
  const top = box.top + Math.floor(here / columns) * (height + gap);
  if (top < 80) scrollBy(0, top - 80);
  else if (top + height > innerHeight) scrollBy(0, top + height - innerHeight + 8);
  draw();
};

// ---- one pair in full ----
let large;
const open = () => {
  const row = rows[shown[here]];
  if (row === undefined) return;
  const dialog = byId("detail");
  const body = byId("detail-body");
  body.replaceChildren();
  large = player(row);
  const title = make("h2", "", row.cap || row.clip || row.id);
  const facts = make(
    "p",
    "small muted",
    [
      row.id,
      row.clip,
      row.src,
      row.s === undefined ? "" : `${row.n} frames, ${row.d} s, replaced ${percent(row.s)}`,
      row.g === null || row.g === undefined ? "" : `of the events' frames gone ${percent(row.g)}`,
      row.r && `relevance ${row.r}`,
      row.b && `builder ${row.b}`,
    ]
      .filter(Boolean)
      .join(" · "),
  );
  body.append(title, large.box);
  if (large.steps > 0) {
    const slider = make("input", "step");
    // By time, as the curve above it; frames need not stand evenly.
    Object.assign(slider, { type: "range", min: 0, max: row.d, step: "any", value: 0 });
    slider.setAttribute("aria-label", "step through the pair");
    slider.addEventListener("input", () => {
      playing = false;
      const far = row.p.t.map((time) => Math.abs(time - slider.value));
      step = far.indexOf(Math.min(...far));
      slider.value = row.p.t[step];
      large.show(step);
    });
    large.slider = slider;
    large.show(0);
    body.append(slider);
  }
  body.append(facts);
  if (row.x) body.append(make("p", "question why", `${row.x[0]}: ${row.x[1]}`));
  for (const [start, end, what] of row.ev ?? [])
    body.append(make("p", "small muted", `${start.toFixed(2)} to ${end.toFixed(2)} s: ${what}`));
  for (const asked of row.qs ?? []) {
    const box = make("div", "question");
    const out = () => decisionOf(asked.id).verdict === "reject";
    const button = make("button", "", "reject");
    const paint = () => {
      box.classList.toggle("out", out());
      button.textContent = out() ? "keep" : "reject";
    };
    button.addEventListener("click", () => {
      toggle(asked.id, "reject");
      paint();
    });
    const options = asked.o ? ` (${asked.o.join(" | ")})` : "";
    box.append(make("span", "", asked.q), button, make("div", "answer", `${asked.k}: ${asked.a}${options}`));
    if (asked.x) box.append(make("div", "why", `${asked.x[0]}: ${asked.x[1]}`));
    paint();
    body.append(box);
  }
  const note = make("textarea");
  note.placeholder = "note";
  note.value = decisionOf(row.id).note ?? "";
  note.setAttribute("aria-label", "note");
  note.addEventListener("input", () => decide(row.id, { note: note.value || undefined }));
  note.addEventListener("change", () => redraw(here));
  body.append(note);
  paintActions();
  if (!dialog.open) dialog.showModal();
  body.focus();
  dialog.scrollTop = 0;
};
const paintActions = () => {
  const row = rows[shown[here]];
  const { verdict } = decisionOf(row?.id);
  byId("accept").classList.toggle("main", verdict === "accept");
  byId("reject").classList.toggle("main", verdict === "reject");
};
const act = (verdict) => {
  const row = rows[shown[here]];
  if (row === undefined) return;
  toggle(row.id, verdict);
  redraw(here);
  if (byId("detail").open) paintActions();
};
const move = (by) => {
  go(here + by);
  if (byId("detail").open) open();
};
byId("accept").addEventListener("click", () => act("accept"));
byId("reject").addEventListener("click", () => act("reject"));
byId("next").addEventListener("click", () => move(1));
byId("before").addEventListener("click", () => move(-1));
byId("close").addEventListener("click", () => byId("detail").close());
byId("save").addEventListener("click", save);

setInterval(() => {
  if (!playing) return;
  const view = byId("detail").open ? large : cards.get(here)?.view;
  if (!view?.steps) return;
  step = (step + 1) % view.steps;
  view.show(step);
  if (view.slider) view.slider.value = rows[shown[here]].p.t[step];
}, 220);

const keys = {
  a: () => act("accept"),
  r: () => act("reject"),
  n: () => {
    if (!byId("detail").open) open();
    document.querySelector("#detail textarea")?.focus();
  },
  s: save,
  " ": () => (playing = !playing),
  Enter: open,
  "/": () => byId("search").focus(),
  ArrowRight: () => move(1),
  ArrowLeft: () => move(-1),
  ArrowDown: () => move(byId("detail").open ? 1 : columns),
  ArrowUp: () => move(byId("detail").open ? -1 : -columns),
  j: () => move(1),
  k: () => move(-1),
  Home: () => go(0),
  End: () => go(shown.length - 1),
};
addEventListener("keydown", (event) => {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && event.target.type !== "range";
  if (event.key === "Escape" && typing) event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.tagName === "BUTTON" && (event.key === "Enter" || event.key === " ")) return;
  const action = keys[event.key];
  if (action === undefined) return;
  event.preventDefault();
  action();
});
let waiting;
byId("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(choose, 120);
});
for (const id of ["source", "builder", "relevance", "state", "sort", "low", "high"])
  byId(id).addEventListener("change", choose);
addEventListener("scroll", draw, { passive: true });
addEventListener("resize", lay);
choose();
