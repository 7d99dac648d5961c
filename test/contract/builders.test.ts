import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { absentBuilders } from "../../src/absent/builders.ts";
import { seededRandom } from "../../src/core/random.ts";
import { strictLocalMaxima } from "../../src/selection/peaks.ts";
import type { Timeline } from "../../src/video/types.ts";

/** Uneven true times and gaps between indices, as sampled clips have them. */
const timelineOf = (steps: readonly number[]): Timeline => {
  let index = 0;
  return steps.map((step) => {
    index += step;
    return { index, timeSeconds: index / 30 };
  }) as unknown as Timeline;
};

const inputs = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 9 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((rows) => ({
    curve: rows.map(([score]) => score),
    timeline: timelineOf(rows.map(([, step]) => step)),
    keyFrames: strictLocalMaxima(rows.map(([score]) => score)),
  }));

describe.each(absentBuilders.names())("builder %s", (name) => {
  it("declares each frame once, in order, inside the clip, and leaves its input alone", async () => {
    const { value: builder, recipe } = await absentBuilders.make(name);
    expect(recipe.name).toBe(name);
    fc.assert(
      fc.property(inputs, fc.integer(), (input, seed) => {
        const before = JSON.stringify(input);
        const replacements = builder.replace({ ...input, random: seededRandom(seed) });
        expect(JSON.stringify(input)).toBe(before);
        let last = -1;
        for (const { position, from } of replacements) {
          expect(position).toBeGreaterThan(last);
          expect(position).toBeLessThan(input.timeline.length);
          expect(from).toBeGreaterThanOrEqual(0);
          expect(from).toBeLessThan(input.timeline.length);
          expect(from === position).toBe(builder.pixels !== undefined);
          last = position;
        }
        expect(builder.replace({ ...input, random: seededRandom(seed) })).toEqual(replacements);
        if (input.keyFrames.length === 0) expect(replacements).toEqual([]);
      }),
    );
  });

  it("describes itself and refuses unknown parameters", async () => {
    const definition = await absentBuilders.load(name);
    expect(definition.summary.length).toBeGreaterThan(10);
    expect(definition.source.length).toBeGreaterThan(3);
    await expect(absentBuilders.make(name, { nonsense: 1 })).rejects.toThrow(
      `bad parameters for builder "${name}"`,
    );
  });
});

describe("what the builders do to five frames", () => {
  const timeline = timelineOf([1, 1, 1, 1, 1]);
  const run = async (name: string, keyFrames: number[], params: object = {}, curve = [1, 5, 2, 2, 9]) =>
    (await absentBuilders.make(name, params)).value
      .replace({ timeline, curve, keyFrames, random: seededRandom(3) })
      .map(({ position, from }) => `${position}<${from}`);

  it("previous-frame is the paper's example: (a,b,c,d,e) with K = {2,5} becomes (a,a,c,d,d)", async () => {
    expect(await run("previous-frame", [1, 4])).toEqual(["1<0", "4<3"]);
    expect(await run("previous-frame", [0, 2])).toEqual(["2<1"]);
    expect(await run("previous-frame", [0, 2], { firstFrame: "successor" })).toEqual(["0<1", "2<1"]);
  });

  it("random replaces as many frames, and other ones when asked", async () => {
    expect(await run("random", [1, 4])).toHaveLength(2);
    expect(await run("random", [0, 4])).toHaveLength(1);
    const others = await run("random", [1, 4], { among: "others" });
    expect(others).toHaveLength(2);
    expect(others.every((text) => /^[23]</.test(text))).toBe(true);
  });

  it("span takes the basin, mask declares the key frame itself", async () => {
    expect(await run("span", [2], {}, [0, 3, 9, 2, 1])).toEqual(["1<0", "2<0", "3<0"]);
    expect(await run("span", [0], {}, [9, 4, 1, 1, 1])).toEqual(["0<2", "1<2"]);
    expect(await run("span", [0], { firstFrame: "keep" }, [9, 4, 1, 1, 1])).toEqual([]);
    expect(await run("mask", [1, 4])).toEqual(["1<1", "4<4"]);
  });

  it("mask fills with the frame's own mean or with grey", async () => {
    const pixels = Uint8Array.from([0, 10, 20, 100, 30, 40]);
    (await absentBuilders.make("mask")).value.pixels!(pixels, 2, 1);
    expect([...pixels]).toEqual([50, 20, 30, 50, 20, 30]);
    (await absentBuilders.make("mask", { fill: "grey" })).value.pixels!(pixels, 2, 1);
    expect([...pixels]).toEqual([128, 128, 128, 128, 128, 128]);
  });

  it("names the known builders and the nearest for an unknown one", async () => {
    await expect(absentBuilders.make("previous-frames")).rejects.toThrow(
      'unknown builder "previous-frames"; did you mean "previous-frame"? known: mask, previous-frame, random, span',
    );
  });
});
