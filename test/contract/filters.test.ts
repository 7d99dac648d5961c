import { describe, expect, test } from "vitest";
import type { FrameIndex, Seconds } from "../../src/core/units.ts";
import { clipPrint } from "../../src/dataset/clip-print.ts";
import { datasetFilters, type Filter, filterSamples } from "../../src/dataset/filter.ts";
import { timesIn } from "../../src/dataset/filters/times-inside.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import { planClip } from "../../src/world/clip.ts";
import { worldProfile } from "../../src/world/profile.ts";
import { samplesOf } from "../../src/world/samples.ts";
import { movingSquare } from "../unit/dataset/print-fixture.ts";

const sampleWith = (id: string, question: string, answer: string, changes: Partial<Sample> = {}): Sample => ({
  id,
  clip: {
    file: "clips/a.mp4",
    sha256: "a".repeat(64),
    timeline: Array.from({ length: 100 }, (_, i) => ({
      index: i as FrameIndex,
      timeSeconds: (i / 25) as Seconds,
    })),
  },
  messages: [{ role: "user", content: [{ type: "text", text: question }] }],
  answer,
  answerKind: "open",
  provenance: {},
  ...changes,
});

const printOf = (left: number): string => {
  const { frames, width, height } = movingSquare(left);
  return clipPrint(frames, width, height)!;
};

/** A sample of a clip of its own whose print is that of a square. */
const printed = (id: string, clip: string, left: number): Sample =>
  sampleWith(id, "What happens?", "it falls", {
    clip: { ...sampleWith(id, "", "x").clip, file: `clips/${clip}.mp4`, sha256: clip.repeat(64) },
    provenance: { print: printOf(left), clip: `${clip}.mp4` },
  });

/** For every rule, samples that must stay and samples that must go with a part of the reason. */
const cases: Record<string, { params?: object; stay: Sample[]; go: [Sample, RegExp][] }> = {
  "near-duplicate": {
    stay: [
      printed("1", "a", 8),
      printed("2", "b", 40),
      // Another question about the first clip, and a clip without a print.
      printed("3", "a", 8),
      sampleWith("4", "What?", "it"),
    ],
    go: [[printed("5", "c", 8), /a copy of a\.mp4/]],
  },
  "not-in": {
    params: {
      hashes: ["c".repeat(64)],
      names: ["v_Abc.mp4"],
      prints: [{ name: "bench.mp4", print: printOf(8), durationSeconds: 4 }],
    },
    stay: [printed("1", "b", 40), sampleWith("2", "What?", "it")],
    go: [
      [printed("3", "c", 40), /same content/],
      [printed("4", "d", 8), /looks like bench\.mp4/],
      [sampleWith("5", "What?", "it", { provenance: { clip: "train/v_abc.avi" } }), /named v_abc/],
    ],
  },
  "question-form": {
    stay: [
      sampleWith("1", "What happens first?", "a flash"),
      sampleWith("2", "Describe the event.", "a flash"),
    ],
    go: [
      [sampleWith("3", "", "a"), /no question/],
      [sampleWith("4", "What happens first.", "a"), /question mark/],
      [sampleWith("5", "What? And when?", "a"), /2 questions/],
    ],
  },
  "answer-leak": {
    stay: [
      sampleWith("1", "What happens?", "flash"),
      sampleWith("2", "Which is first, flash or hop?", "hop", {
        options: ["flash", "hop"],
        answerKind: "choice",
      }),
      sampleWith("3", "Who is hopping?", "hop"),
    ],
    go: [[sampleWith("4", "When does the red square flash?", "red square"), /contains the answer/]],
  },
  "temporal-cue": {
    stay: [
      sampleWith("1", "What happens?", "it does"),
      sampleWith("2", "Which frame?", "at 0:03"),
      sampleWith("3", "Where?", "left", { answerKind: "span" }),
    ],
    go: [[sampleWith("4", "Which color is the car?", "red"), /time, order/]],
  },
  "times-inside": {
    stay: [sampleWith("1", "What happens at 3.5 s?", "from 0:01 to 0:04")],
    go: [
      [sampleWith("2", "What happens at 12 seconds?", "a"), /12 s/],
      [sampleWith("3", "What?", "at 1:05"), /65 s/],
      [sampleWith("4", "What?", "x", { events: [{ startSeconds: 3, endSeconds: 9, what: "hop" }] }), /"hop"/],
    ],
  },
  "whole-counts": {
    stay: [
      sampleWith("1", "How many times?", "three", { answerKind: "choice" }),
      sampleWith("2", "How many?", "4", { answerKind: "number" }),
      sampleWith("3", "What?", "no number at all"),
    ],
    go: [
      [sampleWith("4", "How many?", "-2", { answerKind: "number" }), /whole number/],
      [sampleWith("5", "How many?", "2.5", { answerKind: "number" }), /whole number/],
      [sampleWith("6", "How often?", "some", { answerKind: "choice" }), /not a number/],
    ],
  },
  "visible-only": {
    stay: [sampleWith("1", "What happens?", "the soundless square hops")],
    go: [
      [sampleWith("2", "What is heard?", "a bang"), /"heard"/],
      [sampleWith("3", "What happens?", "something outside the frame moves"), /"outside the frame"/],
    ],
  },
  "yes-no-balance": { stay: [sampleWith("1", "What?", "flash")], go: [] },
  "no-duplicates": {
    stay: [sampleWith("1", "What happens?", "a")],
    go: [[sampleWith("2", "what  happens ?", "b"), /the same as 1/]],
  },
  "grounded-answer": {
    stay: [
      sampleWith("1", "What?", "the dog jumps", {
        provenance: { caption: "A brown dog jumps over a fence." },
      }),
      sampleWith("2", "What?", "the dog jumps"),
    ],
    go: [
      [
        sampleWith("3", "What?", "the elephant jumps", {
          provenance: { caption: "A brown dog jumps over a fence." },
        }),
        /"elephant"/,
      ],
    ],
  },
};

