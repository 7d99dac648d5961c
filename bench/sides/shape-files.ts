/** Weights, inputs and an adapter of a shape as files that both sides of a benchmark read, made once. */

import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { TokenIdsBatch } from "../../src/batch/ids-batch.ts";
import { type Random, seededRandom } from "../../src/core/random.ts";
import { adapterShape, fillAdapter, type LoraAdapter } from "../../src/engine/lora.ts";
import { emptyStore, fillStore, type Trained } from "../../src/engine/model-store.ts";
import type { ParameterStore } from "../../src/engine/parameter-store.ts";
import type { Grid } from "../../src/frames/grid.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { openCheckpoint } from "../../src/model/checkpoint.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { initialize } from "../../src/model/initialize.ts";
import { positionsOf } from "../../src/model/positions.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { type LoraModule, readAdapter } from "../../src/weights/adapter.ts";
import { linearModules } from "../../src/weights/adapter-names.ts";
import { openSafetensors } from "../../src/weights/safetensors.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { writeSafetensors } from "../../src/weights/write-safetensors.ts";
import { benchShapes, type ShapeName } from "./shapes.ts";

/** A checkpoint's configuration and its parameters in memory. */
const loadStore = async (
  folder: string,
  trained: Trained,
  adapter?: LoraAdapter,
): Promise<{ config: ModelConfig; store: ParameterStore }> => {
  const checkpoint = await openCheckpoint(folder);
  try {
    const store = emptyStore(checkpoint.config, trained, adapter);
    await fillStore(store, checkpoint);
    return { config: checkpoint.config, store };
  } finally {
    await checkpoint.close();
  }
};

/** Changes whenever what is written changes, so that older files are not read. */
const edition = 3;

/** Rank and alpha of the adapter on the attention projections (query, key, value, output) of the language model. */
const adapterRank = 8;
const adapterAlpha = 16;

/** The adapter's modules; neither matrix is 0, so that both have a gradient. */
const adapterModules = (config: ModelConfig, random: Random): LoraModule[] =>
  [...linearModules(adaptedModel(config)).values()]
    .filter(({ name }) => name.includes(".self_attn."))
    .map(({ name, inputs, outputs }) => ({
      name,
      rank: adapterRank,
      alpha: adapterAlpha,
      scale: adapterAlpha / adapterRank,
      inputs,
      outputs,
      a_RI: Float32Array.from({ length: adapterRank * inputs }, () => random.normal() / Math.sqrt(inputs)),
      b_OR: Float32Array.from({ length: outputs * adapterRank }, () => 0.02 * random.normal()),
    }));

/** Where the files of a shape lie. */
export const shapeFolder = (cache: string, name: ShapeName): string => join(cache, `${name}-${edition}`);

/** Writes checkpoint and inputs unless they are there. */
export const prepareShape = (cache: string, name: ShapeName): void => {
  const folder = shapeFolder(cache, name);
  if (existsSync(join(folder, "checkpoint"))) return;
  const { config, clips, grid, before, behind } = benchShapes[name];
  const random = seededRandom("bench", name);
  const visual = (grid[0] * grid[1] * grid[2]) / config.vision.spatialMergeSize ** 2;
  const columns = before + visual + behind;
  const ids = Float32Array.from({ length: clips * columns }, (_, at) => {
    const column = at % columns;
    const isVisual = column >= before && column < before + visual;
    return isVisual ? config.tokens.video : 20 + random.integer(config.text.vocabSize - 20);
  });
  const videoGrids = new Array<Grid>(clips).fill(grid);
  const secondsPerGrid = new Array<number>(clips).fill(1);
  const { positions_3BT } = positionsOf(
    { rows: clips, columns, inputIds_BT: ids, videoGrids, secondsPerGrid },
    config,
  );
  const patches = clips * grid[0] * grid[1] * grid[2];
  const pixels = Float32Array.from({ length: patches * 1176 }, () => random.normal());
  const store = emptyStore(config, "none");
  initialize(store.all(), random.fork("weights"));
  const inputs = [
    { name: "input_ids", shape: [clips, columns], data: ids },
    { name: "position_ids", shape: [3, clips, columns], data: Float32Array.from(positions_3BT) },
    { name: "video_grid_thw", shape: [clips, 3], data: Float32Array.from(videoGrids.flat()) },
    { name: "pixel_values_videos", shape: [patches, 1176], data: pixels },
  ];
  mkdirSync(folder, { recursive: true });
  writeSafetensors(join(folder, "inputs.safetensors"), inputs, "F32");
  const modules = adapterModules(config, random.fork("adapter"));
  const adapter = { modules, replaced: [], rsLora: false, dropout: 0, base: "" };
  writeAdapter(join(folder, "adapter"), adapter, adaptedModel(config));
  // The checkpoint appears last and whole: it says that everything is there.
  saveCheckpoint(join(folder, "checkpoint"), config, store.tensors(), { dtype: "float32" });
};

/** A shape read back: its model, and its clips as token ids with pixels. */
export interface OpenedShape {
  readonly config: ModelConfig;
  readonly store: ParameterStore;
  readonly adapter: LoraAdapter | undefined;
  readonly ids: TokenIdsBatch;
  readonly nextPositions: readonly number[];
  /** Columns from this one on are supervised. */
  readonly supervisedFrom: number;
}

/** Opens the files of a shape, with its adapter when that is trained; `clips`: the first so many, default all. */
export const openShape = async (
  folder: string,
  name: ShapeName,
  trained: Trained,
  options: { readonly clips?: number } = {},
): Promise<OpenedShape> => {
  const shape = benchShapes[name];
  const rows = options.clips ?? shape.clips;
  const read =
    trained === "adapter"
      ? await readAdapter(join(folder, "adapter"), adaptedModel(shape.config))
      : undefined;
  const adapter = read && adapterShape(read);
  const { config, store } = await loadStore(join(folder, "checkpoint"), trained, adapter);
  if (read !== undefined) fillAdapter(store, read);
  const file = await openSafetensors(join(folder, "inputs.safetensors"));
  try {
    const columns = file.tensors.get("input_ids")!.shape[1]!;
    const ids = (await file.readFloats("input_ids")).subarray(0, rows * columns);
    const grids = new Array<Grid>(rows).fill(shape.grid);
    const pixels = await file.readFloats("pixel_values_videos");
    const secondsPerGrid = new Array<number>(rows).fill(1);
    const positions = positionsOf(
      { rows, columns, inputIds_BT: ids, videoGrids: grids, secondsPerGrid },
      config,
    );
    return {
      config,
      store,
      adapter,
      ids: {
        rows,
        columns,
        ids_BT: ids,
        mask_BT: new Uint8Array(rows * columns).fill(1),
        positions_3BT: positions.positions_3BT,
        videos: { grids, patches: pixels.slice(0, (pixels.length / shape.clips) * rows) },
      },
      nextPositions: [...positions.next_B],
      supervisedFrom: columns - shape.behind,
    };
  } finally {
    await file.close();
  }
};
