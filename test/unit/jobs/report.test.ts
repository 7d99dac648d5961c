import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import type { EvaluationRecord } from "../../../src/evaluation/records.ts";
import type { ExampleKind } from "../../../src/evaluation/report/model.ts";
import { type ReportResult, report } from "../../../src/jobs/report.ts";
import { loadEncoder } from "../../../src/world/encode.ts";
import { makeEvaluatedRun } from "./evaluated-run.ts";

const context = { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} };
const usable = await loadEncoder().then(
  () => true,
  () => false,
);
if (!usable) console.warn("SKIPPED: reports from folders need clips, which cannot be written here");

describe.skipIf(!usable)("a report from a run's folder", () => {
  let folder: string;
  let records: readonly EvaluationRecord[];
  let made: ReportResult;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "report-"));
    ({ records } = await makeEvaluatedRun(folder));
    made = await report(folder, context);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** A copy of the run that a test may damage. */
  const copy = (name: string): string => {
    const into = `${folder}-${name}`;
    cpSync(folder, into, { recursive: true });
    return into;
  };

  const share = (name: string): number => {
    const own = records.filter(({ intervention }) => intervention.name === name);
    return own.filter(({ correct }) => correct).length / own.length;
  };

  test("a report is rebuilt from its folder, byte for byte, wherever the folder is moved", async () => {
    const page = readFileSync(made.file, "utf8");
    const moved = copy("moved");
    rmSync(join(moved, "report.html"));
    expect(readFileSync((await report(moved, context)).file, "utf8")).toBe(page);
    rmSync(moved, { recursive: true });
  });

  test("its numbers are those of the records", () => {
    const { rows, seeing, differences } = made.model;
    const [blind, main] = rows;
    expect(main!.complete.overall!.value).toBeCloseTo(share("complete"), 12);
    expect(main!.absent!.overall!.value).toBeCloseTo(share("absent"), 12);
    expect(blind!.complete.overall!.value).toBe(share("blind"));
    expect(blind!.absent).toBeNull();
    expect(seeing!.value).toBeCloseTo(share("complete") - share("blind"), 12);
    expect(differences[0]!.difference.value).toBeCloseTo(seeing!.value, 12);
    const { onlyFirst, onlySecond } = differences[0]!.disagreement;
    expect((onlyFirst - onlySecond) / main!.complete.overall!.questions).toBeCloseTo(seeing!.value, 12);
    // The metrics that the benchmark names, and what is reported with every one.
    const metrics = new Map(main!.metrics.map(({ name, value }) => [name, value!.value]));
    expect(metrics.get("accuracy")).toBeCloseTo(share("complete"), 12);
    expect([...metrics.keys()]).toContain("macro-accuracy");
    expect(metrics.get("answered-rate")).toBe(1);
    expect(main!.note).toMatch(/^2 steps, \d+\.\d min$/);
  });

  test("settings are the run's own, and who set them: a lambda of 0.3 is not shown as the default's 0.5", () => {
    const { settings } = made.model.provenance;
    const of = (name: string): unknown[] =>
      settings.filter((one) => one.name === name).map(({ stage, value, origin }) => [stage, value, origin]);
    expect(of("lambda")).toEqual([["RL", "0.3", "run"]]);
    expect(of("refeedTries")).toEqual([["RL", "2", "ours"]]);
    expect(of("losses.contrastive.weight")).toEqual([["SFT", "0.1", "paper"]]);
    expect(of("losses.contrastive.block")).toEqual([["SFT", "2", "run"]]);
    expect(of("losses.contrastive.temperature")).toEqual([["SFT", "0.07", "run"]]);
    // What a stage was not made with is not shown at all.
    expect(settings.map(({ name }) => name)).not.toContain("onExhausted");
    const page = readFileSync(made.file, "utf8");
    expect(page).toMatch(/lambda<\/th><td>0\.3<\/td><td>RL<\/td><td><span class="chip run">this run/);
  });

  describe("examples", () => {
    test("two flips, one success, one failure of different clips, with the counts over all questions", () => {
      const { counts, pairs } = made.model.examples!;
      const complete = records.filter(({ intervention }) => intervention.name === "complete");
      const absent = new Map(
        records
          .filter(({ intervention }) => intervention.name === "absent")
          .map((record) => [record.questionId, record]),
      );
      const expected: Record<ExampleKind, number> = { flip: 0, kept: 0, missed: 0 };
      for (const { questionId, correct } of complete)
        expected[!correct ? "missed" : absent.get(questionId)!.correct ? "kept" : "flip"]++;
      expect(counts).toEqual(expected);
      expect(counts.flip + counts.kept + counts.missed).toBe(complete.length);
      expect(pairs.map(({ kind }) => kind)).toEqual(["flip", "flip", "kept", "missed"]);
      const clips = pairs.map(({ id }) => complete.find(({ questionId }) => questionId === id)!.videoId);
      expect(new Set(clips).size).toBe(4);
    });
    test("a twin's strip shows at every time what its record says, with the time that is shown", () => {
      for (const pair of made.model.examples!.pairs) {
        const record = records.find(
          ({ questionId, intervention }) => questionId === pair.id && intervention.name === "absent",
        )!;
        const times = new Map(record.frameIndices.map((frame, t) => [frame, record.frameTimesSeconds[t]!]));
        pair.absent.forEach((picture, t) => {
          expect(picture.timeSeconds).toBe(record.frameTimesSeconds[t]);
          const shown = record.shownFrames[t]!;
          const isOwn = shown === record.frameIndices[t];
          expect(picture.shownFromSeconds).toBe(isOwn ? null : times.get(shown));
          expect(picture.image).toBe(record.frameIndices.indexOf(shown));
        });
        expect(pair.images.length).toBe(record.frameIndices.length);
      }
    });
    test("a clip that is gone is named among what was left out", async () => {
      const damaged = copy("gone");
      renameSync(join(damaged, "world", "clips"), join(damaged, "world", "moved"));
      const { model } = await report(damaged, context);
      expect(model.examples!.pairs).toEqual([]);
      expect(model.examples!.counts).toEqual(made.model.examples!.counts);
      expect(model.provenance.leftOut.length).toBe(4);
      for (const { what } of model.provenance.leftOut) expect(what).toMatch(/^example world-/);
      rmSync(damaged, { recursive: true });
    });
  });

  test("baselines are learned from the rows that were not asked", () => {
    const { skills } = made.model;
    expect(skills.reduce((sum, { questions }) => sum + questions, 0)).toBe(
      records.filter(({ intervention }) => intervention.name === "complete").length,
    );
    for (const { chance, majority } of skills) {
      expect(chance).toBeGreaterThan(0);
      expect(majority).toBeGreaterThanOrEqual(0);
    }
  });

  test("charts are of what the stages logged", () => {
    expect(made.model.curves.map(({ title, series }) => [title, series.map(({ name }) => name)])).toEqual([
      ["Next-token loss", ["SFT"]],
      ["Contrastive losses at the chosen block", ["video to video"]],
      ["Quality of answers in RL", ["complete clip", "absent twin"]],
    ]);
  });

  describe("a folder that cannot be reported is one line", () => {
    const failing = async (name: string, damage: (place: string) => string | undefined): Promise<string> => {
      const damaged = copy(name);
      const place = damage(damaged) ?? damaged;
      const error = await report(place, context).catch((thrown: Error) => thrown);
      rmSync(damaged, { recursive: true });
      expect((error as Error).message).not.toContain("\n");
      return (error as Error).message;
    };
    test.each([
      ["nothing", (place: string) => join(place, "nowhere"), "no evaluated run here"],
      ["the run of a stage", (place: string) => join(place, "rl"), "name the folder above it"],
      [
        "no records",
        (place: string) => {
          rmSync(join(place, "evaluation"), { recursive: true });
          return undefined;
        },
        "the run has no records",
      ],
      [
        "a torn record",
        (place: string) => {
          appendFileSync(join(place, "evaluation", "rl.jsonl"), '{"schema": "videoper');
          return undefined;
        },
        "not valid JSON",
      ],
      [
        "a description of another shape",
        (place: string) => {
          const file = join(place, "config.json");
          writeFileSync(file, readFileSync(file, "utf8").replace('"seed": 3', '"seed": "three"'));
          return undefined;
        },
        "seed: Invalid input: expected number, received string",
      ],
    ])("%s", async (name, damage, message) => {
      expect(await failing(name.replaceAll(" ", "-"), damage)).toContain(message);
    });
  });
});
