import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { roundUp } from "../../../src/batch/rounding.ts";
import {
  type ClipSegments,
  type GroupAtBlock,
  type SegmentOptions,
  segmentGroups,
} from "../../../src/batch/segments.ts";
import { type SegmentsBatch, segmentsBatch } from "../../../src/batch/segments-batch.ts";
import { wordSource } from "../../../src/batch/token-batch.ts";
import { scaleFactors } from "../../../src/batch/visual-scale.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { visibilityMask } from "../../../src/engine/onnx/lowering/visibility.ts";
import { clipOf, noiseStep, type TinyTrainee, tinyTokens, tinyTrainee } from "../training/tiny.ts";

const block = 2;
const random = seededRandom("segments");
const clip = (): ClipSegments["clip"] => clipOf(Array.from({ length: 3 }, () => noiseStep(random)));
const text = (...tokens: number[]): ClipSegments["texts"][number] => ({ tokens, scoredFrom: 1 });

let trainee: TinyTrainee;
beforeAll(() => {
  trainee = tinyTrainee("");
});
afterAll(() => trainee.engine[Symbol.asyncDispose]());

const plan = (clips: readonly ClipSegments[], options: Omit<SegmentOptions, "tokens"> = {}): SegmentsBatch =>
  segmentsBatch(clips, trainee.rules, { tokens: tinyTokens, ...options });
/** Log-probabilities of the targets by clip and text. */
const logprobs = async (
  clips: readonly ClipSegments[],
  options: Omit<SegmentOptions, "tokens"> = {},
): Promise<number[][][]> => {
  const { batch, scored } = plan(clips, options);
  await using pass = await trainee.engine.forward([batch]);
  const { tokenLogprobs } = pass.outputs[0]!;
  const result = clips.map(({ texts }) => texts.map((): number[] => []));
  scored.forEach(({ clip: b, text: t }, row) => {
    result[b]![t]!.push(tokenLogprobs[row]!);
  });
  return result;
};
const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance = 1e-5): void => {
  expect(a.length).toBe(b.length);
  for (let i = 0; i < a.length; i++) expect(Math.abs(a[i]! - b[i]!)).toBeLessThan(tolerance);
};
/** Largest difference. */
const apart = (a: Float32Array, b: Float32Array): number => Math.max(...a.map((x, i) => Math.abs(x - b[i]!)));
const statesAt = (at: number): GroupAtBlock[] => segmentGroups.map((group) => ({ block: at, group }));
const noDropout = { dropout: 0, random: seededRandom("unused") };

