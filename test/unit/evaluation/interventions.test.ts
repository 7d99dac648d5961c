import fc from "fast-check";
import { expect, test } from "vitest";
import { twinView } from "../../../src/absent/twin-view.ts";
import { seededRandom } from "../../../src/core/random.ts";
import {
  absentView,
  eventPositions,
  type Intervention,
  interventionRegistry,
  type View,
} from "../../../src/evaluation/interventions.ts";
import { arbitraryView, sampleOf, twinOf } from "../../contract/sample-fixture.ts";

const make = async (name: string, params?: object): Promise<Intervention> =>
  (await interventionRegistry.make(name, params)).value;
const sample = sampleOf("clip-a#1", 40, [12, 16]);
const positions_T = [0, 4, 8, 12, 14, 18, 22, 26, 30, 34, 38];
const request = { sample, twin: twinOf(sample), positions_T, random: seededRandom(7), partner: null };
const shown = async (name: string, params?: object): Promise<View["shown_T"] | undefined> =>
  (await make(name, params))(request)?.shown_T;

test("absent reads the sample's replacements; frames outside stay", async () => {
  expect(await shown("absent")).toEqual([0, 4, 8, 11, 11, 18, 22, 26, 30, 34, 38]);
  expect((await make("absent"))({ ...request, sample: sampleOf("x", 40, null), twin: null })).toBeNull();
});

test("reversed, shuffled, single frame, blind", async () => {
  expect(await shown("reversed")).toEqual([...positions_T].reverse());
  const shuffled = (await shown("shuffled"))!;
  expect(shuffled).not.toEqual(positions_T);
  expect([...shuffled].sort((a, b) => a! - b!)).toEqual(positions_T);
  expect((await make("shuffled"))({ ...request, positions_T: [3] })).toBeNull();
  expect(await shown("frozen")).toEqual(positions_T.map(() => 18));
  expect(
    (await shown("single-frame", { at: "last", others: "blank" }))?.filter((frame) => frame !== null),
  ).toEqual([38]);
  expect((await make("blind"))(request)).toEqual({
    shown_T: positions_T.map(() => null),
    withoutVideo: true,
  });
  expect((await make("blind", { pictures: "blank" }))(request)?.withoutVideo).toBeUndefined();
});

test("mismatched shows the partner's frames and names its clip", async () => {
  const partner = { sample: sampleOf("clip-b#1", 30, null), positions_T: [1, 2, 3] };
  expect((await make("mismatched"))({ ...request, partner })).toEqual({
    shown_T: [1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3],
    clip: "clip-b#1",
  });
  expect((await make("mismatched"))(request)).toBeNull();
});

/** Lengths of stretches of positions that a view changes, sorted. */
const runs = (changed: readonly boolean[]): number[] =>
  changed
    .map((now) => (now ? "x" : " "))
    .join("")
    .split(" ")
    .map(({ length }) => length)
    .filter((length) => length > 0)
    .sort((a, b) => a - b);

test("random removal changes stretches of the same lengths, never an event or key frame, never copies one", async () => {
  const intervene = await make("random-removal");
  let applied = 0;
  fc.assert(
    fc.property(arbitraryView, fc.nat(), (given, seed) => {
      const asked = { ...given, twin: twinOf(given.sample), random: seededRandom(seed), partner: null };
      const view = intervene(asked);
      const absent = absentView(asked);
      if (view === null || absent === null) {
        expect(view).toBeNull();
        return;
      }
      applied++;
      const changed = given.positions_T.map((frame, t) => view.shown_T[t] !== frame);
      expect(runs(changed)).toEqual(runs(given.positions_T.map((frame, t) => absent.shown_T[t] !== frame)));
      const decisive = eventPositions(given.sample, given.positions_T);
      const decisiveFrames = new Set([...decisive].map((t) => given.positions_T[t]!));
      changed.forEach((is, t) => {
        if (!is) return;
        expect(decisive.has(t)).toBe(false);
        expect(decisiveFrames.has(view.shown_T[t]!)).toBe(false);
        expect(view.shown_T[t]!).toBeLessThan(given.positions_T[t]!);
      });
    }),
    { numRuns: 400 },
  );
  expect(applied).toBeGreaterThan(50);
});

test("random removal says when there is no room", async () => {
  expect((await make("random-removal"))({ ...request, positions_T: [12, 14] })).toBeNull();
});

test("a mask twin keeps its mask, and so does its control", async () => {
  const by = { name: "mask", params: { fill: "grey" } };
  const replacements = [8, 12].map((index) => ({ index, from: index }));
  const masked = {
    ...sampleOf("clip-a#1", 40, null),
    absent: { keyFrames: [8, 12], replacements, builder: by },
  };
  const twin = await twinView(masked.absent);
  const asked = { ...request, sample: masked, twin };
  const absent = (await make("absent"))(asked)!;
  expect(absent.shown_T).toEqual(positions_T);
  expect(absent.painted).toMatchObject({ by, at_T: positions_T.map((frame) => frame === 8 || frame === 12) });
  const picture = Uint8Array.from({ length: 12 }, (_, i) => i);
  absent.painted!.pixels(picture, 2, 2);
  expect(new Set(picture)).toEqual(new Set([128]));
  const control = (await make("random-removal"))(asked)!;
  expect(control.shown_T).toEqual(positions_T);
  expect(control.painted!.at_T.filter(Boolean)).toHaveLength(2);
  control.painted!.at_T.forEach((is, t) => {
    if (is) expect([8, 12]).not.toContain(positions_T[t]);
  });
});