const make = async (name: string, params?: object): Promise<{ id: string; filter: Filter }> => ({
  id: name,
  filter: (await datasetFilters.make(name, params)).value,
});

describe("validator rules", () => {
  test("every rule has cases here", () => {
    expect(datasetFilters.names()).toEqual(Object.keys(cases).sort());
  });

  test.each(datasetFilters.names())("%s keeps what is right and names what is wrong", async (name) => {
    const { stay, go, params } = cases[name]!;
    const plugin = await datasetFilters.load(name);
    expect(plugin.summary.length).toBeGreaterThan(10);
    expect(plugin.source.length).toBeGreaterThan(3);
    const all = [...stay, ...go.map(([sample]) => sample)];
    const { kept, rejected } = filterSamples(all, [await make(name, params)]);
    expect(kept.map((sample) => sample.id)).toEqual(stay.map((sample) => sample.id));
    for (const [sample, reason] of go) {
      const entry = rejected.find(({ source }) => source === sample.id);
      expect(entry?.ruleId).toBe(name);
      expect(entry?.reason).toMatch(reason);
    }
  });

  test("yes and no are thinned to the allowed share, the same ones every time", async () => {
    const samples = Array.from({ length: 100 }, (_, i) =>
      sampleWith(`s${i}`, "Is it?", i < 30 ? "yes" : "No."),
    );
    const first = filterSamples(samples, [await make("yes-no-balance")]);
    const yes = first.kept.filter((sample) => sample.answer === "yes").length;
    expect(yes).toBe(30);
    expect(yes / first.kept.length).toBeGreaterThanOrEqual(0.45);
    expect(first.kept.length).toBe(66);
    expect(filterSamples(samples, [await make("yes-no-balance")]).kept).toEqual(first.kept);
  });

  test("times are found in the ways that people write them", () => {
    expect(timesIn("from 0:03 to 1:02:05.5, 2.5s, 12 seconds and -1 s")).toEqual([3, 3725.5, 2.5, 12, -1]);
    expect(timesIn("3 squares, 4 of them small")).toEqual([]);
  });

  test("the world's own samples pass every rule", async () => {
    const rules = await Promise.all(datasetFilters.names().map((name) => make(name)));
    const clips = Array.from({ length: 60 }, (_, index) =>
      planClip("filters", index, worldProfile("standard")),
    );
    const samples = clips.flatMap((plan) =>
      samplesOf(plan, { file: `clips/${plan.index}.mp4`, sha256: String(plan.index).padStart(64, "0") }),
    );
    expect(filterSamples(samples, rules).rejected).toEqual([]);
  });
});
