import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { duplicateCount, duplicateDetectorAccuracy } from "../../../scripts/duplicate-detector.ts";
import { absentBuilders } from "../../../src/absent/builders.ts";
import { freezeControl } from "../../../src/absent/freeze.ts";
import { type MadePair, makePair, type PairChoices } from "../../../src/absent/make-pair.ts";
import { checkedPair, type Replacement } from "../../../src/absent/pair.ts";
import { memorySource, type PairSource } from "../../../src/absent/pair-source.ts";
import { spreadReplacements } from "../../../src/absent/spread.ts";
import { absentBatch, absentStream, neededFrames } from "../../../src/absent/twin-frames.ts";
import { twinViewOf } from "../../../src/absent/twin-view.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { type FrameBatch, pixelsOf } from "../../../src/frames/frame-batch.ts";
import { type ChosenRelevance, chooseRelevance } from "../../../src/selection/relevance-choice.ts";
import type { Timeline } from "../../../src/video/types.ts";

const timeline = (count: number, step = 1): Timeline =>
  Array.from({ length: count }, (_, at) => ({
    index: at * step,
    timeSeconds: (at * step) / 24,
  })) as unknown as Timeline;

/** Frames whose every byte is a number given per frame. */
const flat = (levels: readonly number[], step = 1): FrameBatch => ({
  pixels: Uint8Array.from(levels.flatMap((level) => new Array(2 * 2 * 3).fill(level))),
  frames: timeline(levels.length, step),
  width: 2,
  height: 2,
});
const levelsOf = (batch: FrameBatch): number[] => batch.frames.map((_, at) => pixelsOf(batch, at)[0]!);

const cases = fc.integer({ min: 1, max: 30 }).chain((count) =>
  fc.record({
    count: fc.constant(count),
    sources: fc.uniqueArray(fc.tuple(fc.nat(count - 1), fc.nat(count - 1)), { selector: ([index]) => index }),
    cuts: fc.array(fc.nat(count - 1), { maxLength: 4 }),
  }),
);
const asReplacements = (sources: readonly (readonly [number, number])[]): Replacement[] =>
  sources
    .filter(([index, from]) => index !== from)
    .map(([index, from]) => ({ index, from }))
    .sort((a, b) => a.index - b.index);

describe("the twin", () => {
  it("shows each frame's source, whole or in pieces, and leaves the complete clip alone", async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ count, sources: given, cuts }) => {
        const replacements = asReplacements(given);
        const complete = flat(Array.from({ length: count }, (_, at) => at));
        const before = [...complete.pixels];
        const view = twinViewOf(replacements);
        const sources = new Map(replacements.map(({ index, from }) => [index, from]));
        const expected = complete.frames.map(({ index }) => sources.get(index) ?? index);
        const all = complete.frames.map(({ index }) => index as number);
        expect(neededFrames(all, view)).toEqual(all);
        expect(view.changed).toEqual(replacements.map(({ index }) => index));
        const twin = absentBatch(complete, view);
        expect(levelsOf(twin)).toEqual(expected);
        expect(twin.frames).toEqual(complete.frames);
        const bounds = [...new Set([0, ...cuts, count])].sort((a, b) => a - b);
        async function* pieces(): AsyncGenerator<FrameBatch> {
          for (let i = 1; i < bounds.length; i++)
            yield {
              ...complete,
              frames: complete.frames.slice(bounds[i - 1], bounds[i]),
              pixels: complete.pixels.slice(bounds[i - 1]! * 12, bounds[i]! * 12),
            };
        }
        const streamed: number[] = [];
        for await (const piece of absentStream(pieces(), view)) streamed.push(...levelsOf(piece));
        expect(streamed).toEqual(expected);
        expect([...complete.pixels]).toEqual(before);
      }),
    );
  });

  it("names a source frame that is not there", async () => {
    const batch = flat([5, 6]);
    expect(() => absentBatch(batch, twinViewOf([{ index: 1, from: 7 }]))).toThrow(
      "frame for the absent twin is missing: frame 1; expected frame 7 in the batch",
    );
    const stream = absentStream(
      (async function* () {
        yield batch;
      })(),
      twinViewOf([{ index: 1, from: 7 }]),
    );
    await expect(stream.next()).rejects.toThrow("frame for the absent twin is missing: frame 0");
  });

  it("applies a pixel operation to declared frames only", () => {
    const view = twinViewOf([{ index: 1, from: 1 }], (pixels) => pixels.fill(99));
    const twin = absentBatch(flat([5, 6, 7]), view);
    expect(levelsOf(twin)).toEqual([5, 99, 7]);
  });
});