describe("texts behind one clip", () => {
  test("another text's tokens change nothing, not the last bit", async () => {
    const shown = clip();
    const before = await logprobs([
      { clip: shown, texts: [text(20, 21, 22), text(20, 23, 24), text(25, 26)] },
    ]);
    const after = await logprobs([
      { clip: shown, texts: [text(20, 21, 22), text(27, 28, 29), text(25, 26)] },
    ]);
    expect(after[0]![0]).toEqual(before[0]![0]);
    expect(after[0]![2]).toEqual(before[0]![2]);
    expect(after[0]![1]).not.toEqual(before[0]![1]);
  });
  test("a text says what it says alone behind the clip, wherever it stands", async () => {
    const shown = clip();
    const texts = [text(20, 21, 22), text(25, 26), text(27, 28, 29, 30)];
    const together = await logprobs([{ clip: shown, texts }]);
    for (const [t, own] of texts.entries())
      close(together[0]![t]!, (await logprobs([{ clip: shown, texts: [own] }]))[0]![0]!);
  });
  test("texts that go on from one prompt say what each says behind a prompt of its own", async () => {
    const shown = clip();
    const endings = [[22, 23], [24], [22, 25, 26]];
    const apart = endings.map((ending) => ({ tokens: [20, 21, ...ending], scoredFrom: 2 }));
    const prompt = { tokens: [20, 21], scoredFrom: 2 };
    const joined = [
      text(27, 28),
      prompt,
      ...endings.map((tokens) => ({ tokens, scoredFrom: 0, continues: 1 })),
    ];
    const expected = await logprobs([{ clip: shown, texts: apart }]);
    const got = await logprobs([{ clip: shown, texts: joined }]);
    expect(got[0]![1]).toEqual([]);
    endings.forEach((ending, i) => {
      expect(got[0]![i + 2]!.length).toBe(ending.length);
      close(got[0]![i + 2]!, expected[0]![i]!);
    });
    for (const continues of [1, 5, -1])
      expect(() => plan([{ clip: shown, texts: [prompt, { ...prompt, continues }] }])).toThrow(
        /a text that goes on from another one: text 1; expected a text before it, 0 to 0; got/,
      );
  });
  test("another clip of the batch changes nothing", async () => {
    const [a, b, c] = [clip(), clip(), clip()];
    const texts = [text(20, 21, 22)];
    const first = await logprobs([
      { clip: a, texts },
      { clip: b, texts },
    ]);
    const second = await logprobs([
      { clip: a, texts },
      { clip: c, texts },
    ]);
    expect(second[0]).toEqual(first[0]);
    expect(second[1]).not.toEqual(first[1]);
  });
  test("the clip itself matters, and not when it is blind", async () => {
    const texts = [text(20, 21, 22)];
    const [a, b] = [clip(), clip()];
    expect((await logprobs([{ clip: a, texts }]))[0]).not.toEqual((await logprobs([{ clip: b, texts }]))[0]);
    const blind = { blind: true };
    expect((await logprobs([{ clip: a, texts }], blind))[0]).toEqual(
      (await logprobs([{ clip: b, texts }], blind))[0],
    );
  });
  test("a blind clip among others says what a blind batch says, and the others do not notice", async () => {
    const texts = [text(20, 21, 22)];
    const [a, b] = [clip(), clip()];
    const mixed = await logprobs([
      { clip: a, texts, blind: true },
      { clip: b, texts },
    ]);
    close(mixed[0]![0]!, (await logprobs([{ clip: a, texts }], { blind: true }))[0]![0]!);
    close(mixed[1]![0]!, (await logprobs([{ clip: b, texts }]))[0]![0]!);
  });
});

