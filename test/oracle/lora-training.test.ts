import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { idsBatch } from "../../src/batch/ids-batch.ts";
import { seededRandom } from "../../src/core/random.ts";
import { everyRow, labelledRows, prepareCase } from "../../src/engine/fixture-batch.ts";
import { type Execution, type OpenModel, openEmbedded } from "../../src/engine/onnx/open.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { readConfigFile } from "../../src/model/families.ts";
import { type ModelFixture, openFixture } from "../../src/model/fixture.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import type { Adapter } from "../../src/weights/adapter.ts";
import { mergeAdapter } from "../../src/weights/merge-adapter.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { openSafetensors } from "../../src/weights/safetensors.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { trainedAdapter } from "../unit/engine/trained-adapter.ts";
import { oracleMissing, runPython, type TransformersVersion } from "./python.ts";

const isMissing = oracleMissing("adapters trained here against peft");
const work = mkdtempSync(join(tmpdir(), "lora-oracle-"));
afterAll(() => rmSync(work, { recursive: true }));

type LogitsByCase = ReadonlyMap<string, Float32Array>;
let jobs = 0;
const referenceLogits = async (
  version: TransformersVersion,
  fixture: string,
  checkpoint: string,
  adapter?: string,
): Promise<LogitsByCase> => {
  const out = join(work, `logits-${jobs++}.safetensors`);
  const job = { checkpoint, fixture, adapter: adapter ?? null, out };
  await runPython(version, "test/oracle/lora_reference.py", [], JSON.stringify(job));
  const file = await openSafetensors(out);
  try {
    const names = [...file.tensors.keys()];
    return new Map(
      await Promise.all(names.map(async (name) => [name, await file.readFloats(name)] as const)),
    );
  } finally {
    await file.close();
  }
};

/** Logits of every row of every case. */
const ownLogits = async ({ engine, config }: OpenModel, fixture: ModelFixture): Promise<LogitsByCase> => {
  const all = new Map<string, Float32Array>();
  for (const one of fixture.cases) {
    const { inputs, ids } = await prepareCase(one, config);
    const { rows, targets } = everyRow(inputs);
    const batch = idsBatch(ids, batchRules(config), { scoredRows: rows, targets });
    all.set(one.name, (await engine.inspect(batch)).logits!);
  }
  return all;
};

/** Three steps of cross-entropy on the labels of the fixture's cases. */
const train = async ({ engine, config }: OpenModel, fixture: ModelFixture): Promise<number[]> => {
  const losses: number[] = [];
  for (let step = 0; step < 3; step++) {
    const { inputs, ids } = await prepareCase(fixture.cases[0]!, config);
    const { rows, targets } = labelledRows(inputs);
    const batch = idsBatch(ids, batchRules(config), { scoredRows: rows, targets });
    const pass = await engine.forward([batch], { keep: "graph" });
    const { tokenLogprobs } = pass.outputs[0]!;
    losses.push(-tokenLogprobs.reduce((sum, value) => sum + value, 0) / rows.length);
    const cotangent = new Float32Array(rows.length).fill(-1 / rows.length);
    await engine.clearGradient();
    await engine.backward(pass, [{ tokenLogprobs: cotangent, states: new Map() }]);
    await engine.update({
      learningRate: 2e-2,
      beta1: 0.9,
      beta2: 0.95,
      epsilon: 1e-8,
      weightDecay: 0,
      maxGradientNorm: 1,
    });
  }
  return losses;
};

