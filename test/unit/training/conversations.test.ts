/** Packed conversations against each of them alone, on the engine: nobody sees anybody else. */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { conversationBatches } from "../../../src/batch/conversation-batches.ts";
import {
  type ConversationGroup,
  type ConversationTokens,
  sharedLength,
} from "../../../src/batch/conversations.ts";
import { type MediaStep, mediaStep } from "../../../src/batch/media-step.ts";
import { packRows } from "../../../src/batch/pack-rows.ts";
import { rounding, roundUp } from "../../../src/batch/rounding.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Engine } from "../../../src/engine/contract.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { positionsOf } from "../../../src/model/positions.ts";
import { tinyConfig, tinyTrainee } from "./tiny.ts";

const config = tinyConfig();
const rules = batchRules(config);
const [start, video, end] = [12, 11, 13];

/** A temporal step of `rows` x 4 patches. */
const step = (key: string, rows: number): MediaStep => {
  const random = seededRandom(key);
  return mediaStep(
    Uint8Array.from({ length: rows * 4 * 24 }, () => random.integer(256)),
    rows,
    4,
  );
};

/** A clip of `steps` steps of `rows` x 4 patches between words; what stands behind "learnt" is learnt. */
const conversation = (
  before: number[],
  clips: [number, number][],
  asked: number[],
  learnt: number[],
): ConversationTokens => {
  const units = clips.map(([steps, rows]) => (steps * rows * 4) / 4);
  const films = units.flatMap((count) => [start, ...new Array<number>(count).fill(video), end]);
  const ids = Int32Array.from([...before, ...films, ...asked, ...learnt]);
  const { positions_3BT } = positionsOf(
    {
      rows: 1,
      columns: ids.length,
      inputIds_BT: ids,
      videoGrids: clips.map(([steps, rows]) => [steps, rows, 4]),
      secondsPerGrid: clips.map(() => 1),
    },
    config,
  );
  let place = 0;
  return {
    ids,
    positions: positions_3BT,
    spoken: Uint8Array.from(ids, (_, at) => (at >= ids.length - learnt.length ? 1 : 0)),
    places: Int32Array.from(ids, (id) => (id === video ? place++ : -1)),
  };
};
const media = (name: string, clips: [number, number][]): MediaStep[] =>
  clips.flatMap(([steps, rows], clip) =>
    Array.from({ length: steps }, (_, at) => step(`${name} ${clip} ${at}`, rows)),
  );

const long: [number, number][] = [[3, 4]];
const two: [number, number][] = [
  [2, 2],
  [1, 4],
];
const groups: ConversationGroup[] = [
  {
    media: media("a", long),
    texts: [
      conversation([16, 17], long, [18, 19], [20, 21, 2]),
      conversation([16, 17], long, [22], [23, 2]),
      conversation([16, 17], long, [18, 19], [24, 2]),
    ],
  },
  { media: media("b", two), texts: [conversation([16], two, [25], [26, 27, 2])] },
  { media: [], texts: [conversation([16], [], [28, 29], [30, 2])] },
  { media: media("c", [[1, 2]]), texts: [conversation([16], [[1, 2]], [25], [21, 2])] },
];

/** Log-probabilities of learnt tokens as "group target", sorted. */
const scores = async (
  engine: Engine,
  made: readonly ConversationGroup[],
  most: number,
): Promise<number[]> => {
  const values: number[] = [];
  for (const { batch, scored } of conversationBatches(made, rules, { mostPositions: most })) {
    await using pass = await engine.forward([batch]);
    values.push(...pass.outputs[0]!.tokenLogprobs.subarray(0, scored));
  }
  return values.sort((a, b) => a - b);
};

let engine: Engine;
beforeAll(() => {
  engine = tinyTrainee("").engine;
});
afterAll(() => engine[Symbol.asyncDispose]());

describe("conversations", () => {
  const alone = groups.flatMap(({ texts, ...group }) => texts.map((text) => ({ ...group, texts: [text] })));
  test("packed, and with what they share computed once, are what each is alone", async () => {
    const single: number[] = [];
    for (const group of alone) single.push(...(await scores(engine, [group], 1)));
    single.sort((a, b) => a - b);
    expect(single).toHaveLength(14);
    expect(new Set(single.map((value) => value.toFixed(4))).size).toBeGreaterThan(10);
    for (const most of [1, 40, 4096]) {
      const packed = await scores(engine, groups, most);
      expect(packed).toHaveLength(14);
      for (const [at, value] of packed.entries()) expect(value).toBeCloseTo(single[at]!, 5);
    }
  });
  test("the picture of a group is seen by that group only", async () => {
    const other = groups.map((group, at) => (at === 1 ? { ...group, media: media("z", two) } : group));
    const [before, after] = [await scores(engine, groups, 4096), await scores(engine, other, 4096)];
    const kept = before.filter((value) => after.some((one) => Math.abs(one - value) < 1e-6));
    expect(kept).toHaveLength(11);
  });
  test("sharing ends before the first token that is learnt, and where times differ", () => {
    const [first, , third] = groups[0]!.texts as [ConversationTokens, ConversationTokens, ConversationTokens];
    expect(sharedLength([first, third])).toBe(first.ids.length - 3);
    expect(sharedLength([first, first])).toBe(first.ids.length - 3);
    const later = { ...first, positions: first.positions.map((value, at) => (at === 5 ? value + 1 : value)) };
    expect(sharedLength([first, later])).toBe(5);
  });
});

test("everything is packed once; a batch is too large only where one thing is", () => {
  const size = fc.record({ main: fc.integer({ min: 1, max: 300 }), tail: fc.integer({ min: 0, max: 60 }) });
  fc.assert(
    fc.property(fc.array(size, { maxLength: 30 }), fc.integer({ min: 1, max: 2000 }), (given, most) => {
      const sizes = given.map(({ main, tail }) => ({ main, whole: main + tail }));
      const batches = packRows(sizes, most);
      expect(batches.flat(2).sort((a, b) => a - b)).toEqual(sizes.map((_, at) => at));
      for (const rows of batches) {
        const long = Math.max(...rows.map((row) => row.reduce((sum, at) => sum + sizes[at]!.main, 0)));
        const tail = Math.max(...rows.map((row) => row.reduce((sum, at) => sum + given[at]!.tail, 0)));
        if (rows.flat().length > 1) expect(rows.length * (long + tail)).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test("of mixed lengths at most 15 % of the positions are padding", () => {
  for (const clips of [10, 16]) {
    const random = seededRandom("padding", clips);
    let [positions, used] = [0, 0];
    for (let step = 0; step < 50; step++) {
      // From 60 to 2,000 tokens, short ones more often: evenly drawn logarithms.
      const sizes = Array.from({ length: clips }, () => {
        const tokens = Math.round(60 * (2000 / 60) ** random.next());
        return { main: tokens, whole: tokens };
      });
      for (const rows of packRows(sizes, 4096)) {
        const long = Math.max(...rows.map((row) => row.reduce((sum, at) => sum + sizes[at]!.main, 0)));
        positions += rows.length * roundUp(long, rounding.positions);
      }
      used += sizes.reduce((sum, { main }) => sum + main, 0);
    }
    expect(1 - used / positions).toBeLessThan(0.15);
  }
});