describe("spreadReplacements", () => {
  it("covers exactly the frames up to the next sampled one", () => {
    expect(
      spreadReplacements(timeline(10), timeline(4, 3), [
        { position: 1, from: 0 },
        { position: 3, from: 2 },
      ]),
    ).toEqual([
      { index: 3, from: 0 },
      { index: 4, from: 0 },
      { index: 5, from: 0 },
      { index: 9, from: 6 },
    ]);
  });

  it("lets the first sampled frame stand for those before it", () => {
    const sampled = timeline(10)
      .slice(2)
      .filter((_, at) => at % 4 === 0);
    expect(spreadReplacements(timeline(10), sampled, [{ position: 0, from: 1 }])).toEqual(
      [0, 1, 2, 3, 4, 5].map((index) => ({ index, from: 6 })),
    );
  });

  it("changes nothing when every frame is sampled", () => {
    fc.assert(
      fc.property(cases, ({ count, sources }) => {
        const replacements = asReplacements(sources);
        const positions = replacements.map(({ index, from }) => ({ position: index, from }));
        expect(spreadReplacements(timeline(count), timeline(count), positions)).toEqual(replacements);
      }),
    );
  });
});

/** A provider that gives these scores whatever it sees. */
const givenScores = (scores: readonly number[]): ChosenRelevance => ({
  definition: {
    kind: "relevance provider",
    summary: "made up",
    source: "a test",
    params: z.object({}),
    create: () => {
      throw new Error("made already");
    },
    version: "9",
    unit: "none",
    costPerFrame: "nothing",
    inputPixels: 2,
    resizer: "pillow",
    keyFrameRule: {},
    usesText: false,
  },
  made: {
    value: { score: async () => Float64Array.from(scores), version: () => "9" },
    recipe: { name: "made-up", params: { a: 1 } },
  },
});

const sourceOf = (frames: FrameBatch): PairSource =>
  memorySource({ file: "clip.mp4", sha256: "0".repeat(64) }, frames.frames, frames);

describe("makePair", () => {
  const made = async (
    levels: readonly number[],
    scores: readonly number[],
    change: Partial<PairChoices> & { builderName?: string } = {},
  ): Promise<MadePair> => {
    const source = sourceOf(flat(levels));
    const { builderName = "previous-frame", ...rest } = change;
    return makePair(source, {
      caption: "A ball bounces.",
      keywords: ["bounce"],
      relevance: givenScores(scores),
      keyFrameRule: {},
      builder: await absentBuilders.make(builderName),
      seed: 4,
      sampled: source.timeline,
      ...rest,
    });
  };

  it("is the paper's example, with the full record", async () => {
    const built = await made([10, 20, 30, 40, 50], [0.1, 0.5, 0.2, 0.2, 0.9]);
    expect(built.pair).toMatchObject({
      keyFrames: [1, 4],
      replacements: [
        { index: 1, from: 0 },
        { index: 4, from: 3 },
      ],
      relevance: { name: "made-up", params: { a: 1 }, version: "9" },
      builder: { name: "previous-frame", params: { firstFrame: "keep" } },
      seed: 4,
    });
    expect(built).toMatchObject({ keyFrameShare: 0.4, replacedShare: 0.4, unchanged: 0 });
    expect(checkedPair(JSON.parse(JSON.stringify(built.pair)), "pair.json")).toEqual(built.pair);
  });

  it("declares no frame that looks like its source, and says when nothing is left", async () => {
    const built = await made([10, 10, 30, 40, 50], [0.1, 0.5, 0.2, 0.2, 0.9]);
    expect(built.pair.replacements).toEqual([{ index: 4, from: 3 }]);
    expect(built.unchanged).toBe(1);
    await expect(made([7, 7, 7], [0, 1, 0])).rejects.toThrow(
      "nothing to take away: clip.mp4; expected key frames that differ from the frame shown instead; got 1 key frames among 3 scored",
    );
    await expect(made([1, 2, 3], [1, 1, 1])).rejects.toThrow("got 0 key frames");
  });

  it("replaces what a scored frame stands for where that frame itself looks like its source", async () => {
    const source = sourceOf(flat([10, 20, 10, 99, 10, 50]));
    const sampled = source.timeline.filter((_, at) => at % 2 === 0);
    const built = await made([10, 20, 10, 99, 10, 50], [0, 1, 0], { sampled });
    expect(built.pair.replacements).toEqual([{ index: 3, from: 0 }]);
    expect(built.unchanged).toBe(1);
  });

  it("asks for no frame that is not in memory", async () => {
    const all = flat([10, 20, 10, 99, 10, 50]);
    const held: FrameBatch = {
      ...all,
      frames: all.frames.filter((_, at) => at % 2 === 0),
      pixels: new Uint8Array(3 * 12).fill(10),
    };
    const source = memorySource({ file: "clip.mp4", sha256: "0".repeat(64) }, all.frames, held);
    const built = await makePair(source, {
      relevance: givenScores([0, 1, 0]),
      builder: await absentBuilders.make("previous-frame"),
      seed: 0,
      sampled: held.frames,
      allowNothing: true,
    });
    expect(built.pair.replacements).toEqual([]);
  });

  it("depends on the seed only where the builder draws", async () => {
    const levels = Array.from({ length: 40 }, (_, at) => at);
    const scores = levels.map((at) => (at % 5 === 2 ? 1 : 0));
    const drawn = async (seed: number) =>
      (await made(levels, scores, { builderName: "random", seed })).pair.replacements;
    expect(await drawn(1)).toEqual(await drawn(1));
    expect(await drawn(1)).not.toEqual(await drawn(2));
  });
});