describe("the contrastive tail", () => {
  const rows = (): ClipSegments[] =>
    [0, 1].map((b) => ({
      clip: clip(),
      texts: [text(20, 21, 22), text(23, 24 + b)],
      contrast: {
        absentSteps:
          b === 0
            ? new Map([[1, noiseStep(random)]])
            : new Map([
                [0, noiseStep(random)],
                [2, noiseStep(random)],
              ]),
        keywords: b === 0 ? [16, 17] : [18],
      },
    }));
  /** Tapped states in the order h, absent twin, second view, text; a group holds one row a clip. */
  const states = async (
    clips: readonly ClipSegments[],
    view: SegmentOptions["view"] = noDropout,
    encoding: SegmentOptions["encoding"] = "shared",
  ): Promise<Float32Array[][]> => {
    const { batch } = plan(clips, { states: statesAt(block), view, encoding });
    await using pass = await trainee.engine.forward([batch]);
    const { states: tapped } = pass.outputs[0]!;
    const all = tapped.get(block)!;
    const width = trainee.config.text.hiddenSize;
    return Array.from({ length: 4 }, (_, group) =>
      clips.map((__, b) =>
        all.slice((group * clips.length + b) * width, (group * clips.length + b + 1) * width),
      ),
    );
  };
  /** A single clip's state at the end of the prefix, with `end` as its last token. */
  const alone = async (shown: ClipSegments["clip"], end = tinyTokens.endComplete): Promise<Float32Array> => {
    const single = { clip: shown, texts: [text(20)], contrast: { absentSteps: new Map(), keywords: [] } };
    const tokens = { ...tinyTokens, endComplete: end };
    const { batch } = segmentsBatch([single], trainee.rules, {
      tokens,
      states: [{ block, group: "complete" }],
    });
    await using pass = await trainee.engine.forward([batch]);
    const { states: tapped } = pass.outputs[0]!;
    return tapped.get(block)!.slice(0, trainee.config.text.hiddenSize);
  };

  test("the twin with shared vision steps equals a pass over all its frames, the complete clip equals its own", async () => {
    const clips = rows();
    const [complete, twin] = await states(clips);
    for (const [b, { clip: shown, contrast: against }] of clips.entries()) {
      const steps = shown.steps.map((step, i) => against!.absentSteps.get(i) ?? step);
      close(complete![b]!, await alone(shown), 2e-5);
      close(twin![b]!, await alone({ ...shown, steps }), 2e-5);
      expect(apart(twin![b]!, complete![b]!)).toBeGreaterThan(1e-3);
    }
  });
  test("a twin that is the clip itself is the clip: h differs from the twin by what is shown alone", async () => {
    const clips = rows().map((row) => ({ ...row, contrast: { ...row.contrast!, absentSteps: new Map() } }));
    const [complete, twin] = await states(clips);
    for (const b of [0, 1]) close(twin![b]!, complete![b]!, 2e-5);
    // The paper's tokens name the twin; eq. (3) as one sequence lets its end see the clip besides.
    for (const encoding of ["literal", "packed"] as const) {
      const [own, named] = await states(clips, noDropout, encoding);
      for (const b of [0, 1]) expect(apart(named![b]!, own![b]!)).toBeGreaterThan(1e-3);
    }
  });
  test("literal: three end tokens and nothing else; no segment sees another one", async () => {
    const clips = rows();
    const [complete, twin, view, words] = await states(clips, noDropout, "literal");
    const shared = await states(clips);
    for (const [b, { clip: shown, contrast: against }] of clips.entries()) {
      const steps = shown.steps.map((step, i) => against!.absentSteps.get(i) ?? step);
      close(twin![b]!, await alone({ ...shown, steps }, tinyTokens.endAbsent), 2e-5);
      close(complete![b]!, shared[0]![b]!, 2e-5);
      close(view![b]!, shared[2]![b]!, 2e-5);
      close(words![b]!, shared[3]![b]!, 2e-5);
    }
  });
  test("separate: the same numbers from sequences of their own", async () => {
    const clips = rows();
    const [shared, separate] = [await states(clips), await states(clips, noDropout, "separate")];
    shared.forEach((group, g) => {
      group.forEach((state, b) => {
        close(separate[g]![b]!, state, 2e-5);
      });
    });
    expect(
      plan(clips, { states: statesAt(block), view: noDropout, encoding: "separate" }).batch.samples,
    ).toBe(8);
  });
  test("packed: the twin's end sees the clip, the text's end sees both, the clip's end sees neither", async () => {
    const clips = rows();
    const other = rows();
    const packed = (all: readonly ClipSegments[]): Promise<Float32Array[][]> =>
      states(all, noDropout, "packed");
    const [h, a, , t] = await packed(clips);
    const swapped = await packed(clips.map((row, b) => ({ ...row, clip: other[b]!.clip })));
    const twins = await packed(
      clips.map((row, b) => ({
        ...row,
        contrast: { ...row.contrast!, absentSteps: other[b]!.contrast!.absentSteps },
      })),
    );
    for (const b of [0, 1]) {
      expect(apart(a![b]!, swapped[1]![b]!)).toBeGreaterThan(1e-3);
      expect(apart(t![b]!, swapped[3]![b]!)).toBeGreaterThan(1e-4);
      expect(apart(t![b]!, twins[3]![b]!)).toBeGreaterThan(1e-4);
      close(h![b]!, twins[0]![b]!, 2e-5);
    }
  });
  test("a blind clip is contrasted with nothing: it has no rows in any group", async () => {
    const [seen, hidden] = rows() as [ClipSegments, ClipSegments];
    const options = { states: statesAt(block), view: noDropout };
    const { batch } = plan([{ ...hidden, blind: true }, seen], options);
    for (const { groups } of batch.taps) for (const { rows: own } of groups) expect(own.length).toBe(1);
    // Its second sample is the one that is left, and its numbers are its own.
    await using pass = await trainee.engine.forward([batch]);
    const [only] = await states([seen]);
    close(pass.outputs[0]!.states.get(block)!.slice(0, only![0]!.length), only![0]!, 2e-5);
    expect(() => plan([{ ...hidden, blind: true }], options)).toThrow(
      /nothing to contrast.*blind clips only/,
    );
  });
  test("dropout on both views changes the first one's state, and not what texts see", async () => {
    const clips = rows();
    const view = { dropout: 0.3, random: seededRandom("both"), both: true };
    const [h, a, v] = await states(clips, view);
    const [clean, twin] = await states(clips);
    for (const b of [0, 1]) {
      expect(apart(h![b]!, clean![b]!)).toBeGreaterThan(1e-3);
      expect(apart(h![b]!, v![b]!)).toBeGreaterThan(1e-3);
      close(a![b]!, twin![b]!, 2e-5);
    }
    const plain = await logprobs(clips);
    const both = await logprobs(clips, { states: statesAt(block), view });
    for (const b of [0, 1]) for (const t of [0, 1]) close(both[b]![t]!, plain[b]![t]!);
  });
  test("without dropout the second view is the first one, with dropout it is not", async () => {
    const clips = rows();
    const [complete, , view] = await states(clips);
    const [, , dropped] = await states(clips, { ...noDropout, dropout: 0.3 });
    for (const b of [0, 1]) {
      close(view![b]!, complete![b]!, 2e-5);
      expect(apart(dropped![b]!, complete![b]!)).toBeGreaterThan(1e-3);
    }
  });
  test("keywords are a sequence of their own: no clip changes their state", async () => {
    const clips = rows();
    const [, , , words] = await states(clips);
    const others = clips.map((row) => ({ ...row, clip: clip() }));
    const [, , , again] = await states(others);
    for (const b of [0, 1]) close(again![b]!, words![b]!, 1e-7);
    const [, , , swapped] = await states([...clips].reverse());
    close(swapped![0]!, words![1]!);
    expect(Math.max(...words![0]!.map((x, i) => Math.abs(x - words![1]![i]!)))).toBeGreaterThan(1e-3);
  });
  test.each([1, 2, 3])("the main part does not feel a tail that ends at block %i", async (at) => {
    const clips = rows();
    const plain = await logprobs(clips);
    const tailed = await logprobs(clips, {
      states: statesAt(at),
      view: { dropout: 0.2, random: seededRandom("view") },
    });
    for (const b of [0, 1]) for (const t of [0, 1]) close(tailed[b]![t]!, plain[b]![t]!);
  });
  test("dropout keeps the expected value: entries are 0 or 1 / (1 - p), about p of them 0", () => {
    const view = { dropout: 0.25, random: seededRandom("mask") };
    const mask = scaleFactors(plan(rows(), { states: statesAt(block), view }).batch.scale!);
    const zeros = mask.filter((x) => x === 0).length / mask.length;
    expect([...new Set(mask)].sort()).toEqual([0, Math.fround(1 / 0.75)]);
    expect(Math.abs(zeros - 0.25)).toBeLessThan(0.05);
  });
});

