import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { readRollouts } from "../../../src/runs/read-run.ts";
import { controlNames, dealtAgain, frozenPatches, twinPatches } from "../../../src/training/grpo-controls.ts";
import { beginner, grpo, metric, type Seen, watched } from "./grpo-runs.ts";
import { instruction, toyClips } from "./tiny.ts";

const clips = toyClips(12);

test("a random freeze hides as many steps as the twin, none of them decisive, and leaves the event to be seen", () => {
  clips.forEach((clip, i) => {
    const { steps } = frozenPatches(clip, seededRandom(i));
    const own = clip.patches.steps;
    const changed = steps.flatMap((step, at) => (step === own[at] ? [] : [at]));
    const [decisive] = [...clip.absentSteps.keys()];
    expect(changed.length).toBe(1);
    expect(changed[0]).toBeGreaterThan(0);
    expect(changed).not.toContain(decisive);
    for (const at of changed) expect(steps[at]).toBe(steps[at - 1]);
    expect(steps[decisive!]).toBe(own[decisive!]);
  });
});

test("what stands in the twin's place: the twin, or the clip itself", () => {
  const [clip] = clips;
  const random = seededRandom(1);
  for (const control of controlNames) {
    const shown = twinPatches(control, clip!, random);
    const isOwn = control === "twin-is-clip" || control === "instruction-only";
    expect(shown === clip!.patches, control).toBe(isOwn);
  }
  const [at] = [...clip!.absentSteps.keys()];
  expect(twinPatches("none", clip!, random).steps[at!]).toBe(clip!.absentSteps.get(at!));
});

test("dealing out again keeps every item and every group's size, and moves most of them", () => {
  const groups = [[1, 2, 3], [4], [5, 6, 7, 8]];
  const dealt = dealtAgain(groups, seededRandom("deal"));
  expect(dealt.map(({ length }) => length)).toEqual([3, 1, 4]);
  expect(dealt.flat().sort()).toEqual(groups.flat());
  expect(dealt.flat()).not.toEqual(groups.flat());
});

test("controls in the loop: the same prompts, but what they compare is another thing", async () => {
  const folder = mkdtempSync(join(tmpdir(), "controls-"));
  const prompts: string[][] = [];
  for (const control of controlNames) {
    const seen: Seen = { samples: [], steps: [], drawn: [] };
    const trainee = await beginner(folder, (started) => watched(started, seen));
    const options = { control, steps: 2, rewards: { accuracy: 1 }, prefilter: { draws: 4, share: 0.9 } };
    const run = await grpo(folder, trainee, toyClips(24), options);
    prompts.push(readRollouts(run).map(({ sampleId }) => sampleId));
    const [both] = seen.samples.filter(({ seed }) => !seed.includes("prefilter"));
    const { ids, length, samples, source } = both!.batch;
    expect(samples).toBe(16);
    const half = <T>(values: ArrayLike<T>, from: number): T[] =>
      Array.from(values).slice((from * samples * length) / 2, ((from + 1) * samples * length) / 2);
    const asked = (from: number): number => half(ids, from).filter((id) => id === instruction[0]).length;
    expect([asked(0), asked(1)], control).toEqual([0, control === "instruction-only" ? 8 : 0]);
    // A visual token is named by its step's content: the same pictures, the same numbers.
    const isOwn = control === "twin-is-clip" || control === "instruction-only";
    const shown = (from: number): number[] => half(source, from).filter((token) => token >= 0);
    if (isOwn) expect(shown(0)).toEqual(shown(1));
    else expect(shown(0)).not.toEqual(shown(1));
    if (control === "instruction-only") expect(metric(run, "resamples")).toEqual([0, 0]);
    for (const entropy of metric(run, "entropy")) expect(entropy).toBeGreaterThan(0);
    if (control === "shuffled-rewards") {
      // Rewards are those of other completions: right ones go empty, wrong ones are paid.
      const paid = readRollouts(run).flatMap(({ complete: own, reference }) =>
        own.map(({ text, rewards }) => (text.startsWith(reference!) ? 1 : 0) === rewards["accuracy"]),
      );
      expect(paid.includes(false)).toBe(true);
    }
    await trainee.engine[Symbol.asyncDispose]();
  }
  for (const own of prompts) expect(own).toEqual(prompts[0]);
  rmSync(folder, { recursive: true });
});
