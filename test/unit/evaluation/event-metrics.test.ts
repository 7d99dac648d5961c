import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { installedWordNet } from "../../../src/absent/language/wordnet.ts";
import { intersectionOverPrediction } from "../../../src/evaluation/metrics/acc-gqa.ts";
import { metricRegistry } from "../../../src/evaluation/metrics.ts";
import { spiceOfTuples } from "../../../src/evaluation/overlap/spice.ts";
import { synonymsOf } from "../../../src/evaluation/overlap/synonyms.ts";
import { recordOf } from "../../contract/record-fixture.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "event-metrics-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const write = (name: string, value: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, JSON.stringify(value));
  return file;
};
const spans = (said: string, gold: string) =>
  recordOf({ answerKind: "ranked-spans", rawOutput: said, parsedAnswer: said, gold });

test("event F1: E.T. Bench's temporal localization, 0.75 for overlaps of 1.0 and 0.4", async () => {
  const { value } = await metricRegistry.make("event-f1");
  const one = spans("0 - 10\n22 - 40", "0 - 10\n20 - 30");
  expect(value([one])).toBeCloseTo(0.75, 12);
  const { value: half } = await metricRegistry.choose("event-f1:0.5");
  expect(half([one])).toBeCloseTo(0.5, 12);
  expect(value([spans("", "0 - 10")])).toBe(0);
  expect(value([one, spans("nothing", "0 - 10")])).toBeCloseTo(0.375, 12);
});

test("Acc@GQA: right answers with a stretch inside the true one", async () => {
  const at = (startSeconds: number, endSeconds: number) => ({ startSeconds, endSeconds });
  expect(intersectionOverPrediction(at(8, 16), at(5, 10))).toBe(0.25);
  expect(intersectionOverPrediction(at(6, 6), at(5, 10))).toBe(0);
  const file = write("gsub.json", {
    v: {
      duration: 30,
      location: {
        "1": [[5, 10]],
        "2": [
          [0, 3],
          [20, 25],
        ],
      },
    },
  });
  const { value } = await metricRegistry.make("acc-gqa", { spans: file });
  const said = (questionId: string, rawOutput: string, correct = true) =>
    recordOf({ questionId, rawOutput, correct });
  expect(
    value([
      said("v_1", "B, from 6 to 9 s"),
      said("v_1", "B, from 8 to 16 s"),
      said("v_2", "B, from 21 to 24 s"),
      said("v_2", "A, from 21 to 24 s", false),
      said("v_2", "B"),
      said("other", "B, from 0 to 1 s"),
    ]),
  ).toBe(2 / 5);
  await expect(metricRegistry.make("acc-gqa", { spans: write("bad.json", []) })).rejects.toThrow(
    "grounding file",
  );
});

test("SPICE of given tuples: the notes' goldens, with synonyms and without, doubled and empty", async () => {
  const candidate = [["car"], ["pedestrian"], ["car", "white"], ["car", "pedestrian", "hit"]];
  const reference = [
    ["automobile"],
    ["pedestrian"],
    ["automobile", "white"],
    ["automobile", "pedestrian", "strike"],
    ["road"],
    ["road", "wet"],
  ];
  const wordNet = installedWordNet();
  const same = (a: string, b: string): boolean =>
    synonymsOf(wordNet, a).has(b) || synonymsOf(wordNet, b).has(a);
  expect(spiceOfTuples(candidate, reference, same)).toMatchObject({ matches: 4, precision: 1, f: 0.8 });
  expect(spiceOfTuples(candidate, reference, () => false).f).toBeCloseTo(0.2, 12);
  const bus = [["bus"], ["bus", "red"], ["street"], ["bus", "street", "on"]];
  expect(spiceOfTuples([...bus, ...bus], bus, () => false)).toMatchObject({ matches: 4, f: 1 });
  expect(spiceOfTuples([], reference, same).f).toBe(0);
  const { value } = await metricRegistry.make("spice-tuples", {
    tuples: write("tuples.json", { q: { candidate, reference } }),
  });
  const open = recordOf({ questionId: "q", answerKind: "open" });
  expect(value([open])).toBeCloseTo(0.8, 12);
  expect(value([open, recordOf({ questionId: "none", answerKind: "open" })])).toBeCloseTo(0.4, 12);
});
