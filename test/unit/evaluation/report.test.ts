import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError } from "../../../src/core/errors.ts";
import { escapeHtml, html } from "../../../src/core/html.ts";
import { metricsFor, type NamedMetric } from "../../../src/evaluation/metrics.ts";
import { assembleReport, type ReportMeans } from "../../../src/evaluation/report/assemble.ts";
import { findingsOf } from "../../../src/evaluation/report/findings.ts";
import type {
  ContrastCheck,
  Finding,
  ReportModel,
  ResultRow,
  RowDifference,
} from "../../../src/evaluation/report/model.ts";
import type { StoredEvaluation } from "../../../src/evaluation/report/read-evaluated-run.ts";
import { renderReport } from "../../../src/evaluation/report/render.ts";
import type { Estimate } from "../../../src/evaluation/statistics/estimate.ts";
import { compactNumber, niceTicks, percent, points, pValue } from "../../../src/pages/format.ts";
import { thinned } from "../../../src/pages/line-chart.ts";
import { recordOf } from "../../contract/record-fixture.ts";
import { reportFixture } from "./report-fixture.ts";

const model = reportFixture(1, 60);
const text = renderReport(model);
/** The page without its script and the bytes of its pictures, in which any letters may stand. */
const bare = (page: string): string => page.replace(/base64,[A-Za-z0-9+/=]+|<script>[\s\S]*?<\/script>/g, "");

test("the page loads nothing: every source is inside, and its policy forbids the rest", () => {
  expect(text.includes("default-src 'none'")).toBe(true);
  for (const [, value] of text.matchAll(/\s(?:src|href|action|data|poster|srcset)="([^"]*)"/g))
    expect(value!.startsWith("data:image/") || value!.startsWith("#")).toBe(true);
  expect(/url\(|@import|<link|<iframe|<object/.exec(text)).toBeNull();
  expect(/https?:\/\//.exec(text.replaceAll("http://www.w3.org/2000/svg", ""))).toBeNull();
});

test("every link within the page has its target and every number its place", () => {
  for (const [, id] of text.matchAll(/href="#([^"]*)"/g)) expect(text.includes(`id="${id}"`)).toBe(true);
  for (const { name } of model.rows) expect(text.includes(escapeHtml(name))).toBe(true);
  const main = model.rows.at(-1)!;
  expect(text.includes(percent(main.complete.overall!.value))).toBe(true);
  expect(text.includes(points(main.sensitivity!.overall!.value))).toBe(true);
  expect(/NaN|undefined|Infinity|\[object/.exec(bare(text))).toBeNull();
});

test("tags are balanced", () => {
  const open: string[] = [];
  const body = text.replace(/<script>[\s\S]*?<\/script>|<style>[\s\S]*?<\/style>|<!doctype html>/g, "");
  for (const [, close, name, self] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s[^>]*?)?(\/?)>/g)) {
    if (self === "/" || ["meta", "img"].includes(name!)) continue;
    if (close === "/") expect(open.pop()).toBe(name);
    else open.push(name!);
  }
  expect(open).toEqual([]);
});

describe("text from outside", () => {
  const evil = `"><script>alert(1)</script><img src=x onerror='a'>`;
  test("is escaped wherever it goes", () => {
    const swap = (value: unknown): unknown => {
      if (typeof value === "string") return value.startsWith("data:") ? value : evil;
      if (Array.isArray(value)) return value.map(swap);
      if (value !== null && typeof value === "object")
        return Object.fromEntries(
          Object.entries(value).map(([key, inner]) => [
            key,
            ["origin", "kind", "mainRow", "blindRow"].includes(key) ? inner : swap(inner),
          ]),
        );
      return value;
    };
    const page = renderReport(swap(model) as ReportModel);
    expect(page.includes("<script>alert")).toBe(false);
    expect(page.includes("<img src=x")).toBe(false);
    expect(page.match(/<script/g)).toHaveLength(1);
    expect(page).toContain("&lt;script&gt;alert(1)");
  });
  test("escaping leaves no mark that could end an attribute or start a tag", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (given) => {
        expect(html`${given}`.markup).not.toMatch(/[<>"']/);
      }),
    );
  });
  test("a picture from elsewhere is refused", () => {
    const examples = model.examples!;
    const [first] = examples.pairs;
    const pair = { ...first!, images: first!.images.map(() => "https://example.org/a.png") };
    expect(() => renderReport({ ...model, examples: { ...examples, pairs: [pair] } })).toThrow(ConfigError);
  });
});

