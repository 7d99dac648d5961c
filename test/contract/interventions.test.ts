import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { interventionRegistry } from "../../src/evaluation/interventions.ts";
import { arbitraryView, sampleOf, twinOf } from "./sample-fixture.ts";

const names = interventionRegistry.names();
const partner = { sample: sampleOf("clip-b#1", 30, null), positions_T: [0, 10, 20] };
test("there are interventions", () => expect(names.length).toBeGreaterThan(0));

describe.each(names)("intervention %s", (name) => {
  test("says what it is and refuses unknown parameters", async () => {
    const plugin = await interventionRegistry.load(name);
    for (const text of [plugin.summary, plugin.source, plugin.tells]) expect(text).not.toBe("");
    await expect(interventionRegistry.make(name, { noSuchParameter: 1 })).rejects.toThrow(
      `intervention "${name}"`,
    );
  });
  test("keeps the number of positions, shows only frames of the clip it names, repeats with its seed, changes nothing", async () => {
    const { value: intervene } = await interventionRegistry.make(name);
    fc.assert(
      fc.property(arbitraryView, fc.nat(), ({ sample, positions_T }, seed) => {
        const before = structuredClone({ sample, positions_T });
        const request = { sample, twin: twinOf(sample), positions_T, partner };
        const view = intervene({ ...request, random: seededRandom(seed) });
        expect(intervene({ ...request, random: seededRandom(seed) })).toEqual(view);
        expect({ sample, positions_T }).toEqual(before);
        if (view === null) return;
        expect(view.shown_T.length).toBe(positions_T.length);
        if (view.dropped_T !== undefined) {
          expect(view.dropped_T.length).toBe(positions_T.length);
          expect(view.dropped_T).toContain(false);
        }
        if (view.toldAs_T !== undefined)
          expect([...view.toldAs_T].sort((a, b) => a - b)).toEqual(positions_T.map((_, t) => t));
        if (view.withoutVideo) expect(view.shown_T.every((frame) => frame === null)).toBe(true);
        const clip = view.clip === undefined ? sample : partner.sample;
        const known = new Set(clip.clip.timeline.map(({ index }) => index as number));
        for (const frame of view.shown_T) if (frame !== null) expect(known.has(frame)).toBe(true);
      }),
    );
  });
});
