import { describe, expect, test } from "vitest";
import { resizeAntialias } from "../../src/frames/resize-antialias.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { openCheckpoint } from "../../src/model/checkpoint.ts";
import { openFixture } from "../../src/model/fixture.ts";
import { positionsOf } from "../../src/model/positions.ts";
import type { Resize } from "../../src/model/processor.ts";
import { verifyProcessorFixture } from "../../src/model/verify-processor.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { readAdapter } from "../../src/weights/adapter.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

/** Made by scripts of transformers 4.49 and 5.23 (see the fixtures' own `made`). */
describe.skipIf(sharedMissing("inputs of Qwen2.5-VL against fixtures"))("Qwen2.5-VL fixtures", () => {
  test.each(["small-tied", "untied-odd-grids", "lora"])(
    "%s: positions are equal, every tensor is found",
    async (name) => {
      const fixture = await openFixture(sharedFile(`data/fixtures/${name}`));
      if (fixture.kind !== "model") throw new Error("not a model fixture");
      const checkpoint = await openCheckpoint(fixture.checkpoint);
      for (const one of fixture.cases) {
        const inputs = await one.inputs();
        const expected = await one.value("position_ids");
        const made = positionsOf(inputs, checkpoint.config);
        expect([...made.positions_3BT], one.name).toEqual([...expected.data]);
        for (const what of one.expected) expect((await one.value(what)).data.length).toBeGreaterThan(0);
      }
      for (const parameter of checkpoint.names()) {
        const values = new Float32Array(checkpoint.shape(parameter).reduce((a, b) => a * b, 1));
        await checkpoint.readInto(parameter, values);
        expect(values.every(Number.isFinite), parameter).toBe(true);
      }
      if (fixture.adapter !== undefined) {
        const adapter = await readAdapter(fixture.adapter, adaptedModel(checkpoint.config));
        expect(adapter.matched).toBe(56);
        expect(adapter.naming).toBe("current");
        expect(new Set(adapter.modules.map(({ scale }) => scale))).toEqual(new Set([2]));
      }
      await checkpoint.close();
      await fixture.close();
    },
  );

  test("processor: everything is equal, resized frames in every value", async () => {
    const reports = await verifyProcessorFixture(sharedFile("data/fixtures/processor"), resizeAntialias);
    const failed = reports.flatMap(({ name, items }) =>
      items.filter(({ pass }) => !pass).map((item) => ({ name, ...item })),
    );
    expect(failed).toEqual([]);
    const items = reports.flatMap((report) => report.items);
    expect(items.length).toBe(25);
    const resized = items.filter(({ item }) => item.startsWith("resized."));
    expect(resized.map(({ maxAbs }) => maxAbs)).toEqual(resized.map(() => 0));
    expect(resized.length).toBe(5);
  });

  test("processor: other pixels fail", async () => {
    const blank: Resize = (_rgb, _width, _height, toWidth, toHeight) =>
      new Uint8Array(toWidth * toHeight * 3);
    const reports = await verifyProcessorFixture(sharedFile("data/fixtures/processor"), blank);
    const failed = reports.flatMap(({ items }) => items.filter(({ pass }) => !pass).map(({ item }) => item));
    expect(failed.every((item) => /resized|pixel_values/.test(item))).toBe(true);
    expect(failed.length).toBeGreaterThan(5);
  });

  test("tokenizer: the ids of the data's own README, and user text that names tokens", () => {
    const tokenizer = loadTokenizer(sharedFile("data/tokenizers/qwen2.5-vl"));
    const text =
      "<|im_start|>user\n<|vision_start|><|video_pad|><|vision_end|>How many times does he wave?<|im_end|>";
    const ids = [151644, 872, 198, 151652, 151656, 151653, 4340, 1657, 3039, 1558, 566, 12060, 30, 151645];
    expect(tokenizer.encodeWithSpecial(text)).toEqual(ids);
    expect(tokenizer.decode(ids)).toBe(text);
    expect(tokenizer.decode(ids, { skipSpecial: true })).toBe("user\nHow many times does he wave?");
    expect(Math.max(...tokenizer.encode(text))).toBeLessThan(151643);
    expect(tokenizer.decode(tokenizer.encode(text))).toBe(text);
  });
});
