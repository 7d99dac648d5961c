import { expect, test } from "vitest";
import { endTokenOf } from "../../../src/jobs/train/prompts.ts";
import { smallConfig } from "../model/small-config.ts";

const config = smallConfig();
const withEnds = (...endOfText: number[]): typeof config => ({
  ...config,
  tokens: { ...config.tokens, endOfText },
});

test("a completion ends with the first end that the model has; a checkpoint without one is refused", () => {
  const { vocabSize } = config.text;
  expect(endTokenOf(withEnds(5, 3))).toBe(5);
  expect(endTokenOf(withEnds(vocabSize, 3))).toBe(3);
  expect(() => endTokenOf(withEnds())).toThrow(/no token ends an answer.*eos_token_id.*got none/);
  expect(() => endTokenOf(withEnds(vocabSize))).toThrow(`got ${vocabSize}`);
});