describe("findings", () => {
  const estimate = (value: number, reach: number): Estimate => ({
    value,
    standardError: reach / 2,
    low: value - reach,
    high: value + reach,
    questions: 100,
    clusters: 50,
  });
  const comparison = (value: number, reach: number): RowDifference => ({
    of: "B",
    against: "A",
    difference: estimate(value, reach),
    adjustedP: 0.01,
    disagreement: { onlyFirst: 9, onlySecond: 4, midP: 0.18 },
    detectable: 0.04,
  });
  const headline = (given: RowDifference): string =>
    findingsOf({ ...model, differences: [given] })
      .map((v) => v.headline)
      .join("|");
  test("an interval that holds 0 is no measurable difference, and what could be seen is said", () => {
    expect(headline(comparison(0.03, 0.04))).toContain("B against A: no measurable difference.");
    expect(
      findingsOf({ ...model, differences: [comparison(0.03, 0.04)] }).some(({ detail }) =>
        detail.includes("below about 4.0 points"),
      ),
    ).toBe(true);
    expect(headline(comparison(0.05, 0.04))).toContain("B is better than A.");
    expect(headline(comparison(-0.05, 0.04))).toContain("B is worse than A.");
  });
  test("an interval that excludes 0 but not after correction is called not firm", () => {
    const weak = { ...comparison(0.05, 0.04), adjustedP: 0.2 };
    const found = findingsOf({ ...model, differences: [weak] });
    expect(found).toContainEqual({
      outcome: "open",
      headline: "B looks better than A, but this is not firm.",
      detail: expect.stringContaining("p = 0.20 after Holm's correction"),
    });
    expect(found.map((one) => one.headline).join("|")).not.toContain("B is better");
  });
  test("a gain that its control has too is said not to come from the decisive frames", () => {
    const of = (gain: number, controlGain: number, reach = 0.01) => {
      const control = {
        of: "RL",
        control: "Control",
        from: "SFT",
        gain: estimate(gain, reach),
        controlGain: estimate(controlGain, reach),
        excess: estimate(gain - controlGain, reach),
      };
      return findingsOf({ ...model, controls: [control] }).find(({ headline }) =>
        headline.startsWith("RL "),
      )!;
    };
    expect(of(0.04, 0.035)).toMatchObject({
      outcome: "no",
      headline:
        "RL improves as much under its control: the gain is not shown to come from the decisive frames.",
    });
    expect(of(0.04, 0.035).detail).toContain("RL +4.0 points");
    expect(of(0.04, 0.06).outcome).toBe("no");
    expect(of(0.04, 0.01)).toMatchObject({
      outcome: "yes",
      headline: "RL does better than under its control.",
    });
    expect(of(0.005, 0.002).outcome).toBe("open");
    // Better than a control that lost is no gain.
    expect(of(0.005, -0.03)).toMatchObject({ outcome: "open" });
  });
  test("sensitivity around 0 is not praised", () => {
    const rows = model.rows.map((row) => ({
      ...row,
      sensitivity: { overall: estimate(0.01, 0.02), skills: {} },
    }));
    const verdict = findingsOf({ ...model, rows }).find(({ detail }) => detail.includes("Sensitivity"))!;
    expect(verdict.outcome).toBe("open");
    expect(verdict.headline).toContain("No measurable difference");
  });
  test("a model that is no better than blind is not said to look; skills at chance are named", () => {
    const rows = model.rows.map((row) => ({ ...row, complete: model.rows[0]!.complete }));
    const verdicts = findingsOf({ ...model, rows, differences: [], seeing: estimate(0, 0.02) });
    expect(verdicts[0]!.headline).toContain("No measurable difference between seeing and not seeing");
    expect(verdicts.at(-1)!.headline).toBe("No skill is above guessing.");
  });
  test("looking is judged by the paired difference, however the intervals lie", () => {
    // Each interval reaches into the other, but question by question the one that sees is never worse.
    const [blind, ...others] = model.rows;
    const wide = (value: number): ResultRow["complete"] => ({ overall: estimate(value, 0.08), skills: {} });
    const rows = [
      { ...blind!, complete: wide(0.5) },
      ...others.map((row) => ({ ...row, complete: wide(0.56) })),
    ];
    const seen = (seeing: Estimate | null): Finding =>
      findingsOf({ ...model, rows, differences: [], seeing })[0]!;
    expect(seen(estimate(0.06, 0.02))).toMatchObject({ outcome: "yes", headline: "It answers by looking." });
    expect(seen(estimate(0.06, 0.02)).detail).toContain("the difference is +6.0 points (+4.0 to +8.0)");
    // Better than blind is not good where guessing does as well.
    const hard = model.skills.map((skill) => ({ ...skill, chance: 0.55, majority: 0.55 }));
    const guessing = findingsOf({ ...model, rows, skills: hard, seeing: estimate(0.06, 0.02) })[0]!;
    expect(guessing).toMatchObject({ outcome: "open" });
    expect(guessing.headline).toContain("no better than guessing");
    // And intervals apart say nothing where the questions are others.
    const apart = [{ ...blind!, complete: wide(0.2) }, ...rows.slice(1)];
    expect(
      findingsOf({ ...model, rows: apart, differences: [], seeing: estimate(0.36, 0.5) })[0]!.outcome,
    ).toBe("open");
    expect(findingsOf({ ...model, rows: apart, differences: [], seeing: null })[0]!.detail).toContain(
      "no question in common",
    );
  });
  test("the outcome is 'open' exactly when the interval holds 0", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (value, reach) => {
          const found = findingsOf({ ...model, differences: [comparison(value, reach)] }).find(
            ({ headline: h }) => h.startsWith("B "),
          )!;
          expect(found.outcome === "open").toBe(value - reach <= 0 && value + reach >= 0);
        },
      ),
    );
  });
});

