import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { endpoints, pairedValues } from "../../../src/jobs/repro/endpoints.ts";
import { studyFindings } from "../../../src/jobs/repro/findings.ts";
import { askedQuestions, lastMetrics } from "../../../src/jobs/repro/measure.ts";
import { type Measures, readMeasures, writeMeasures } from "../../../src/jobs/repro/measures.ts";
import { studyMarkdown, studyPage } from "../../../src/jobs/repro/page.ts";
import { quarters, seedFolder, studyResults } from "../../../src/jobs/repro/results.ts";
import { runRepro } from "../../../src/jobs/repro/run.ts";
import studyOf, { studyNames } from "../../../src/recipes/repro.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "repro-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const scale = { clips: 100, steps: 100, threads: 1 };
const study = studyOf("ablations", scale);

/** An arm that wins with probability `win`, its control with one half, and is right with probability `right`. */
const measures = (arm: string, seed: number, win: number, right: number, t2vSame = Math.LN2): Measures => {
  const draw = (key: string, share: number): number => (seededRandom(arm, seed, key).next() < share ? 1 : 0);
  const clips = Array.from({ length: 60 }, (_, i) => `${seed}/${i}`);
  return {
    schema: "videoperceiver/repro-measures@1",
    arm,
    seed,
    seconds: 60,
    steps: 15,
    wins: clips.map((clip) => ({
      clip,
      twin: draw(`twin ${clip}`, win),
      frozen: draw(`frozen ${clip}`, 0.5),
      cosine: 0.5,
    })),
    right: clips.map((clip) => ({ question: `${clip} what`, clip, probability: right })),
    asked: clips.flatMap((clip) =>
      [true, false].map((aboutEvent) => ({
        question: `${clip} ${aboutEvent}`,
        clip,
        aboutEvent,
        complete: draw(`complete ${clip} ${aboutEvent}`, right),
        absent: aboutEvent ? draw(`absent ${clip}`, 0.2) : null,
        control: aboutEvent ? draw(`control ${clip}`, right) : null,
      })),
    ),
    last: { "heldOut.t2vSame": t2vSame },
  };
};

describe("what is measured", () => {
  const record = (questionId: string, name: string, correct: boolean) => ({
    questionId,
    videoId: `clip of ${questionId}`,
    intervention: { name, params: {} },
    correct,
  });

  test("every draw of a control counts, whichever came last", () => {
    const draws = [true, true, false, true].map((correct) => record("a", "random-removal", correct));
    const records = [record("a", "complete", true), ...draws, record("b", "complete", false)];
    const samples = [
      { id: "a", provenance: { aboutEvent: true } },
      { id: "b", provenance: {} },
    ];
    const [a, b] = [
      askedQuestions(records, samples),
      askedQuestions([...records].reverse(), samples).reverse(),
    ];
    expect(a).toEqual([
      { question: "a", clip: "clip of a", aboutEvent: true, complete: 1, absent: null, control: 0.75 },
      { question: "b", clip: "clip of b", aboutEvent: false, complete: 0, absent: null, control: null },
    ]);
    expect(b).toEqual(a);
    expect(askedQuestions([record("c", "absent", true)], samples)).toEqual([]);
  });

  test("of metrics that are looked at now and then the newest one counts", () => {
    const rows = [
      { step: 1, timeSeconds: 1, loss: 3, validAnswers: 0.4 },
      { step: 2, timeSeconds: 2, loss: 2, validAnswers: Number.NaN },
      { step: 3, timeSeconds: 3, loss: 1 },
    ];
    expect(lastMetrics(rows)).toEqual({ loss: 1, validAnswers: 0.4 });
    expect(lastMetrics([])).toEqual({});
  });
});

test("roll-outs are told by their first and last quarter, of the steps that logged the number", () => {
  const rows = Array.from({ length: 9 }, (_, step) => (step === 4 ? { step } : { step, quality: step }));
  expect(quarters(rows, "quality")).toEqual({ first: 0.5, last: 7.5 });
  expect(quarters([{ quality: 3 }], "quality")).toEqual({ first: 3, last: 3 });
  expect(quarters(rows, "entropy")).toBeUndefined();
});