/** Largest difference of rows that are no padding, by the largest expected logit. */
const worst = async (
  fixture: ModelFixture,
  folder: string,
  got: LogitsByCase,
  expected: LogitsByCase,
): Promise<number> => {
  const config = await readConfigFile(folder);
  let most = 0;
  for (const one of fixture.cases) {
    const { inputs } = await prepareCase(one, config);
    const [a, b] = [got.get(one.name)!, expected.get(one.name)!];
    expect(a.length).toBe(b.length);
    const width = config.text.vocabSize;
    let [difference, largest] = [0, 0];
    for (let i = 0; i < b.length; i++) {
      if (inputs.attentionMask_BT[Math.floor(i / width)] === 0) continue;
      difference = Math.max(difference, Math.abs(a[i]! - b[i]!));
      largest = Math.max(largest, Math.abs(b[i]!));
    }
    most = Math.max(most, difference / largest);
  }
  return most;
};

interface Trained {
  readonly adapter: Adapter;
  readonly logits: LogitsByCase;
  readonly losses: readonly number[];
}

describe.skipIf(isMissing)("adapters trained here", () => {
  const folder = join(work, "fixture");
  const checkpoint = join(folder, "checkpoint");
  const trained = new Map<Execution, Trained>();
  let fixture: ModelFixture;

  beforeAll(async () => {
    const cases = ["--cases", "padded", "mixed", "--dtype", "bfloat16"];
    await runPython("5.x", "scripts/make-golden/qwen2_5_vl.py", ["--out", folder, ...cases]);
    const opened = await openFixture(folder);
    if (opened.kind !== "model") throw new Error("not a model fixture");
    fixture = opened;
    const options = { targets: ["q_proj", "v_proj", "down_proj", "qkv"], rank: 4, alpha: 8, vision: true };
    const start = newAdapter(
      adaptedModel(await readConfigFile(checkpoint)),
      options,
      seededRandom("adapter"),
    );
    for (const execution of ["whole", "layerwise"] as const) {
      const engineOptions = { threads: 2, execution, weightStorage: "as-stored" as const };
      const model = await openEmbedded(checkpoint, "adapter", engineOptions, start);
      await using _ = model.engine;
      const losses = await train(model, fixture);
      const adapter = trainedAdapter(model.weights.store, start);
      trained.set(execution, { adapter, losses, logits: await ownLogits(model, fixture) });
    }
  });

  test("both executions train the same adapter, which lowers the loss", () => {
    const [whole, layerwise] = [trained.get("whole")!, trained.get("layerwise")!];
    expect(whole.losses[2]!).toBeLessThan(whole.losses[0]! - 0.05);
    layerwise.losses.forEach((loss, i) => {
      expect(loss).toBeCloseTo(whole.losses[i]!, 3);
    });
  });

  test.each([
    ["whole", "current", "5.x"],
    ["layerwise", "current", "5.x"],
    ["layerwise", "transformers-4.49", "4.49"],
  ] as const)("%s, names %s: peft computes the same logits under %s", async (execution, naming, version) => {
    const { adapter, logits } = trained.get(execution)!;
    const saved = join(work, `${execution} ${naming}`);
    writeAdapter(saved, adapter, adaptedModel(await readConfigFile(checkpoint)), { naming });
    const reference = await referenceLogits(version, folder, checkpoint, saved);
    expect(await worst(fixture, checkpoint, logits, reference)).toBeLessThan(1e-4);
    const without = await referenceLogits(version, folder, checkpoint);
    expect(await worst(fixture, checkpoint, without, reference)).toBeGreaterThan(1e-2);
  });

  test.each(["4.49", "5.x"] as const)("merged, transformers %s computes the same logits", async (version) => {
    const { adapter, logits } = trained.get("whole")!;
    const { config, weights, engine } = await openEmbedded(checkpoint, "none", {
      threads: 1,
      execution: "whole",
    });
    await engine[Symbol.asyncDispose]();
    mergeAdapter(adapter, (name) => weights.store.tensor(name).data);
    const saved = join(work, `merged ${version}`);
    saveCheckpoint(saved, config, weights.store.tensors(), { dtype: "float32" });
    const reference = await referenceLogits(version, folder, saved);
    expect(await worst(fixture, checkpoint, logits, reference)).toBeLessThan(1e-4);
  });
});
