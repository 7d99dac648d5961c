import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { absentBuilders } from "../../../src/absent/builders.ts";
import { absentBatch } from "../../../src/absent/twin-frames.ts";
import { shownPicture, twinView, twinViewOf } from "../../../src/absent/twin-view.ts";
import { rowOfSample, sampleFromRow } from "../../../src/dataset/schema.ts";
import { clipPatches } from "../../../src/frames/clip-patches.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import { absentSteps } from "../../../src/training/absent-steps.ts";
import { sampleOf } from "../../contract/sample-fixture.ts";

const shape = { patchSize: 2, spatialMergeSize: 2, temporalPatchSize: 2 };
/** Frames of noise, so that no two are equal and none is of one colour. */
const noise = (count: number): FrameBatch => ({
  width: 4,
  height: 4,
  pixels: Uint8Array.from({ length: count * 48 }, (_, i) => (i * 167 + (i >> 3) * 31) % 251),
  frames: Array.from({ length: count }, (_, index) => ({
    index,
    timeSeconds: index / 10,
  })) as unknown as FrameBatch["frames"],
});

/** A data set's row with a twin by a builder, written and read again. */
const rowWith = async (name: string, keyFrames: readonly number[], count: number) => {
  const builder = await absentBuilders.make(name);
  const { frames } = noise(count);
  const replacements = builder.value
    .replace({ timeline: frames, curve: new Float64Array(count), keyFrames, random: undefined as never })
    .map(({ position, from }) => ({ index: position, from }));
  const sample = {
    ...sampleOf("clip", count, null),
    absent: { keyFrames, replacements, builder: builder.recipe },
  };
  const row = JSON.parse(rowOfSample({ ...sample, clip: { ...sample.clip, sha256: "a".repeat(64) } }));
  return sampleFromRow(row, "here").absent!;
};

describe.each(["mask", "previous-frame"])("a %s twin out of a data set's row", (name) => {
  test("differs from the complete clip at its key frames, and only there", async () => {
    const clip = noise(10);
    const twin = absentBatch(clip, await twinView(await rowWith(name, [3, 6], 10)));
    for (let frame = 0; frame < 10; frame++) {
      const same = [...twin.pixels.subarray(frame * 48, (frame + 1) * 48)].every(
        (level, i) => level === clip.pixels[frame * 48 + i],
      );
      expect(same).toBe(frame !== 3 && frame !== 6);
    }
  });
  test("trains on other patches, in the steps that its frames are of", async () => {
    const clip = noise(10);
    const view = await twinView(await rowWith(name, [3, 6], 10));
    const changed = absentSteps(clip, view, 10, shape);
    expect([...changed.keys()]).toEqual([1, 3]);
    const pictures = Array.from({ length: 10 }, (_, t) => clip.pixels.subarray(t * 48, (t + 1) * 48));
    const complete = clipPatches(pictures, 4, 4, 10, shape);
    for (const [step, patches] of changed) expect(patches).not.toEqual(complete.steps[step]);
  });
});

test("a mask shows one colour; a row without its builder, or a builder that is not there, is refused", async () => {
  const view = await twinView(await rowWith("mask", [2], 4));
  const picture = noise(4).pixels.subarray(96, 144);
  const shown = shownPicture(view.at(2), picture, 4, 4);
  expect(new Set(Array.from({ length: 16 }, (_, p) => shown.subarray(p * 3, p * 3 + 3).join()))).toHaveLength(
    1,
  );
  expect(shown).not.toBe(picture);
  const replacements = [{ index: 2, from: 2 }];
  await expect(twinView({ replacements, builder: { name: "span", params: {} } })).rejects.toThrow(
    "a twin that changes nothing where it says that it does: frame 2",
  );
  await expect(twinView({ replacements, builder: { name: "spam", params: {} } })).rejects.toThrow(
    "unknown builder",
  );
  const row = JSON.parse(
    rowOfSample({ ...sampleOf("x", 4, null), absent: { keyFrames: [2], replacements } as never }),
  );
  row.clip.sha256 = "a".repeat(64);
  expect(() => sampleFromRow(row, "here")).toThrow(/absent\.builder/);
});

test("every position has one answer: the source where it is replaced, else itself", () => {
  const index = fc.nat(40);
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(index, index), { selector: ([at]) => at }), index, (pairs, asked) => {
      const replacements = pairs
        .filter(([at, from]) => at !== from)
        .map(([at, from]) => ({ index: at, from }));
      const view = twinViewOf(replacements);
      const found = replacements.find((one) => one.index === asked);
      expect(view.at(asked)).toEqual({ source: found?.from ?? asked, pixels: null });
      expect(view.changes(asked)).toBe(found !== undefined);
      expect(view.changed).toEqual(replacements.map((one) => one.index).sort((a, b) => a - b));
    }),
  );
});

test("nothing else under src reads what a twin shows out of replacements", () => {
  const root = fileURLToPath(new URL("../../../src", import.meta.url));
  // They make or keep the list; what is shown is the view's matter. video/ encodes a list that it is given;
  // an export writes the list down, and a build checks that it lies within its clip.
  const keepers =
    /^(absent\/(twin-view|spread|builders|builders\/.*|previous-frame|decision|pair|make-pair|write-pair|freeze)\.ts|video\/.*|dataset\/exports\/hf\.ts|jobs\/build\/row-pair\.ts)$/;
  const lookup =
    /replacements[^;]{0,80}(new Map|\.find\(|\[from|\.from\b|=> from)|new Map\([^;]{0,60}replacements/s;
  expect(existsSync(join(root, "absent/twin-view.ts"))).toBe(true);
  const found = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
    (name) =>
      name.endsWith(".ts") && !keepers.test(name) && lookup.test(readFileSync(join(root, name), "utf8")),
  );
  expect(found).toEqual([]);
});