describe("a study", () => {
  test.each([...studyNames])(
    "%s: every arm begins at one before it, comparisons and the paper's rows name arms",
    (name) => {
      const { arms, comparisons, paper, recipe } = studyOf(name, scale);
      const names = arms.map((arm) => arm.name);
      expect(new Set(names).size).toBe(names.length);
      arms.forEach(({ from, train }, i) => {
        if (from === null) expect(train).not.toBeNull();
        else expect(names.slice(0, i)).toContain(from);
        if (train?.kind === "sft" && train.contrast !== null)
          expect(train.contrast.block).toBeLessThanOrEqual(recipe.model.layers);
      });
      for (const pair of comparisons) for (const one of pair) expect(names).toContain(one);
      for (const { arm, values } of paper.rows) {
        if (arm !== null) expect(names).toContain(arm);
        expect(values.length).toBe(paper.columns.length);
      }
    },
  );

  test("measures come back as they were written; damaged ones are refused by name", () => {
    const own = join(folder, "measures");
    mkdirSync(own);
    const one = measures("plain", 1, 0.5, 0.4);
    expect(readMeasures(own, "plain")).toBeNull();
    writeMeasures(own, one);
    expect(readMeasures(own, "plain")).toEqual(one);
    writeFileSync(
      join(own, "measures", "plain.json"),
      JSON.stringify({ ...one, wins: [{ clip: "a", twin: 2 }] }),
    );
    expect(() => readMeasures(own, "plain")).toThrow(
      /not the measures of an arm.*plain\.json.*wins\.0\.twin/,
    );
  });

  test("endpoints say what they name, and differences are paired", () => {
    const [a, b] = [measures("a", 1, 0.9, 0.8), measures("b", 1, 0.5, 0.4)];
    const of = (key: string): (typeof endpoints)[number] => endpoints.find((one) => one.key === key)!;
    const mean = (values: readonly { value: number }[]): number =>
      values.reduce((sum, { value }) => sum + value, 0) / values.length;
    expect(of("eventAccuracy").values(a).length).toBe(60);
    expect(of("accuracy").values(a).length).toBe(120);
    expect(mean(of("winGap").values(a))).toBeCloseTo(
      mean(of("win").values(a)) - mean(of("winFrozen").values(a)),
      12,
    );
    // Right with other frames gone, wrong without the event: above 0.
    expect(mean(of("sensitivity").values(a))).toBeGreaterThan(0.3);
    for (const endpoint of endpoints)
      expect(mean(pairedValues(endpoint, a, b))).toBeCloseTo(
        mean(endpoint.values(a)) - mean(endpoint.values(b)),
        12,
      );
  });
});