test("an empty report still renders and says what is missing", () => {
  const empty: ReportModel = {
    ...model,
    rows: [],
    skills: [],
    differences: [],
    examples: null,
    curves: [{ title: "Loss", xLabel: "step", yLabel: "nats", series: [] }],
    provenance: { ...model.provenance, leftOut: [], settings: [], configuration: undefined },
  };
  const page = renderReport(empty);
  expect(page.includes("Not measured.")).toBe(true);
  expect(page.includes("No values were logged.")).toBe(true);
  expect(page.includes("Nothing was dropped.")).toBe(true);
  expect(/NaN|Infinity/.exec(bare(page))).toBeNull();
});

test("a table that may be too wide scrolls by itself, has a tab stop and a name, and says that there is more", () => {
  const tables = [...text.matchAll(/<table/g)].length;
  const boxes = [
    ...text.matchAll(
      /<div class="scroll" tabindex="0" role="region" aria-label="([^"]+)"><(?:table|div class="strips")/g,
    ),
  ];
  const strips = model.examples!.pairs.length;
  expect(boxes.length).toBe(tables + strips);
  expect(text.split('class="scroll-hint"').length - 1).toBe(boxes.length);
});

test("examples say what they are examples of, among how many, and beside a time axis times stand", () => {
  const page = bare(text);
  for (const said of ["412", "590", "798", "Of 1,800 questions"]) expect(page).toContain(said);
  expect(page.match(/<p class="kind flip">/g)).toHaveLength(2);
  expect(page.match(/<p class="kind (kept|missed)">/g)).toHaveLength(2);
  const card = page.slice(page.indexOf('<article class="example">'), page.indexOf("</article>"));
  expect(card).toContain("← 1.68");
  expect(card).not.toMatch(/frame \d|shows \d/);
  // One legend for both kinds of frames.
  expect(card.split('class="legend"').length - 1).toBe(1);
  expect(card).toMatch(/key frame<.*replaced in the twin/);
});

