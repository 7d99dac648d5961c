import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { TokenBatch } from "../../../src/batch/token-batch.ts";
import type { FeatureKeeping } from "../../../src/engine/engine-plugin.ts";
import type { LoraAdapter } from "../../../src/engine/lora.ts";
import { ModelWeights } from "../../../src/engine/model-weights.ts";
import type { EmbeddedEngine } from "../../../src/engine/onnx/embedded-engine.ts";
import { layerwiseEngine, wholeGraphEngine } from "../../../src/engine/onnx/open.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { smallConfig, smallIds, smallStore } from "./small-model.ts";

const folder = mkdtempSync(join(tmpdir(), "features-"));
afterAll(() => rmSync(folder, { recursive: true }));

const { batch: plan, next } = smallIds();
const onlyLanguage = ({ part }: { readonly part: string }): boolean => part === "language";

/** A batch that counts how often pixels are asked for; another one at every call, of the same pictures. */
const counted = (scoredRows = [12, 33]): { readonly batch: TokenBatch; asked: number } => {
  const made = { batch: plan({ scoredRows, targets: [11, 12] }), asked: 0 };
  const media = made.batch.media.map((step) => ({
    ...step,
    patches: () => {
      made.asked++;
      return step.patches();
    },
  }));
  return Object.assign(made, { batch: { ...made.batch, media } });
};

const steps = plan({ scoredRows: [12], targets: [11] }).media.length;

const engineOf = (
  execution: "whole" | "layerwise",
  store: ParameterStore,
  features?: FeatureKeeping,
  adapter?: LoraAdapter,
): EmbeddedEngine => {
  const model = { config: smallConfig, weights: new ModelWeights(store), adapter };
  return execution === "whole"
    ? wholeGraphEngine(model, { threads: 1 }, features)
    : layerwiseEngine(model, { threads: 1 }, features);
};

const logprobs = async (engine: EmbeddedEngine, batch: TokenBatch): Promise<Float32Array> => {
  await using pass = await engine.forward([batch]);
  return pass.outputs[0]!.tokenLogprobs;
};

const onDisk = (name: string): FeatureKeeping => ({
  memoryBytes: 0,
  disk: { folder: join(folder, name), bytes: 1e9 },
});

const expectClose = (got: ArrayLike<number>, expected: ArrayLike<number>, within = 1e-5): void => {
  expect(got.length).toBe(expected.length);
  for (let i = 0; i < got.length; i++) expect(Math.abs(got[i]! - expected[i]!)).toBeLessThan(within);
};

for (const execution of ["whole", "layerwise"] as const) {
  test(`${execution}: a frozen tower sees a picture once, and nothing changes`, async () => {
    await using plain = engineOf(execution, smallStore(onlyLanguage));
    await using keeping = engineOf(execution, smallStore(onlyLanguage), { memoryBytes: 1e9 });
    const first = counted();
    const expected = await logprobs(plain, first.batch);
    expect(first.asked).toBe(steps);
    const seen = counted();
    const got = await logprobs(keeping, seen.batch);
    expect(seen.asked).toBe(steps);
    expectClose(got, expected);
    const again = counted();
    expect(await logprobs(keeping, again.batch)).toEqual(got);
    expect(again.asked).toBe(0);
    // The gradient of the language model is the same; without pictures it would not be.
    const name = "model.layers.0.self_attn.o_proj.weight";
    const gradients: Float32Array[] = [];
    for (const engine of [plain, keeping]) {
      const pass = await engine.forward([counted().batch], { keep: "inputs" });
      const tokenLogprobs = Float32Array.of(1, -0.5);
      await engine.backward(pass, [{ tokenLogprobs, states: new Map() }]);
      gradients.push(await engine.read(name, "gradient"));
    }
    expect(gradients[0]!.some((value) => Math.abs(value) > 1e-4)).toBe(true);
    expectClose(gradients[1]!, gradients[0]!);
    const request = {
      batch: counted([19, 39]).batch,
      nextPositions: next,
      completions: 2,
      maxNewTokens: 4,
      temperature: 1,
      stopTokens: [],
      seed: "features",
    };
    const drawn = await keeping.sample(request);
    const tokens = (all: typeof drawn): unknown => all.map((one) => one.map((row) => row.tokens));
    expect(tokens(drawn)).toEqual(tokens(await plain.sample(request)));
  });

  test(`${execution}: features on disk serve another engine bit for bit, until the tower is another one`, async () => {
    const first = counted();
    await using one = engineOf(execution, smallStore(onlyLanguage), onDisk(execution));
    const expected = await logprobs(one, first.batch);
    expect(first.asked).toBe(steps);
    const second = counted();
    await using other = engineOf(execution, smallStore(onlyLanguage), onDisk(execution));
    expect(await logprobs(other, second.batch)).toEqual(expected);
    expect(second.asked).toBe(0);
    // Language weights that are loaded change no feature; those of the tower change all.
    const changed = smallStore("none");
    const checkpoint = join(folder, `changed-${execution}`);
    changed.get("model.norm.weight").value.fill(0.5);
    await saveCheckpoint(checkpoint, smallConfig, changed.tensors());
    await other.load(checkpoint);
    const third = counted();
    expect(await logprobs(other, third.batch)).not.toEqual(expected);
    expect(third.asked).toBe(0);
    const bias = changed.get("visual.merger.mlp.2.bias").value;
    bias.forEach((_, i) => {
      bias[i] = i % 3;
    });
    await saveCheckpoint(checkpoint, smallConfig, changed.tensors());
    await other.load(checkpoint);
    const fourth = counted();
    const got = await logprobs(other, fourth.batch);
    expect(fourth.asked).toBe(steps);
    await using plain = engineOf(execution, changed);
    expectClose(got, await logprobs(plain, counted().batch));
    // The same batch is not taken for known after other weights were loaded.
    await one.load(checkpoint);
    expectClose(await logprobs(one, first.batch), got, 1e-12);
  });
}

