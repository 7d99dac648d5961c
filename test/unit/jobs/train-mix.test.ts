import { expect, test } from "vitest";
import type { Sample } from "../../../src/dataset/sample.ts";
import { mixedGroups } from "../../../src/jobs/train/mix.ts";
import type { SampleGroup } from "../../../src/jobs/train/rows.ts";
import { batchAt } from "../../../src/training/order.ts";

const group = (folder: string, skill: string, more: Partial<Sample> = {}): SampleGroup => ({
  folder,
  samples: [
    {
      id: `${folder}/${skill}`,
      clip: { file: "", sha256: skill, timeline: [] },
      messages: [],
      answer: "-",
      answerKind: "open",
      skill,
      provenance: {},
      ...more,
    },
  ],
});
const many = (count: number, folder: string, skill: string, more?: Partial<Sample>): SampleGroup[] =>
  Array.from({ length: count }, () => group(folder, skill, more));

const rows = {
  groups: [
    ...many(30, "fragments", "counting"),
    ...many(10, "fragments", "disorder"),
    ...many(20, "set", "caption", { keywords: ["dog"] }),
  ],
  datasets: ["fragments", "set"].map((folder) => ({ folder, contentHash: "" })),
};
const asked = { clipsPerStep: 8, seed: 1 };
const shares = (mix: Parameters<typeof mixedGroups>[1]["mix"], contrasts = false) => {
  const { order } = mixedGroups(rows, { ...asked, mix }, contrasts);
  const all = Array.from({ length: 60 }, (_, i) => order(i + 1)).flat();
  const of = (folder: string, skill: string): number =>
    all.filter((at) => rows.groups[at]!.folder === folder && rows.groups[at]!.samples[0]!.skill === skill)
      .length / all.length;
  return [of("fragments", "counting"), of("fragments", "disorder"), of("set", "caption")];
};

test("without a mix the order is that of before, bit for bit", () => {
  const { order } = mixedGroups(rows, { ...asked, mix: { sets: null, skills: null } }, false);
  for (const step of [1, 7, 30]) expect(order(step)).toEqual(batchAt(60, 8, step, 1));
});

test("data sets by their weights, named skills of a set by theirs; what is not named keeps its share", () => {
  const near = (found: number[], expected: number[]): void =>
    found.forEach((share, at) => {
      expect(share).toBeCloseTo(expected[at]!, 1);
    });
  near(shares({ sets: [1, 1], skills: null }), [3 / 8, 1 / 8, 1 / 2]);
  near(shares({ sets: [1, 3], skills: { counting: 1, disorder: 1 } }), [1 / 8, 1 / 8, 3 / 4]);
  near(shares({ sets: null, skills: { counting: 1, disorder: 3 } }), [1 / 6, 1 / 2, 1 / 3]);
  near(shares({ sets: [1, 1], skills: { counting: 0, disorder: 1 } }), [0, 1 / 2, 1 / 2]);
});

test("where losses contrast, fragments fill steps of their own; alone they are refused clip by clip as before", () => {
  const mixed = mixedGroups(rows, { ...asked, mix: { sets: [1, 1], skills: null } }, true);
  expect([...mixed.notContrasted]).toEqual(["fragments"]);
  for (let step = 1; step <= 20; step++) {
    const folders = new Set(mixed.order(step).map((at) => rows.groups[at]!.folder));
    expect(folders.size).toBe(1);
  }
  const alone = { groups: many(4, "fragments", "counting"), datasets: rows.datasets.slice(0, 1) };
  expect(mixedGroups(alone, { ...asked, mix: { sets: null, skills: null } }, true).notContrasted.size).toBe(
    0,
  );
});

test("a weight too few, and a skill that nobody has, are named", () => {
  const mix = (sets: number[] | null, skills: Record<string, number> | null) => () =>
    mixedGroups(rows, { ...asked, mix: { sets, skills } }, false);
  expect(mix([1], null)).toThrow(/mix\.sets.*each of the 2 data sets.*\[1\]/);
  expect(mix(null, { disordr: 2 })).toThrow(/disordr.*disorder/);
});
