/** Batches spread over ranks: every number of the whole batch is somewhere, in a part where it is the same. */
import { expect, test } from "vitest";
import { segmentsBatch } from "../../../src/batch/segments-batch.ts";
import { emptyBatch, type NamedBatch, partOfBatch } from "../../../src/batch/split-batch.ts";
import { paddingSegment, type TokenBatch, tappedRows } from "../../../src/batch/token-batch.ts";
import { scaleFactors } from "../../../src/batch/visual-scale.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { BatchOutputs, Cotangents } from "../../../src/engine/contract.ts";
import { joinOutputs, shares, spreadBatches, spreadCotangents } from "../../../src/engine/torch/spread.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { noiseStep, tinyConfig, tinyTokens, toyClips } from "../training/tiny.ts";

const config = tinyConfig();
const rules = batchRules(config);
const model = { mergeSize: config.vision.spatialMergeSize, layers: config.text.layers };
const random = seededRandom("spread");

/** Clips with texts of several lengths, a twin, a view under dropout of every token, and taps. */
const batchOf = (count: number): TokenBatch =>
  segmentsBatch(
    toyClips(count).map((clip, i) => ({
      clip: { ...clip.patches, steps: clip.patches.steps.map(() => noiseStep(random)) },
      texts: clip.texts.map(({ prompt, target }) => ({
        tokens: [...prompt, ...Array.from({ length: 2 * i }, () => 17), ...target],
        scoredFrom: 1,
      })),
      contrast: { absentSteps: clip.absentSteps, keywords: clip.keywords },
    })),
    rules,
    {
      tokens: tinyTokens,
      view: { dropout: 0.5, random },
      states: [
        { block: 1, group: "complete" },
        { block: 2, group: "complete" },
        { block: 2, group: "absent" },
        { block: 2, group: "view" },
      ],
    },
  ).batch;

/** What stands in each row that is in use: token, positions, picture, factors, who is seen. */
const rowsOf = (batch: NamedBatch): string[] => {
  const { samples, length, segments, parents, media, source } = batch;
  const rows = samples * length;
  const shown = media.flatMap(({ content, rows: r, columns }) =>
    Array.from({ length: (r * columns) / model.mergeSize ** 2 }, (_, i) => `${content} ${i}`),
  );
  const factors = batch.scale && scaleFactors(batch.scale);
  const scaled = new Map(
    [...(batch.scale?.rows ?? [])].map((row, k) => {
      const { width } = batch.scale!;
      return [row, [...factors!.subarray(k * width, (k + 1) * width)].join()] as const;
    }),
  );
  const chain = (segment: number): number[] => (segment < 0 ? [] : [segment, ...chain(parents[segment]!)]);
  return Array.from({ length: rows }, (_, row) => {
    const [b, t] = [Math.floor(row / length), row % length];
    if (segments[row] === paddingSegment) return "padding";
    const own = new Set(chain(segments[row]!));
    const sees = Array.from({ length: t + 1 }, (_none, at) => own.has(segments[b * length + at]!));
    const positions = [0, 1, 2].map((part) => batch.positions[part * rows + row]);
    const picture = source[row]! < 0 ? source[row] : shown[source[row]!];
    const ends = [...own].map((segment) => batch.endBlocks[segment]);
    return JSON.stringify([t, batch.ids[row], positions, picture, scaled.get(row), sees, ends]);
  });
};

/** The same, with dropout of rows whose bits begin in the middle of a byte. */
const oddScale = (batch: TokenBatch): TokenBatch => {
  const { scale } = batch;
  const width = 5;
  const kept = Uint8Array.from({ length: Math.ceil((scale!.rows.length * width) / 8) }, () =>
    random.integer(256),
  );
  return { ...batch, scale: { ...scale!, width, kept } };
};