test("a tower of which something is trained computes every time, and is trained", async () => {
  for (const part of ["vision", "merger"]) {
    const store = smallStore((parameter) => parameter.part === part);
    await using engine = engineOf("whole", store, onDisk(`trained-${part}`));
    for (let i = 0; i < 2; i++) {
      const shown = counted();
      const pass = await engine.forward([shown.batch], { keep: "inputs" });
      await engine.backward(pass, [{ tokenLogprobs: Float32Array.of(1, 1), states: new Map() }]);
      expect(shown.asked).toBe(steps);
    }
    const { name } = store.trained()[0]!;
    expect((await engine.read(name, "gradient")).some((value) => value !== 0)).toBe(true);
  }
});

test("memory holds what fits, the one used longest ago goes first", async () => {
  const bytes = 4 * smallConfig.vision.outHiddenSize * 4;
  await using engine = engineOf("whole", smallStore("none"), { memoryBytes: (steps - 1) * bytes });
  await logprobs(engine, counted().batch);
  const again = counted();
  await logprobs(engine, again.batch);
  // All but one were kept, and each that was missing took the place of the next.
  expect(again.asked).toBe(steps);
  await using room = engineOf("whole", smallStore("none"), { memoryBytes: steps * bytes });
  await logprobs(room, counted().batch);
  const kept = counted();
  await logprobs(room, kept.batch);
  expect(kept.asked).toBe(0);
});

test("damaged features are computed again; a disk that takes none is told of once", async () => {
  const keeping = onDisk("damaged");
  await using engine = engineOf("whole", smallStore("none"), keeping);
  const expected = await logprobs(engine, counted().batch);
  const files = readdirSync(keeping.disk!.folder).map((name) => join(keeping.disk!.folder, name));
  expect(files).toHaveLength(steps);
  const bytes = readFileSync(files[0]!);
  bytes[5]! ^= 1;
  writeFileSync(files[0]!, bytes);
  writeFileSync(files[1]!, "");
  // The checksum of nothing.
  writeFileSync(files[2]!, Buffer.alloc(4));
  const seen = counted();
  expect(await logprobs(engine, seen.batch)).toEqual(expected);
  expect(seen.asked).toBe(3);
  const told: string[] = [];
  writeFileSync(join(folder, "a file"), "");
  const disk = { folder: join(folder, "a file"), bytes: 1e9 };
  const onTrouble = (line: string): void => {
    told.push(line);
  };
  await using without = engineOf("whole", smallStore("none"), { memoryBytes: 1e9, disk, onTrouble });
  expect(await logprobs(without, counted().batch)).toEqual(expected);
  expect(told).toHaveLength(1);
  expect(told[0]).toContain("features are kept in memory only");
});