describe("results", () => {
  const write = (
    out: string,
    arms: Readonly<Record<string, readonly [win: number, right: number, t2v?: number]>>,
  ): void => {
    for (const seed of [1, 2])
      for (const [arm, [win, right, t2v]] of Object.entries(arms)) {
        mkdirSync(seedFolder(out, seed), { recursive: true });
        writeMeasures(seedFolder(out, seed), measures(arm, seed, win, right, t2v));
      }
  };

  test("say what holds, what does not and what cannot be told, and name what is missing", () => {
    const out = join(folder, "whole");
    write(out, {
      plain: [0.5, 0.6],
      scripted: [0.95, 0.6],
      random: [0.5, 0.6],
      literal: [0.6, 0.2, 0.0001],
      "rl-accuracy": [0.9, 0.5],
      "rl-comparative": [0.9, 0.9],
    });
    const results = studyResults(out, study, [1, 2, 3]);
    expect(results.missing).toContain("3/plain");
    expect(results.missing).toContain("1/detected");
    expect(results.missing).not.toContain("1/plain");
    const scripted = results.arms.find(({ arm }) => arm === "scripted")!;
    expect(scripted.seeds).toEqual([1, 2]);
    expect(scripted.endpoints["win"]!.value).toBeGreaterThan(0.85);
    expect(results.arms.find(({ arm }) => arm === "detected")!.endpoints["win"]).toBeNull();
    const findings = studyFindings(results);
    const of = (text: string): string | undefined =>
      findings.find(({ headline }) => headline.includes(text))?.outcome;
    expect(of("Contrast, scripted twins: the text tells the clip from its twin by the event.")).toBe("yes");
    expect(of("Contrast, literal: the contrast is being solved without looking.")).toBe("no");
    expect(of("costs in accuracy cannot be told to half a point")).toBe("open");
    expect(of("Comparative GRPO against GRPO on accuracy: accuracy on event questions is higher.")).toBe(
      "yes",
    );
    const markdown = studyMarkdown(results);
    expect(markdown).toContain("2 of 3 seeds");
    expect(markdown).toContain("| Contrast, scripted twins − Plain SFT |");
    expect(markdown).toContain("| B: no contrastive loss in SFT | .55 | 70.4 | .274 | Plain SFT |");
    const page = studyPage(results, []);
    expect(page).toContain("Contrast, scripted twins: the text tells the clip from its twin");
    expect(page.split("<script>")[0]).not.toMatch(/undefined|NaN|\[object/);
    expect(markdown).not.toMatch(/undefined|NaN/);
  });

  test("RL that loses less than its control has gained nothing, and says so", () => {
    const about = (began: number): ReturnType<typeof studyFindings>[number] => {
      const out = join(folder, `began ${began}`);
      write(out, { detected: [0.9, began], "rl-accuracy": [0.9, 0.5], "rl-comparative": [0.9, 0.9] });
      const found = studyFindings(studyResults(out, study, [1, 2, 3]));
      return found.find(({ headline }) => headline.includes("accuracy on event questions is higher"))!;
    };
    expect(about(0.99)).toMatchObject({ outcome: "open" });
    expect(about(0.99).headline).toMatch(/is higher, and not above where both began\.$/);
    expect(about(0.6)).toMatchObject({ outcome: "yes" });
    expect(about(0.6).detail).toContain("Both began at");
  });

  test("fragment tasks: order that is told by looking, transfer against its controls, one repeated picture beside it", () => {
    const out = join(folder, "fragments");
    const fragments = studyOf("fragments", scale);
    const asked = (arm: string, seed: number, right: number, shown: number): Measures => ({
      ...measures(arm, seed, 0.5, shown),
      fragments: Array.from({ length: 120 }, (_, i) => {
        const draw = seededRandom(arm, seed, "fragment", i);
        const task = i % 2 === 0 ? "disorder" : "rearrangement";
        const chance = i % 2 === 0 ? 0.5 : 0.2;
        const right01 = draw.next() < right ? 1 : 0;
        const repeated = draw.next() < chance ? 1 : 0;
        return { question: `${i}`, clip: `${seed}/${i >> 1}`, task, right: right01, repeated };
      }),
    });
    for (const seed of [1, 2]) {
      mkdirSync(seedFolder(out, seed), { recursive: true });
      writeMeasures(seedFolder(out, seed), asked("sft", seed, 0.4, 0.5));
      writeMeasures(seedFolder(out, seed), asked("sft-sf2t", seed, 0.9, 0.9));
      writeMeasures(seedFolder(out, seed), asked("sft-repeated", seed, 0.4, 0.5));
    }
    const results = studyResults(out, fragments, [1, 2]);
    const arm = results.arms.find((one) => one.arm === "sft-sf2t")!;
    expect(arm.endpoints["disorder"]!.value).toBeGreaterThan(0.8);
    expect(Math.abs(arm.endpoints["orderRepeated"]!.value - 0.35)).toBeLessThan(0.15);
    const headlines = studyFindings(results).map(({ outcome, headline }) => `${outcome} ${headline}`);
    expect(headlines).toContain("yes Base (SFT) + SF2T: disorder of frames is told better than chance.");
    expect(headlines).toContain(
      "yes Base (SFT) + SF2T against Base (SFT) + SF2T without sight: accuracy on all questions is higher.",
    );
    const markdown = studyMarkdown(results);
    expect(markdown).toContain("| Base (SFT) + SF2T − Base (SFT) |");
    expect(markdown).toContain("above Base (SFT), all four");
    expect(markdown).not.toMatch(/undefined|NaN/);
    expect(studyPage(results, []).split("<script>")[0]).not.toMatch(/undefined|NaN|\[object/);
    // Other studies have no such columns.
    expect(studyResults(out, study, [1]).endpoints.map(({ key }) => key)).not.toContain("disorder");
  });

  test("a contrast that wins as often under a random freeze is not said to look", () => {
    const out = join(folder, "freeze");
    write(out, { plain: [0.5, 0.6], scripted: [0.5, 0.6] });
    const [first] = studyFindings(studyResults(out, study, [1, 2]));
    expect(first!.outcome).toBe("open");
    expect(first!.headline).toMatch(
      /no measurable difference between losing the event and a freeze elsewhere/,
    );
  });
});

describe("running", () => {
  const job = { progress: () => silentProgress, signal: new AbortController().signal, warn: () => {} };
  const request = { out: "", seeds: 1, hours: undefined, arms: undefined };

  test("another scale in the same folder is refused before anything is touched", async () => {
    const out = join(folder, "other");
    mkdirSync(out);
    writeFileSync(join(out, "config.json"), JSON.stringify({ schema: "videoperceiver/repro@1" }));
    await expect(runRepro(study, { ...request, out }, job)).rejects.toThrow(
      /another study is there.*--clips/,
    );
    expect(readFileSync(join(out, "config.json"), "utf8")).toBe('{"schema":"videoperceiver/repro@1"}');
  });

  test("an unknown arm is refused with the nearest", async () => {
    const out = join(folder, "unknown");
    await expect(runRepro(study, { ...request, out, arms: ["scriptd"] }, job)).rejects.toThrow(/scripted/);
  });
});
