/**
 * The style that every page has: colours for light and dark, text, cards, tables, charts, strips. Three views keep one
 * colour and shape each (v0, v1, v2); lines of charts have six colours of their own (s0 to s5).
 */
export const pageStyle: string = `
:root {
  color-scheme: light dark;
  --page: #f6f6f3; --card: #ffffff; --ink: #16181d; --soft: #5d6470; --line: #e2e2dc; --faint: #efefea;
  --v0: #1f5fd0; --v1: #c2570c; --v2: #6b7280;
  --c0: #1f5fd0; --c1: #c2570c; --c2: #0b7d62; --c3: #8b3fc4; --c4: #b1294c; --c5: #7a6a00;
  --yes: #0b7d4b; --yes-soft: #e2f3ea; --no: #b3261e; --no-soft: #fbe7e5; --open: #7a5c00; --open-soft: #f8efd2;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, monospace;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101216; --card: #181b21; --ink: #eceef2; --soft: #9aa3b2; --line: #2b303a; --faint: #20242c;
    --v0: #7aa9ff; --v1: #f5a15b; --v2: #a7afbd;
    --c0: #7aa9ff; --c1: #f5a15b; --c2: #4ecda8; --c3: #c597f7; --c4: #ff8ba3; --c5: #d8c65a;
    --yes: #5fd49b; --yes-soft: #16301f; --no: #ff8f85; --no-soft: #3a1d1b; --open: #e6c35c; --open-soft: #332b13;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { max-width: 1120px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: clamp(26px, 4.4vw, 38px); line-height: 1.15; letter-spacing: -0.02em; margin: 4px 0 10px; text-wrap: balance; overflow-wrap: anywhere; }
h2 { font-size: 21px; letter-spacing: -0.01em; margin: 52px 0 4px; }
h3 { font-size: 14px; margin: 26px 0 8px; }
p { margin: 0 0 10px; max-width: 76ch; }
.over { font-size: 12px; letter-spacing: 0.08em; text-transform: uppercase; color: var(--soft); }
.lead { font-size: 17px; color: var(--soft); }
.muted { color: var(--soft); font-weight: 400; }
.small, small { font-size: 12.5px; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 22px 0 0; font-size: 13.5px; }
a { color: var(--v0); text-underline-offset: 3px; text-decoration-thickness: 1px; }
.card, .example { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 18px 20px; margin-top: 14px; }
.scroll-box { position: relative; }
.scroll { overflow-x: auto; border-radius: 6px; }
.scroll:focus-visible { outline: 2px solid var(--v0); outline-offset: 2px; }
.scroll-hint { display: none; margin: 0; max-width: none; font-size: 12px; color: var(--soft); text-align: right; }
.overflows .scroll-hint { display: block; }
.overflows::after { content: ""; position: absolute; inset: 0 0 18px auto; width: 12px; pointer-events: none; background: linear-gradient(to right, transparent, var(--card)); }
.overflows.at-end::after { display: none; }
.grid-charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 380px), 1fr)); gap: 14px; margin-top: 14px; }
figure { margin: 0; }
.chart { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 14px 16px 8px; min-width: 0; }
figcaption { font-weight: 600; font-size: 14px; }
figcaption .muted { font-size: 12.5px; margin-left: 4px; }
.plot { position: relative; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg:focus-visible { outline: 2px solid var(--v0); outline-offset: 2px; border-radius: 6px; }
svg text { font-family: inherit; fill: var(--ink); }
svg .tick { font-size: 11.5px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .name { font-size: 14px; font-weight: 600; }
svg .name .tick { font-weight: 400; }
.intervals .name, .intervals .name + .tick { paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
svg .value { font-size: 12.5px; font-weight: 600; font-variant-numeric: tabular-nums; paint-order: stroke; stroke: var(--card); stroke-width: 4px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .mark, svg .reference { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 3 3; }
svg .line { fill: none; stroke-width: 1.8; stroke-linejoin: round; vector-effect: non-scaling-stroke; }
svg .end { stroke: var(--card); stroke-width: 1.5; }
.intervals.narrow { display: none; }
.reach { stroke-width: 2.4; stroke-linecap: round; opacity: .55; }
.dot { stroke-width: 2; }
${[0, 1, 2].map((i) => `.reach.v${i} { stroke: var(--v${i}); } .dot.v${i} { fill: var(--v${i}); stroke: var(--v${i}); } .swatch.v${i} { background: var(--v${i}); }`).join("\n")}
.dot.v2 { fill: var(--card); }
.swatch.v0 { border-radius: 50%; }
.swatch.v1 { transform: rotate(45deg) scale(.86); border-radius: 1px; }
.swatch.v2 { background: none; border: 2px solid var(--v2); border-radius: 50%; }
${[0, 1, 2, 3, 4, 5].map((i) => `.line.s${i} { stroke: var(--c${i}); } .end.s${i} { fill: var(--c${i}); } .swatch.s${i} { background: var(--c${i}); }`).join("\n")}
.swatch { display: inline-block; width: 10px; height: 10px; margin-right: 6px; border-radius: 3px; vertical-align: -0.5px; flex: none; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 16px; margin: 4px 0 6px; padding: 0; font-size: 12.5px; color: var(--soft); }
.tip { position: absolute; top: 6px; pointer-events: none; display: grid; gap: 1px; background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 7px 10px; font-size: 12.5px; box-shadow: 0 4px 18px rgb(0 0 0 / .14); white-space: nowrap; font-variant-numeric: tabular-nums; z-index: 2; }
.tip[hidden] { display: none; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 10px; vertical-align: top; white-space: nowrap; }
th { font-weight: 600; }
thead th { vertical-align: bottom; white-space: normal; }
th:first-child, td:first-child, th[scope], th[colspan] { text-align: left; }
td.text { text-align: left; white-space: normal; min-width: 22ch; color: var(--soft); }
td small, th small { display: block; font-weight: 400; color: var(--soft); font-size: 11.5px; }
.strips { min-width: calc(var(--frames) * 54px); margin: 8px 0 12px; }
.strip-label { display: flex; align-items: center; flex-wrap: wrap; gap: 0 7px; font-size: 12.5px; font-weight: 600; margin: 12px 0 5px; position: sticky; left: 0; width: fit-content; max-width: min(100%, 100vw - 84px); }
.strip-label .swatch { margin-right: 0; }
.strip { list-style: none; margin: 0; padding: 0; display: grid; grid-template-columns: repeat(var(--frames), minmax(0, 1fr)); }
.strip li { padding: 2px; text-align: center; font-size: 11px; color: var(--soft); font-variant-numeric: tabular-nums; line-height: 1.3; white-space: nowrap; }
.strip img { display: block; width: 100%; height: auto; border-radius: 4px; image-rendering: auto; }
.strip .key img { outline: 2.5px solid var(--v0); outline-offset: 1px; }
.strip .key span { color: var(--v0); font-weight: 700; }
.strip .gone img { outline: 2.5px dashed var(--v1); outline-offset: 1px; }
.strip .gone span { color: var(--v1); font-weight: 700; }
.frame { display: inline-block; width: 15px; height: 11px; margin-right: 6px; border-radius: 3px; vertical-align: -1px; }
.frame.key { outline: 2.5px solid var(--v0); }
.frame.gone { outline: 2.5px dashed var(--v1); }
.strip span { display: block; margin-top: 4px; }
.relevance { height: 54px; border-bottom: 1px solid var(--line); }
.strips .legend { padding-left: 3px; position: sticky; left: 0; width: fit-content; max-width: min(100%, 100vw - 84px); }
.relevance .area { fill: var(--v0); opacity: .1; }
.relevance .hit { fill: transparent; }
.relevance g:hover .hit { fill: var(--v0); opacity: .12; }
.relevance .drop { stroke: var(--v0); stroke-width: 2; vector-effect: non-scaling-stroke; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 280px), 1fr)); gap: 0 36px; }
.facts h3 { margin-top: 8px; }
dl { margin: 0; font-size: 13.5px; }
dl div { display: flex; justify-content: space-between; gap: 16px; padding: 4px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--soft); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
#provenance table tbody tr { border-top: 1px solid var(--line); }
pre { font: 12.5px/1.5 var(--mono); background: var(--faint); border-radius: 8px; padding: 12px 14px; overflow-x: auto; margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
summary { cursor: pointer; font-size: 14px; font-weight: 600; margin: 20px 0 10px; }
footer { margin-top: 48px; padding-top: 16px; border-top: 1px solid var(--line); color: var(--soft); font-size: 13px; }
@media (max-width: 640px) {
  main { padding: 26px 14px 60px; }
  .card, .example { padding: 14px; }
  .intervals.wide { display: none; }
  .intervals.narrow { display: block; }
  .chart { padding: 12px 12px 6px; }
  .chart svg .tick { font-size: 16px; }
  tbody th[scope=row] { white-space: normal; min-width: 96px; }
  td.text { min-width: 30ch; }
  dl div { flex-wrap: wrap; gap: 0 16px; }
}
@media print { body { background: none; } .card, .chart, .example { break-inside: avoid; } nav, details, .scroll-hint { display: none; } }
`;
