import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { emptyStore } from "../../../src/engine/model-store.ts";
import { ModelWeights } from "../../../src/engine/model-weights.ts";
import { loadModel, saveModel } from "../../../src/engine/onnx/model-files.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { tinyConfig } from "../training/tiny.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "training-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const config = tinyConfig();
const modelOf = (store: ParameterStore) => ({ config, weights: new ModelWeights(store), adapter: undefined });
const kinds = ["value", "firstMoment", "secondMoment"] as const;
const randomStore = (): ParameterStore => {
  const random = seededRandom("store");
  const store = emptyStore(config, "all");
  // Magnitudes from denormal to large: bits must survive, not digits.
  for (const parameter of store.all())
    for (const kind of kinds)
      parameter[kind]!.forEach((_, i, array) => {
        array[i] = random.normal() * 10 ** (random.integer(60) - 42);
      });
  return store;
};
const bits = (array: Float32Array): Buffer => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

test("weights, both moments and the count of updates come back bit for bit", async () => {
  const store = randomStore();
  store.updates = 123;
  const target = join(folder, "whole");
  saveModel(target, modelOf(store), { optimizer: true, tokenizerFrom: folder });
  const again = emptyStore(config, "all");
  await loadModel(target, modelOf(again), true);
  expect(again.updates).toBe(123);
  for (const parameter of store.all())
    for (const kind of kinds)
      expect(bits(again.get(parameter.name)[kind]!).equals(bits(parameter[kind]!)), parameter.name).toBe(
        true,
      );
});

test("a checkpoint without moments says what to do", async () => {
  const target = join(folder, "weights only");
  saveCheckpoint(target, config, randomStore().tensors(), { dtype: "float32" });
  await expect(loadModel(target, modelOf(emptyStore(config, "all")), true)).rejects.toThrow(
    /checkpoint without optimizer state.*optimizer\.safetensors.*start a new run from it instead/,
  );
});
