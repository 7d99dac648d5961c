import fc from "fast-check";
import { expect, test } from "vitest";
import { paddingSegment, type TokenBatch, wordSource } from "../../../src/batch/token-batch.ts";
import type { Engine, SampleRequest } from "../../../src/engine/contract.ts";
import { checkSampleRequest, drawCompletions } from "../../../src/engine/draw-completions.ts";
import { cutAtStop, cutCompletion, sampleUntilText } from "../../../src/engine/stop-text.ts";

/** A tokenizer of bytes: token i is byte i, 256 ends. */
const vocabSize = 257;
const end = 256;
const decode = (tokens: readonly number[]): string => new TextDecoder().decode(Uint8Array.from(tokens));
const encode = (text: string): number[] => [...new TextEncoder().encode(text)];

/** Logits of a model that writes `text` whatever it is asked, then ends. */
const writer = (text: string, rows: number) => {
  const bytes = [...encode(text), end];
  const logitsAt = (step: number): Float32Array => {
    const logits = new Float32Array(rows * vocabSize).fill(-30);
    for (let row = 0; row < rows; row++) logits[row * vocabSize + (bytes[step] ?? end)] = 0;
    return logits;
  };
  return {
    first: logitsAt(0),
    next: async (_: BigInt64Array, step: number) => logitsAt(step + 1),
  };
};

/** Prompts of one segment each. */
const promptBatch = (prompts: readonly (readonly number[])[]): TokenBatch => {
  const length = Math.max(...prompts.map((tokens) => tokens.length));
  const at = (value: (tokens: readonly number[], prompt: number, t: number) => number): Int32Array =>
    Int32Array.from({ length: prompts.length * length }, (_, row) => {
      const prompt = Math.floor(row / length);
      return value(prompts[prompt]!, prompt, row % length);
    });
  return {
    samples: prompts.length,
    length,
    ids: at((tokens, _, t) => tokens[t] ?? 0),
    positions: new Int32Array(3 * prompts.length * length),
    segments: at((tokens, prompt, t) => (t < tokens.length ? prompt : paddingSegment)),
    parents: new Int32Array(prompts.length).fill(-1),
    endBlocks: new Int32Array(prompts.length),
    media: [],
    source: new Int32Array(prompts.length * length).fill(wordSource),
    scale: undefined,
    scored: {
      rows: Int32Array.from(prompts, (tokens, prompt) => prompt * length + tokens.length - 1),
      targets: new Int32Array(prompts.length),
    },
    taps: [],
    sizes: "exact",
  };
};

const request = (more: Partial<SampleRequest>): SampleRequest => {
  const batch = more.batch ?? promptBatch([[7, 8, 9]]);
  return {
    batch,
    nextPositions: new Array<number>(batch.samples).fill(3),
    completions: 1,
    maxNewTokens: 100,
    temperature: 0,
    stopTokens: [end],
    seed: "draw",
    ...more,
  };
};

/** Drawn with a watch; what is cut from the whole completion afterwards is the same. */
const drawn = async (text: string, strings: readonly string[], maxNewTokens = 100) => {
  const asked = request({ maxNewTokens });
  const stop = { strings, decode };
  const watch = (_: number, tokens: readonly number[]): boolean => cutAtStop(decode(tokens), strings).found;
  const watched = (await drawCompletions(asked, vocabSize, writer(text, 1), watch))[0]![0]!;
  const whole = (await drawCompletions(asked, vocabSize, writer(text, 1)))[0]![0]!;
  const cut = cutCompletion(whole, stop);
  expect(cutCompletion(watched, stop)).toEqual(cut);
  return cut;
};

test("a stop string ends a completion across tokens; its text is what stands in front of the string", async () => {
  const { tokens, logprobs, finish, text } = await drawn("thinking </answer> and more", ["</answer>"]);
  expect(text).toBe("thinking ");
  expect(finish).toBe("stop");
  // The tokens reach to the end of the string, as those of transformers do; no stop token was drawn.
  expect(decode(tokens)).toBe("thinking </answer>");
  expect(logprobs).toHaveLength(tokens.length);
});

