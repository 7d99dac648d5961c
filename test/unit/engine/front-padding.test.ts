import { expect, test } from "vitest";
import { idsBatch } from "../../../src/batch/ids-batch.ts";
import type { Engine } from "../../../src/engine/contract.ts";
import { ModelWeights } from "../../../src/engine/model-weights.ts";
import { OnnxEngine } from "../../../src/engine/onnx/engine.ts";
import { LayerwiseEngine } from "../../../src/engine/onnx/layerwise/engine.ts";
import { smallConfig, smallStore } from "./small-model.ts";

/** Long enough that a mask would be cut in two. */
const [columns, padding] = [90, 50];
const ids = Array.from({ length: columns }, (_, at) => (at < padding ? 0 : 10 + (at % 30)));
const used = ids.map((_, at) => (at < padding ? 0 : 1));
const batchOf = (scoredRows: readonly number[]): ReturnType<typeof idsBatch> =>
  idsBatch(
    {
      rows: 1,
      columns,
      ids_BT: ids,
      mask_BT: used,
      positions_3BT: Array.from({ length: 3 * columns }, (_, at) => Math.max(1, (at % columns) - padding)),
    },
    smallConfig,
    { scoredRows, targets: scoredRows.map(() => 12), taps: [{ block: 1, rows: scoredRows }] },
  );

test("only what reads padding in front of a sample takes a whole mask", () => {
  expect(batchOf([padding, columns - 1]).language.readsBlind).toBeUndefined();
  expect(batchOf([padding - 1]).language.readsBlind).toBe(true);
});

const store = smallStore("all");
const kinds: [string, () => Engine][] = [
  ["whole graph", () => new OnnxEngine(smallConfig, store, undefined, { threads: 1 })],
  ["layerwise", () => new LayerwiseEngine(smallConfig, new ModelWeights(store), undefined, { threads: 1 })],
];

test.each(kinds)("%s: padding in front of a sample mixes all positions alike", async (_, open) => {
  await using engine = open();
  const { states, tokenLogprobs } = await engine.forward(batchOf([0, padding - 1]));
  const width = smallConfig.text.hiddenSize;
  const [first, last] = [states.get(1)!.subarray(0, width), states.get(1)!.subarray(width)];
  first.forEach((value, d) => {
    expect(value).toBeCloseTo(last[d]!, 6);
  });
  expect(tokenLogprobs[0]).toBeCloseTo(tokenLogprobs[1]!, 5);
});