describe("planning", () => {
  test("equal steps are one, wherever they are shown: in the twin, in the view, in another clip", () => {
    const shown = clip();
    const absentSteps = new Map([[1, noiseStep(random)]]);
    const again = { ...shown, steps: shown.steps.map((step) => step.slice()) };
    const one = { texts: [text(20, 21)], contrast: { absentSteps, keywords: [16] } };
    const { batch } = plan(
      [
        { clip: shown, ...one },
        { clip: again, ...one },
      ],
      { states: statesAt(block), view: noDropout },
    );
    // 3 own steps and 1 of the twin, of 4 visual tokens each.
    expect(batch.media.length).toBe(4);
    expect(new Set(batch.media.map(({ content }) => content)).size).toBe(4);
    const visual = new Set([...batch.source].filter((source) => source >= 0));
    expect(visual.size).toBe(4 * 4);
  });
  test("only what a loss asks for is laid out: no tail for the complete clip alone, no view for the twin", () => {
    const one = [
      { clip: clip(), texts: [text(20, 21)], contrast: { absentSteps: new Map(), keywords: [16] } },
    ];
    const lengthOf = (groups: string[]): number =>
      plan(one, { states: groups.map((group) => ({ block, group })), view: noDropout }).batch.length;
    expect(lengthOf(["complete"])).toBe(lengthOf([]));
    expect(lengthOf(["absent"])).toBeGreaterThan(lengthOf(["complete"]));
    expect(lengthOf(["absent", "view"])).toBeGreaterThan(lengthOf(["absent"]));
    expect(() => lengthOf(["twin"])).toThrow(
      /states of unknown rows.*block 2.*complete, absent, view, keywords.*got twin/,
    );
    expect(() => plan(one, { states: [{ block, group: "view" }] })).toThrow(/without its dropout/);
  });
  test("clips of different sizes are refused", () => {
    const longer = clipOf(Array.from({ length: 4 }, () => noiseStep(random)));
    expect(() =>
      plan([
        { clip: clip(), texts: [] },
        { clip: longer, texts: [] },
      ]),
    ).toThrow(/clips of one batch.*expected 3 steps of 4 x 4 patches.*got 4 steps of 4 x 4/);
  });
  test("every target is scored once, at the row before it, and sees exactly the clip and its own past", () => {
    const one = fc.integer({ min: 1, max: 5 }).chain((length) =>
      fc.record({
        tokens: fc.array(fc.integer({ min: 16, max: 31 }), { minLength: length, maxLength: length }),
        scoredFrom: fc.integer({ min: 0, max: length }),
        next: fc.boolean(),
      }),
    );
    const shown = clip();
    fc.assert(
      fc.property(
        fc.array(fc.array(one, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
        (all) => {
          const { batch, scored } = plan(all.map((texts) => ({ clip: shown, texts })));
          const wanted = all.flatMap((texts, b) =>
            texts.flatMap(({ tokens, scoredFrom, next }, t) => [
              ...tokens.flatMap((_, i) => (i >= scoredFrom && i > 0 ? [{ clip: b, text: t, token: i }] : [])),
              ...(next ? [{ clip: b, text: t, token: tokens.length }] : []),
            ]),
          );
          expect(scored).toEqual(wanted);
          const prefix = 3 * 4 + 3;
          const { length, ids, source } = batch;
          const mask = visibilityMask(batch);
          scored.forEach(({ clip: b, text: t, token }, m) => {
            const { tokens } = all[b]![t]!;
            expect(batch.scored.targets[m]).toBe(tokens[token] ?? 0);
            const row = batch.scored.rows[m]!;
            const start = prefix + all[b]!.slice(0, t).reduce((sum, { tokens: own }) => sum + own.length, 0);
            expect(row).toBe(b * length + start + token - 1);
            expect(source[row]).toBe(wordSource);
            expect(ids[row]).toBe(tokens[token - 1]);
            const seen = [...mask.subarray(row * length, (row + 1) * length)].flatMap((x, i) =>
              x === 0 ? [i] : [],
            );
            expect(seen).toEqual([
              ...Array.from({ length: prefix }, (_, i) => i),
              ...Array.from({ length: token }, (_, i) => start + i),
            ]);
          });
        },
      ),
      { numRuns: 60 },
    );
  });
});

test("rounding up wastes less than the step or a quarter, and few sizes are left", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(1, 8, 16, 64), (value, least) => {
      const rounded = roundUp(value, least);
      expect(rounded).toBeGreaterThanOrEqual(value);
      expect(rounded % least).toBe(0);
      expect(rounded - value).toBeLessThan(Math.max(least, value / 4 + 1));
    }),
  );
  const sizes = new Set(Array.from({ length: 4096 }, (_, i) => roundUp(i + 1, 16)));
  expect(sizes.size).toBeLessThan(40);
});