test("without a stop string the whole text; a stop token and the length end it as ever", async () => {
  expect(await drawn("plain", ["never"])).toMatchObject({ text: "plain", finish: "stop" });
  expect(await drawn("plain", ["never"], 3)).toMatchObject({ text: "pla", finish: "length" });
  expect(await drawn("", ["never"])).toMatchObject({ text: "", tokens: [], finish: "stop" });
  // A string that is complete with the last allowed token is a stop.
  expect(await drawn("plain", ["ai"], 4)).toMatchObject({ text: "pl", finish: "stop" });
});

test("characters of several bytes, as text and as stop strings: equal to cutting the whole text", async () => {
  const piece = fc.constantFrom("a", "b", "é", "停", "🎬", "\n", "ab");
  const words = fc.array(piece, { minLength: 1, maxLength: 12 }).map((all) => all.join(""));
  const stops = fc.array(
    fc.array(piece, { minLength: 1, maxLength: 2 }).map((all) => all.join("")),
    {
      minLength: 1,
      maxLength: 3,
    },
  );
  await fc.assert(
    fc.asyncProperty(words, stops, async (text, strings) => {
      const got = await drawn(text, strings);
      const ends = strings
        .map((string) => text.indexOf(string))
        .flatMap((at, i) => (at < 0 ? [] : [{ at, end: at + strings[i]!.length }]));
      if (ends.length === 0) {
        expect(got.text).toBe(text);
        return;
      }
      // The string that is complete first ends the completion; of what is there by then, the first begins the cut.
      const stop = Math.min(...ends.map((one) => one.end));
      expect(decode(got.tokens)).toBe(text.slice(0, stop));
      expect(got.text).toBe(cutAtStop(text.slice(0, stop), strings).text);
    }),
    { numRuns: 300 },
  );
});

test("the repetition penalty counts the prompt and what was drawn, each completion its own", async () => {
  // Three tokens nearly alike: the penalty turns the choice to one that was not there yet, while there is one.
  const logits = new Float32Array(2 * vocabSize).fill(-30);
  for (const row of [0, 1]) logits.set([4, 3.9, 3.8], row * vocabSize);
  const asked = request({
    batch: promptBatch([[0], [2]]),
    maxNewTokens: 3,
    repetitionPenalty: 1.2,
  });
  const completions = await drawCompletions(asked, vocabSize, {
    first: logits.slice(),
    next: async () => logits.slice(),
  });
  expect(completions.map(([one]) => one!.tokens)).toEqual([
    [1, 2, 0],
    [0, 1, 0],
  ]);
});

test("equal seeds, equal completions; completions of one prompt differ", async () => {
  const flat = new Float32Array(4 * vocabSize);
  const draw = (seed: string) =>
    drawCompletions(request({ completions: 4, temperature: 1, maxNewTokens: 8, seed }), vocabSize, {
      first: flat.slice(),
      next: async () => flat.slice(),
    });
  const [first, again, other] = [await draw("a"), await draw("a"), await draw("b")];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect(new Set(first[0]!.map(({ tokens }) => tokens.join())).size).toBe(4);
});

test("requests that are out of range are errors", () => {
  const wrong: [Partial<SampleRequest>, RegExp][] = [
    [{ completions: 0 }, /completions.*integer, 1 or more.*0/s],
    [{ maxNewTokens: 2.5 }, /maxNewTokens/],
    [{ topP: 2 }, /top-p/],
    [{ nextPositions: [1, 2] }, /prompts of a batch.*1 next positions.*got 2/s],
  ];
  for (const [more, message] of wrong)
    expect(() => checkSampleRequest(request(more), vocabSize)).toThrow(message);
  const whole = promptBatch([[7, 8, 9]]);
  const shifted = { ...whole, segments: Int32Array.of(paddingSegment, 0, 0) };
  expect(() => checkSampleRequest(request({ batch: shifted }), vocabSize)).toThrow(/from the left on/);
  const twoTexts = { ...whole, segments: Int32Array.of(0, 0, 1), parents: Int32Array.of(-1, -1) };
  expect(() =>
    checkSampleRequest(request({ batch: { ...twoTexts, endBlocks: new Int32Array(2) } }), vocabSize),
  ).toThrow(/its last token sees all/);
});

test("an empty stop string is an error, before anything is drawn", async () => {
  const engine = {} as Engine;
  await expect(sampleUntilText(engine, request({}), { strings: [""], decode })).rejects.toThrow(
    /empty stop string/,
  );
});
