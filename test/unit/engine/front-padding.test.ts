import { expect, test } from "vitest";
import { idsBatch } from "../../../src/batch/ids-batch.ts";
import { lowerBatch } from "../../../src/engine/onnx/lowering/lower-batch.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { smallConfig, smallEngine, smallStore } from "./small-model.ts";

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
    batchRules(smallConfig),
    { scoredRows, targets: scoredRows.map(() => 12), taps: [{ block: 1, rows: scoredRows }] },
  );

test("only what reads padding in front of a sample takes a whole mask", async () => {
  const readsBlind = async (rows: readonly number[]): Promise<boolean | undefined> =>
    (await lowerBatch(batchOf(rows), smallConfig)).language.readsBlind;
  expect(await readsBlind([padding, columns - 1])).toBeUndefined();
  expect(await readsBlind([padding - 1])).toBe(true);
});

const store = smallStore("all");

test.each(["whole", "layerwise"] as const)(
  "%s: padding in front of a sample mixes all positions alike",
  async (execution) => {
    await using engine = smallEngine(store, execution);
    await using pass = await engine.forward([batchOf([0, padding - 1])]);
    const { states, tokenLogprobs } = pass.outputs[0]!;
    const width = smallConfig.text.hiddenSize;
    const [first, last] = [states.get(1)!.subarray(0, width), states.get(1)!.subarray(width)];
    first.forEach((value, d) => {
      expect(value).toBeCloseTo(last[d]!, 6);
    });
    expect(tokenLogprobs[0]).toBeCloseTo(tokenLogprobs[1]!, 5);
  },
);
