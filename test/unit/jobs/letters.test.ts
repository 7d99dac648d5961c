import { expect, test } from "vitest";
import { questionBuilders } from "../../../src/dataset/questions.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { samplesOfRow } from "../../../src/jobs/build/clip-samples.ts";

const captions = [
  "A red ball rolls.",
  "Two dogs bark loudly.",
  "Somebody opens windows.",
  "Rain falls down.",
];

/** The choice questions of a row that stands at a place of the build. */
const questionsAt = async (place: number, builder: string, seed = 0): Promise<Sample[]> => {
  const clip = { file: `clips/${place}.mp4`, sha256: String(place), timeline: [], durationSeconds: 9 };
  const happening = (what: string, startSeconds: number) => ({
    what,
    startSeconds,
    endSeconds: startSeconds + 1,
  });
  const events = [happening("a jump", 1), happening("a fall", 5)];
  const caption = `Clip ${place} shows thing-${place}.`;
  const row = { id: `row-${place}`, clip: { file: "a.mp4" }, caption, provenance: {} };
  const nothing = { absent: undefined, keywords: [], frames: undefined, facts: undefined, rejected: {} };
  return samplesOfRow(
    { ...nothing, row, clip, events, otherCaptions: captions, provenance: {}, place },
    [await questionBuilders.choose(builder)],
    seed,
  );
};

const letterOf = ({ answer, options }: Sample): number => options!.indexOf(answer);

test("any run of rows that is as long as there are options has the right one at every letter", async () => {
  const letters: number[] = [];
  for (let place = 0; place < 48; place++) {
    const [sample] = await questionsAt(place, "which-caption");
    expect(new Set(sample!.options).size).toBe(4);
    expect(sample!.answer).toBe(`Clip ${place} shows thing-${place}.`);
    letters.push(letterOf(sample!));
  }
  const runs = Array.from({ length: 12 }, (_, at) => letters.slice(4 * at, 4 * at + 4));
  for (const run of runs) expect([...run].sort()).toEqual([0, 1, 2, 3]);
  // Nobody can count along: the order within a run is drawn.
  expect(new Set(runs.map(String)).size).toBeGreaterThan(6);
});

test("questions with two options are as often right at either, and another seed has other places", async () => {
  const letters = async (seed: number): Promise<number[]> => {
    const found: number[] = [];
    for (let place = 0; place < 40; place++)
      for (const sample of await questionsAt(place, "order", seed)) found.push(letterOf(sample));
    return found;
  };
  const first = await letters(0);
  expect(first.length).toBeGreaterThan(39);
  const right = first.filter((letter) => letter === 0).length;
  expect(Math.abs(2 * right - first.length)).toBeLessThanOrEqual(2);
  expect(await letters(1)).not.toEqual(first);
});