test("ticks cover their range, ascend, and are round", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e3, max: 1e3, noNaN: true }),
      fc.double({ min: 1e-4, max: 1e6, noNaN: true }),
      fc.integer({ min: 2, max: 8 }),
      (low, span, count) => {
        const ticks = niceTicks(low, low + span, count);
        const step = ticks[1]! - ticks[0]!;
        expect(ticks[0]!).toBeLessThanOrEqual(low + step * 1e-6);
        expect(ticks.at(-1)!).toBeGreaterThanOrEqual(low + span - step * 1e-6);
        expect(ticks.length).toBeLessThanOrEqual(count + 3);
        expect(step).toBeGreaterThan(0);
      },
    ),
  );
  expect(niceTicks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(niceTicks(3, 3, 4).length).toBeGreaterThan(1);
});

test("thinning keeps the mean and never exceeds its limit", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -9, max: 9, noNaN: true }), { minLength: 1, maxLength: 1500 }),
      (values) => {
        const thin = thinned(values.map((y, x) => [x, y] as const));
        expect(thin.length).toBeLessThanOrEqual(240);
        const size = Math.ceil(values.length / 240);
        const weight = (i: number): number => Math.min(size, values.length - i * size);
        const mean = thin.reduce((sum, [, y], i) => sum + y * weight(i), 0) / values.length;
        expect(mean).toBeCloseTo(values.reduce((a, b) => a + b, 0) / values.length, 9);
      },
    ),
  );
  expect(
    thinned([
      [0, Number.NaN],
      [1, 2],
    ]),
  ).toEqual([[1, 2]]);
});

test("numbers on the page", () => {
  expect(points(0.0123)).toBe("+1.2");
  expect(points(-0.0001)).toBe("0.0");
  expect(points(0.0001)).toBe("0.0");
  expect(points(-0.04)).toBe("−4.0");
  expect(percent(0.6125)).toBe("61.3");
  expect([pValue(0.0001), pValue(0.0123), pValue(0.5)]).toEqual(["p < 0.001", "p = 0.012", "p = 0.50"]);
  expect([
    compactNumber(12345.678),
    compactNumber(-0.5),
    compactNumber(1e-5),
    compactNumber(Number.NaN),
  ]).toEqual(["12,350", "−0.5", "1.00e−5", "–"]);
});

