import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { idsBatch } from "../../../src/batch/ids-batch.ts";
import type { TokenBatch } from "../../../src/batch/token-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { Engine } from "../../../src/engine/contract.ts";
import { emptyStore } from "../../../src/engine/model-store.ts";
import { openEmbedded } from "../../../src/engine/onnx/open.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import type { Grid } from "../../../src/frames/grid.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import type { ModelConfig } from "../../../src/model/config.ts";
import { familyOf, readConfig } from "../../../src/model/families.ts";
import { initialize } from "../../../src/model/initialize.ts";
import { positionsOf } from "../../../src/model/positions.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { flatConfig } from "./small-config.ts";

const folder = mkdtempSync(join(tmpdir(), "qwen2-vl-"));
afterAll(() => rmSync(folder, { recursive: true }));

const vision = {
  depth: 2,
  embed_dim: 16,
  hidden_size: 32,
  hidden_act: "quick_gelu",
  mlp_ratio: 2,
  num_heads: 2,
  in_chans: 3,
  patch_size: 14,
  spatial_merge_size: 2,
  temporal_patch_size: 2,
};
const flat = flatConfig({ model_type: "qwen2_vl", vision_config: vision });
const config: ModelConfig = readConfig(flat, "config.json");

describe("configuration", () => {
  test("what is written reads as the same, and defaults are those of the reference's class", () => {
    expect(readConfig(familyOf(config).writeConfig(config), "written")).toEqual(config);
    const { depth: _, ...rest } = vision;
    const shorter = readConfig({ ...flat, vision_config: rest }, "config.json");
    expect(shorter.vision).toEqual({ ...config.vision, depth: 32 });
  });
  test.each([
    [
      "another activation",
      { hidden_act: "silu" },
      /activation.*vision_config.hidden_act.*"quick_gelu".*"silu"/,
    ],
    ["a merger of another width", { hidden_size: 31 }, /vision_config.hidden_size; expected 32/],
    [
      "heads that do not divide",
      { num_heads: 3 },
      /embed_dim; expected a multiple of four times num_heads 3/,
    ],
  ])("refuses %s", (_, change, message) => {
    expect(() => readConfig({ ...flat, vision_config: { ...vision, ...change } }, "config.json")).toThrow(
      message,
    );
  });
});

test("time is counted in steps, however far apart they are", () => {
  const ids = [20, 12, ...new Array<number>(6).fill(11), 13, 21];
  const made = (seconds: number): number[] => [
    ...positionsOf(
      { rows: 1, columns: 10, inputIds_BT: ids, videoGrids: [[3, 2, 4]], secondsPerGrid: [seconds] },
      config,
    ).positions_3BT.subarray(0, 10),
  ];
  expect(made(0.25)).toEqual([0, 1, 2, 2, 3, 3, 4, 4, 5, 6]);
  expect(made(10)).toEqual(made(0.25));
});

const clips = 4;
const grid: Grid = [2, 2, 4];
/** Clips of noise that are darker or brighter, each behind a start token, then the word that says which. */
const toy = (scored: boolean): { batch: TokenBatch; next: number[]; words: number[] } => {
  const random = seededRandom("toy");
  const columns = scored ? 9 : 8;
  const words = Array.from({ length: clips }, (_, clip) => 30 + (clip % 2));
  const ids = words.flatMap((word) => {
    const line = [12, 11, 11, 11, 11, 13, 20, 21, word];
    return line.slice(0, columns);
  });
  const patches = Float32Array.from({ length: clips * 16 * 1176 }, (_, at) => {
    const clip = Math.floor(at / (16 * 1176));
    return (clip % 2 === 0 ? -1 : 1) + 0.1 * random.normal();
  });
  const grids = new Array<Grid>(clips).fill(grid);
  const positions = positionsOf(
    { rows: clips, columns, inputIds_BT: ids, videoGrids: grids, secondsPerGrid: grids.map(() => 1) },
    config,
  );
  const scoredRows = words.map((_, clip) => clip * columns + 7);
  const batch = idsBatch(
    {
      rows: clips,
      columns,
      ids_BT: ids,
      mask_BT: ids.map(() => 1),
      positions_3BT: positions.positions_3BT,
      videos: { grids, patches },
    },
    batchRules(config),
    { scoredRows, targets: scored ? words : words.map(() => 0) },
  );
  return { batch, next: [...positions.next_B], words };
};

const answers = async (engine: Engine): Promise<number[]> => {
  const { batch, next } = toy(false);
  const drawn = await engine.sample({
    batch,
    nextPositions: next,
    completions: 1,
    maxNewTokens: 1,
    temperature: 0,
    stopTokens: [],
    seed: "answers",
  });
  return drawn.map(([completion]) => completion!.tokens[0]!);
};

const saved = (store: ParameterStore, name: string): string => {
  const to = join(folder, name);
  saveCheckpoint(to, config, store.tensors());
  return to;
};

test("20 steps teach it which clips are bright; both ways of computing learn and answer the same", async () => {
  const store = emptyStore(config, "none");
  initialize(store.all(), seededRandom("weights"));
  const start = saved(store, "start");
  const results = [];
  for (const execution of ["whole", "layerwise"] as const) {
    const { engine, weights } = await openEmbedded(start, "all", { threads: 1, execution });
    await using _ = engine;
    const { batch, words } = toy(true);
    const losses: number[] = [];
    for (let step = 0; step < 20; step++) {
      await engine.clearGradient();
      await using pass = await engine.forward([batch], { keep: "graph" });
      const { tokenLogprobs } = pass.outputs[0]!;
      losses.push(-tokenLogprobs.reduce((sum, value) => sum + value, 0) / words.length);
      const cotangent = new Float32Array(words.length).fill(-1 / words.length);
      await engine.backward(pass, [{ tokenLogprobs: cotangent, states: new Map() }]);
      await engine.update({
        learningRate: 3e-3,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weightDecay: 0,
        maxGradientNorm: 1,
      });
    }
    const drawn = await answers(engine);
    expect(losses[19]).toBeLessThan(0.1 * losses[0]!);
    expect(drawn).toEqual(words);
    const again = await openEmbedded(saved(weights.store, execution), "none", { threads: 1, execution });
    await using __ = again.engine;
    expect(await answers(again.engine)).toEqual(words);
    results.push(losses);
  }
  for (const [step, loss] of results[0]!.entries()) expect(results[1]![step]).toBeCloseTo(loss, 3);
});
