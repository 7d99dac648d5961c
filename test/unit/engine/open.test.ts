import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import type { Engine } from "../../../src/engine/contract.ts";
import { layerwiseFrom, parameterCount } from "../../../src/engine/model-store.ts";
import { openEmbedded } from "../../../src/engine/onnx/open.ts";
import { adaptedModel } from "../../../src/model/adapted-model.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { newAdapter } from "../../../src/weights/new-adapter.ts";
import { smallConfig, smallIds, smallStore } from "./small-model.ts";
import { trainedAdapter } from "./trained-adapter.ts";

const folder = mkdtempSync(join(tmpdir(), "open-engine-"));
beforeAll(() =>
  saveCheckpoint(folder, { ...smallConfig, storage: "bfloat16" }, smallStore("none").tensors()),
);
afterAll(() => rmSync(folder, { recursive: true }));

const { batch: plan } = smallIds();
const batch = plan({ scoredRows: [12, 13], targets: [11, 12] });

test("a small model is one graph in float32 unless something else is asked for", async () => {
  expect(parameterCount(smallConfig)).toBeLessThan(layerwiseFrom);
  expect(parameterCount(smallConfig)).toBe(
    smallStore("none")
      .all()
      .reduce((sum, { value }) => sum + value.length, 0),
  );
  const small = await openEmbedded(folder, "none", { threads: 1, weightStorage: "as-stored" });
  await using whole = small.engine;
  expect([small.execution, small.weightStorage]).toEqual(["whole", "float32"]);
  const asked = { threads: 1, execution: "layerwise", weightStorage: "as-stored" } as const;
  const other = await openEmbedded(folder, "none", asked);
  await using layerwise = other.engine;
  expect([other.execution, other.weightStorage]).toEqual(["layerwise", "as-stored"]);
  expect(other.weights.byteLength()).toBeLessThan(0.55 * small.weights.byteLength());
  const logprobs = async (engine: Engine): Promise<Float32Array> => {
    await using pass = await engine.forward([batch]);
    return pass.outputs[0]!.tokenLogprobs;
  };
  const [expected, got] = [await logprobs(whole), await logprobs(layerwise)];
  got.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 4);
  });
  expect(layerwise.capabilities.trainable).toEqual([]);
});

test("an adapter is used, what it replaces is kept in float32, and its numbers come back", async () => {
  const options = { targets: ["q_proj"], rank: 2, alpha: 4 };
  const random = seededRandom("adapter");
  const fresh = newAdapter(adaptedModel(smallConfig), options, random);
  const name = "visual.merger.mlp.2.weight";
  const store = smallStore("none");
  const replaced = [{ ...store.tensor(name), data: store.tensor(name).data.map((value) => 2 * value) }];
  const adapter = {
    ...fresh,
    replaced,
    modules: fresh.modules.map((module) => ({
      ...module,
      b_OR: module.b_OR.map(() => random.normal()),
    })),
  };
  const results: Float32Array[] = [];
  for (const execution of ["whole", "layerwise"] as const) {
    const engineOptions = { threads: 1, execution, weightStorage: "as-stored" } as const;
    const { engine, weights } = await openEmbedded(folder, "none", engineOptions, adapter);
    await using _ = engine;
    expect(await engine.read(name, "value")).toEqual(replaced[0]!.data);
    expect(trainedAdapter(weights.store, adapter)).toEqual(adapter);
    results.push((await engine.forward([batch])).outputs[0]!.tokenLogprobs);
  }
  const { engine } = await openEmbedded(folder, "none", { threads: 1 });
  await using _ = engine;
  const without = (await engine.forward([batch])).outputs[0]!.tokenLogprobs;
  results[0]!.forEach((value, i) => {
    expect(results[1]![i]!).toBeCloseTo(value, 4);
    expect(Math.abs(value - without[i]!)).toBeGreaterThan(1e-3);
  });
});

test("an adapter with a head of its own parts head and word table of a model that ties them", async () => {
  const tied = join(folder, "tied");
  const config = { ...smallConfig, text: { ...smallConfig.text, tieWordEmbeddings: true } };
  const store = smallStore("none");
  const tensors = [...store.tensors()].filter(({ name }) => name !== "lm_head.weight");
  saveCheckpoint(tied, config, tensors, { dtype: "float32" });
  const table = store.tensor("model.embed_tokens.weight");
  const head = { ...table, name: "lm_head.weight", data: table.data.map((value) => -value) };
  const plain = newAdapter(adaptedModel(config), { targets: ["q_proj"], rank: 2, alpha: 4 }, seededRandom(1));
  for (const execution of ["whole", "layerwise"] as const) {
    const open = async (replaced: (typeof head)[], unties: boolean): Promise<Float32Array> => {
      const adapter = { ...plain, replaced, unties };
      const { engine, config: opened } = await openEmbedded(tied, "none", { threads: 1, execution }, adapter);
      await using _ = engine;
      expect(opened.text.tieWordEmbeddings).toBe(!unties);
      expect(await engine.read("model.embed_tokens.weight", "value")).toEqual(table.data);
      if (unties) expect(await engine.read("lm_head.weight", "value")).toEqual((replaced[0] ?? table).data);
      return (await engine.forward([batch])).outputs[0]!.tokenLogprobs;
    };
    const [without, equal, other] = [await open([], false), await open([], true), await open([head], true)];
    equal.forEach((value, i) => {
      expect(value).toBeCloseTo(without[i]!, 5);
      expect(Math.abs(other[i]! - value)).toBeGreaterThan(1e-3);
    });
  }
});
