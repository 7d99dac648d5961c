import { expect, test } from "vitest";
import type { ReportModel } from "../../../src/evaluation/report/model.ts";
import { metricTable } from "../../../src/evaluation/report/results.ts";
import type { MetricScore } from "../../../src/evaluation/score.ts";

const score = (over: Partial<MetricScore>): MetricScore => ({
  name: "m",
  summary: "s",
  unit: "share",
  digits: 1,
  value: { value: 0.53944, low: 0.5, high: 0.58, questions: 10, clusters: 5 } as MetricScore["value"],
  ...over,
});

test("shares are in per cent with their digits, other numbers as they are", () => {
  const metrics = [
    score({}),
    score({ digits: 2 }),
    score({ unit: "number", digits: 4 }),
    score({ value: null }),
  ];
  const text = metricTable({ rows: [{ name: "a", metrics }] } as unknown as ReportModel)!.markup;
  expect([...text.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell]) => cell)).toEqual([
    "<b>53.9</b><small>50.0–58.0</small>",
    "<b>53.94</b><small>50.00–58.00</small>",
    "<b>0.5394</b><small>0.5000–0.5800</small>",
    "–",
  ]);
});