test.each([
  ["of whole bytes", (batch: TokenBatch) => batch],
  ["of bits", oddScale],
])(
  "a part holds its samples' rows as they stand in the whole, and what is read of them; dropout %s",
  (_, scaled) => {
    const batch = scaled(batchOf(5));
    const whole = rowsOf(batch);
    for (const samples of [[0], [1, 3], [4, 2, 0], [0, 1, 2, 3, 4]]) {
      const { batch: part, scored, tapped } = partOfBatch(batch, samples, model.mergeSize);
      const own = rowsOf(part);
      const inWhole = (row: number): number =>
        samples[Math.floor(row / part.length)]! * batch.length + (row % part.length);
      own.forEach((row, i) => {
        expect(row).toBe(whole[inWhole(i)]);
      });
      expect([...part.scored.rows].map(inWhole)).toEqual(
        [...scored].map((place) => batch.scored.rows[place]),
      );
      expect([...part.scored.targets]).toEqual([...scored].map((place) => batch.scored.targets[place]));
      for (const tap of part.taps) {
        const all = tappedRows(batch.taps.find(({ block }) => block === tap.block)!);
        expect([...tappedRows(tap)].map(inWhole)).toEqual(
          [...tapped.get(tap.block)!].map((place) => all[place]),
        );
      }
      // Only what is needed is carried: no picture that none of the rows shows, no padding behind the longest.
      expect(part.media.length).toBeLessThanOrEqual(batch.media.length);
      expect(part.segments.some((segment, i) => i % part.length === part.length - 1 && segment >= 0)).toBe(
        true,
      );
    }
  },
);

test("a row that sees nothing keeps all positions, over which its attention spreads", () => {
  const batch = batchOf(3);
  const padded = [...batch.segments.keys()].find((row) => batch.segments[row] === paddingSegment)!;
  const sample = Math.floor(padded / batch.length);
  const rows = Int32Array.of(padded);
  const reads = { ...batch, scored: { rows, targets: Int32Array.of(16) } };
  expect(partOfBatch(reads, [sample], model.mergeSize).batch.length).toBe(batch.length);
  expect(partOfBatch(batch, [sample], model.mergeSize).batch.length).toBeLessThan(batch.length);
});

test("outputs come back to their places and cotangents go to theirs, over any batches and ranks", () => {
  for (const [sizes, ranks] of [
    [[4], 2],
    [[1, 1, 1], 2],
    [[3, 5], 4],
    [[1], 3],
    [[2, 2], 1],
  ] as const) {
    const batches = sizes.map(batchOf);
    const spread = spreadBatches(batches, ranks, model);
    expect(new Set(spread.parts.map(({ length }) => length)).size).toBe(1);
    expect(spread.together).toHaveLength(spread.parts[0]!.length);
    const outputs = batches.map((batch, of): BatchOutputs => {
      const numbers = (rows: number, width: number, base: number): Float32Array =>
        Float32Array.from({ length: rows * width }, (_, i) => base + i);
      const states = batch.taps.map(
        (tap) => [tap.block, numbers(tappedRows(tap).length, 8, 7 * of)] as const,
      );
      return {
        tokenLogprobs: numbers(batch.scored.rows.length, 1, 1000 * of),
        states: new Map(states),
        candidates: undefined,
      };
    });
    // What goes out as cotangents comes back as outputs, and is the same.
    const asCotangents: Cotangents[] = outputs.map(({ tokenLogprobs, states }) => ({
      tokenLogprobs,
      states,
    }));
    const sent = spreadCotangents(spread, asCotangents);
    const returned = sent.map((rounds) =>
      rounds.map(({ tokenLogprobs = new Float32Array(0), states }) => ({
        tokenLogprobs,
        states,
        candidates: undefined,
      })),
    );
    expect(joinOutputs(spread, returned)).toEqual(outputs);
    const numbers = sent.flat().reduce((sum, one) => sum + (one.tokenLogprobs?.length ?? 0), 0);
    expect(numbers).toBe(batches.reduce((sum, { scored }) => sum + scored.rows.length, 0));
  }
  expect(emptyBatch.media).toHaveLength(0);
});

test("shares are contiguous and about equal; cotangents that do not fit are refused", () => {
  expect(shares([1, 1, 1, 1], 2)).toEqual([0, 0, 1, 1]);
  expect(shares([9, 1, 1, 1], 2)).toEqual([0, 1, 1, 1]);
  expect(shares([5], 4)).toHaveLength(1);
  const spread = spreadBatches([batchOf(2)], 2, model);
  const wrong = { tokenLogprobs: new Float32Array(1), states: new Map() };
  expect(() => spreadCotangents(spread, [wrong])).toThrow(/size of a cotangent.*log-probabilities/);
  const strange = { tokenLogprobs: undefined, states: new Map([[3, new Float32Array(8)]]) };
  expect(() => spreadCotangents(spread, [strange])).toThrow(/not tapped.*block 3/);
});