describe("what the method bought", () => {
  const estimate = (value: number, reach: number): Estimate => ({
    value,
    standardError: reach / 2,
    low: value - reach,
    high: value + reach,
    questions: 300,
    clusters: 100,
  });
  const difference = (value: number, reach: number): RowDifference => ({
    of: model.mainRow,
    against: "SFT for longer",
    difference: estimate(value, reach),
    adjustedP: 0.01,
    disagreement: { onlyFirst: 3, onlySecond: 1, midP: 0.1 },
    detectable: 0.04,
  });
  const check = (more: Partial<ContrastCheck>): ContrastCheck => ({
    stage: "SFT + contrast",
    isTrained: true,
    clips: 64,
    cosine: 0.8,
    win: 0.9,
    winFrozen: 0.5,
    gap: 0.4,
    gapError: 0.05,
    t2vSame: Math.LN2,
    ...more,
  });
  const firstOf = (value: number, reach: number, contrast: readonly ContrastCheck[]): Finding => {
    const rows = model.rows.map(({ name, complete }) => ({
      name,
      complete: complete.overall,
      absent: null,
      sensitivity: null,
    }));
    const events = { questions: 300, rows, differences: [difference(value, reach)] };
    return findingsOf({ ...model, events, contrast })[0]!;
  };

  test("is the first sentence, and an interval that holds 0 bought nothing measurable", () => {
    const won = firstOf(0.05, 0.02, [check({})]);
    expect(won.outcome).toBe("yes");
    expect(won.headline).toBe("Against SFT for longer the method bought +5.0 points on event questions.");
    expect(won.detail).toMatch(
      /300 questions that only the event answers.*90\.0 % of 64 clips, more often than with/,
    );
    expect(firstOf(-0.05, 0.02, []).headline).toMatch(/the method cost/);
    // Learning the form of an answer from nothing is no looking.
    const low = { ...model.rows.at(-1)!.complete, overall: estimate(0.08, 0.03) };
    const rows = model.rows.map((row) => (row.name === model.mainRow ? { ...row, complete: low } : row));
    const events = { questions: 300, rows: [], differences: [difference(0.05, 0.02)] };
    const guesser = findingsOf({ ...model, rows, events, contrast: [] })[0]!;
    expect(guesser.outcome).toBe("open");
    expect(guesser.headline).toMatch(/bought .* and still does no better than guessing\.$/);
    const nothing = firstOf(0.01, 0.02, [check({ win: 0.6, winFrozen: 0.58, gap: 0.02 })]);
    expect(nothing.outcome).toBe("open");
    expect(nothing.headline).toMatch(/made no measurable difference/);
    expect(nothing.detail).toMatch(/below about 4\.0 points cannot be seen.*measurably no more often than/);
  });
  test("a contrast that tells a clip from itself comes before everything; plain SFT that was only looked at does not", () => {
    const first = firstOf(0.05, 0.02, [check({ t2vSame: 0.0001 })]);
    expect(first.outcome).toBe("no");
    expect(first.headline).toBe("SFT + contrast: the contrast is being solved without looking.");
    expect(first.detail).toMatch(/0\.0001 nats, below ln 2 = 0\.6931/);
    expect(firstOf(0.05, 0.02, [check({ t2vSame: 0.1, isTrained: false })]).headline).toMatch(/^Against/);
  });
  test("stands in the page with its tables", () => {
    const events = {
      questions: 300,
      rows: [{ name: "SFT", complete: estimate(0.5, 0.1), absent: null, sensitivity: estimate(0.2, 0.1) }],
      differences: [],
    };
    const page = renderReport({ ...model, events, contrast: [check({})] });
    expect(page).toContain("Event questions alone (300)");
    expect(page).toContain("Contrast on held-out clips");
    expect(page).toContain("+40.0 ± 10.0");
  });
});

test("open answers of which none is right are an accuracy of 0, but for where a metric compares them", async () => {
  const open = recordOf({ answerKind: "open", gold: "4", rawOutput: "5", outcome: "wrong", correct: false });
  const stored = {
    folder: "",
    description: {
      schema: "videoperceiver/evaluated-run@1",
      title: "",
      summary: "",
      command: "",
      seed: 1,
      scoring: "strict",
      data: null,
      pairs: null,
      stages: [],
      rows: [{ name: "s", subject: "s", complete: "complete", absent: null, control: null, stage: null }],
      mainRow: "s",
      blindRow: null,
      comparisons: [],
    },
    journal: null,
    stages: [],
    records: [open],
    pairs: new Map(),
    data: null,
    otherRows: [],
    askedClips: new Map(),
  } as unknown as StoredEvaluation;
  const means = { settings: [], frames: { frames: async () => [] }, signal: new AbortController().signal };
  const made = (metrics: readonly NamedMetric[]) =>
    assembleReport(stored, { ...means, metrics } as unknown as ReportMeans);
  expect((await made([])).isGraded).toBe(true);
  const metric = (await metricsFor(["accuracy"]))[0]!;
  expect((await made([metric])).isGraded).toBe(false);
});
