import { expect, test } from "vitest";
import { mediaStep } from "../../../src/batch/media-step.ts";
import { ClipFeed, KeptClips, patchBytes } from "../../../src/jobs/train/clip-feed.ts";
import { preferenceBytes } from "../../../src/jobs/train/preferences.ts";
import { questionBytes } from "../../../src/jobs/train/prompts.ts";
import { Dropped } from "../../../src/jobs/train/rows.ts";

const clipOf = (at: number) => ({
  at,
  media: [mediaStep(new Uint8Array(200_000).fill(at), 1, 1)],
  absentSteps: new Map([[0, mediaStep(new Uint8Array(100_000).fill(at), 1, 1)]]),
});
/** Ten clips, two a step, for three epochs. @returns clips of every step, and how often each was read */
const fed = async (keptBytes: number) => {
  const reads = new Array<number>(10).fill(0);
  const kept = new KeptClips(
    async (at: number) => {
      reads[at]!++;
      // Every third one cannot be had.
      return at % 3 === 2 ? undefined : clipOf(at);
    },
    patchBytes,
    keptBytes,
  );
  const feed = new ClipFeed(
    10,
    (at) => kept.of(at),
    { clipsPerStep: 2, seed: 1, steps: 15, aheadBytes: 1e6 },
    new Dropped(() => {}),
    patchBytes,
  );
  const steps: number[][] = [];
  for (let step = 1; step <= 15; step++) steps.push((await feed.take(step)).map(({ at }) => at));
  return { steps, reads };
};

test("clips are read once while there is room, and the steps hold the same ones whatever is kept", async () => {
  const [none, some, all] = [await fed(0), await fed(1_000_000), await fed(1e9)];
  expect(some.steps).toEqual(none.steps);
  expect(all.steps).toEqual(none.steps);
  expect(none.reads).toEqual(new Array(10).fill(3));
  const had = [0, 1, 3, 4, 6, 7, 9];
  expect(had.map((at) => all.reads[at])).toEqual(new Array(7).fill(1));
  // A clip takes a third of the room: three are kept, twin included.
  expect(had.filter((at) => some.reads[at] === 1)).toHaveLength(3);
  expect(had.filter((at) => some.reads[at] === 3)).toHaveLength(4);
});

test("what waits or is kept counts with its control and with other films", () => {
  const clip = {
    ...clipOf(0),
    id: "a",
    frozenSteps: new Map([[0, mediaStep(new Uint8Array(50_000), 1, 1)]]),
  };
  const film = { media: [mediaStep(new Uint8Array(70_000), 1, 1)], texts: [] };
  const bare = patchBytes(clip);
  const asked = { clip } as unknown as Parameters<typeof questionBytes>[0];
  expect(questionBytes(asked)).toBe(bare + 50_000);
  expect(preferenceBytes({ ...clip, texts: [], pairs: [], films: [] })).toBe(bare + 50_000);
  expect(preferenceBytes({ ...clip, texts: [], pairs: [], films: [film] })).toBeGreaterThanOrEqual(
    bare + 120_000,
  );
});