describe("checkedPair", () => {
  it.each([
    [{ scores: [1] }, "expected 2 scores, one a frame"],
    [{ keyFrames: [1, 0] }, "ascending key frames"],
    [{ keyFrames: [5] }, "key frames that the timeline has"],
    [
      {
        replacements: [
          { index: 1, from: 0 },
          { index: 1, from: 0 },
        ],
      },
      "ascending replacements",
    ],
    [{ schema: "videoperceiver/pair@2" }, "schema"],
    [{ seed: 0.5 }, "seed"],
  ])("refuses %j", (change, message) => {
    const pair = {
      schema: "videoperceiver/pair@1",
      complete: { file: "a.mp4", sha256: "0".repeat(64) },
      timeline: timeline(2),
      keywords: [],
      relevance: { name: "m", params: {}, version: "1" },
      scores: [1, 2],
      keyFrames: [1],
      replacements: [{ index: 1, from: 0 }],
      builder: { name: "previous-frame", params: {} },
      seed: 0,
    };
    expect(checkedPair(pair, "p.json").keyFrames).toEqual([1]);
    expect(() => checkedPair({ ...pair, ...change }, "p.json")).toThrow(message);
    expect(() => checkedPair({ ...pair, ...change }, "p.json")).toThrow("not a pair: p.json");
  });
});

describe("freezes", () => {
  it("lays runs of the same length on frames that are neither key nor declared", () => {
    const declared = [3, 9, 10, 11].map((position) => ({ position, from: position < 9 ? 2 : 8 }));
    const control = freezeControl(30, [3, 10], declared, seededRandom(1));
    expect(control).toHaveLength(4);
    for (const { position, from } of control) {
      expect([3, 9, 10, 11]).not.toContain(position);
      expect(from).toBeLessThan(position);
    }
    expect(new Set(control.map(({ from }) => from)).size).toBe(2);
    expect(freezeControl(3, [1], [{ position: 1, from: 0 }], seededRandom(1))).toEqual([]);
  });

  it("makes as many duplicates as it declares", () => {
    fc.assert(
      fc.property(cases, fc.integer(), ({ count, cuts }, seed) => {
        const declared = [...new Set(cuts)]
          .filter((at) => at > 0)
          .sort((a, b) => a - b)
          .map((position) => ({ position, from: position - 1 }));
        const control = freezeControl(count, [], declared, seededRandom(seed));
        const complete = flat(Array.from({ length: count }, (_, at) => at));
        const frozen = absentBatch(
          complete,
          twinViewOf(control.map(({ position, from }) => ({ index: position, from }))),
        );
        expect(duplicateCount(frozen, 0)).toBe(control.length);
        expect(control.length).toBeLessThanOrEqual(declared.length);
      }),
    );
  });

  it("counts duplicates and rates a detector that sees only them", () => {
    expect(duplicateCount(flat([1, 1, 2, 2, 9]), 0)).toBe(2);
    expect(duplicateCount(flat([1, 1, 2, 2, 9]), 1)).toBe(3);
    expect(duplicateDetectorAccuracy([0, 1, 2], [1, 1, 1])).toBe(0.5);
    expect(duplicateDetectorAccuracy([0, 0], [1, 3])).toBe(1);
  });
});

describe("motion inside a pair", () => {
  it("takes the moment that a square flashes", async () => {
    const width = 32;
    const frames: FrameBatch = {
      width,
      height: 32,
      frames: timeline(30),
      pixels: new Uint8Array(30 * width * 32 * 3).fill(90),
    };
    for (let y = 8; y < 18; y++) pixelsOf(frames, 15).fill(230, (y * width + 8) * 3, (y * width + 18) * 3);
    const built = await makePair(sourceOf(frames), {
      caption: "x",
      keywords: ["flash"],
      relevance: await chooseRelevance("motion:reachSeconds=0.25,smoothingSeconds=0"),
      keyFrameRule: {},
      builder: await absentBuilders.make("previous-frame"),
      seed: 0,
      sampled: frames.frames,
    });
    expect(built.pair.keyFrames).toEqual([15]);
    const twin = absentBatch(frames, built.view);
    expect([...pixelsOf(twin, 15)]).toEqual([...pixelsOf(frames, 14)]);
  });
});
