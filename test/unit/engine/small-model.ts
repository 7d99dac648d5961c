import { idsBatch, type WantedRows } from "../../../src/batch/ids-batch.ts";
import type { TokenBatch } from "../../../src/batch/token-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import type { LoraAdapter } from "../../../src/engine/lora.ts";
import { emptyStore, type Trained } from "../../../src/engine/model-store.ts";
import { ModelWeights } from "../../../src/engine/model-weights.ts";
import type { EmbeddedEngine } from "../../../src/engine/onnx/embedded-engine.ts";
import { layerwiseEngine, wholeGraphEngine } from "../../../src/engine/onnx/open.ts";
import type { ParameterStore } from "../../../src/engine/parameter-store.ts";
import type { Grid } from "../../../src/frames/grid.ts";
import { batchRules } from "../../../src/model/batch-rules.ts";
import { initialize } from "../../../src/model/initialize.ts";
import { positionsOf } from "../../../src/model/positions.ts";
import type { Qwen25VLConfig } from "../../../src/model/qwen2_5_vl/config.ts";

/** A model that compiles and runs in milliseconds: two language blocks, two vision blocks. */
export const smallConfig: Qwen25VLConfig = {
  family: "qwen2_5_vl",
  storage: "float32",
  text: {
    vocabSize: 40,
    hiddenSize: 32,
    intermediateSize: 48,
    layers: 2,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    rmsNormEps: 1e-6,
    ropeTheta: 1e4,
    mropeSection: [2, 3, 3],
    tieWordEmbeddings: true,
    maxPositionEmbeddings: 512,
    initializerRange: 0.02,
  },
  vision: {
    depth: 2,
    hiddenSize: 16,
    heads: 2,
    headDim: 8,
    intermediateSize: 24,
    outHiddenSize: 32,
    inChannels: 3,
    patchSize: 14,
    temporalPatchSize: 2,
    spatialMergeSize: 2,
    windowSize: 56,
    fullAttentionBlocks: [1],
    tokensPerSecond: 2,
    rmsNormEps: 1e-6,
    ropeTheta: 1e4,
  },
  tokens: { image: 8, video: 9, visionStart: 6, visionEnd: 7, begin: undefined, endOfText: [2], pad: 0 },
};

/** A store of {@link smallConfig} with random numbers. */
export const smallStore = (trained: Trained, adapter?: LoraAdapter): ParameterStore => {
  const store = emptyStore(smallConfig, trained, adapter);
  initialize(store.all(), seededRandom("small model"));
  return store;
};

/** Two samples of `length` positions, each a clip of grid 2 x 4 x 4 between words. */
export const smallIds = (
  length = 20,
): {
  batch: (wanted: WantedRows) => TokenBatch;
  rows: number;
  columns: number;
  next: number[];
  ids: number[];
} => {
  const random = seededRandom("small ids");
  const [rows, visual] = [2, 8];
  const ids = Array.from({ length: rows * length }, (_, at) => {
    const column = at % length;
    return column >= 3 && column < 3 + visual ? smallConfig.tokens.video : 10 + random.integer(30);
  });
  const grids: Grid[] = [
    [2, 4, 4],
    [2, 4, 4],
  ];
  const patches = Float32Array.from({ length: 64 * 1176 }, () => random.normal());
  const positions = positionsOf(
    { rows, columns: length, inputIds_BT: ids, videoGrids: grids, secondsPerGrid: [1, 1] },
    smallConfig,
  );
  const batch = (wanted: WantedRows): TokenBatch =>
    idsBatch(
      {
        rows,
        columns: length,
        ids_BT: ids,
        mask_BT: new Uint8Array(rows * length).fill(1),
        positions_3BT: positions.positions_3BT,
        videos: { grids, patches },
      },
      batchRules(smallConfig),
      wanted,
    );
  return { batch, rows, columns: length, next: [...positions.next_B], ids };
};

/** An engine on a store, whole graph or block by block. */
export const smallEngine = (
  store: ParameterStore,
  execution: "whole" | "layerwise" = "whole",
  adapter?: LoraAdapter,
): EmbeddedEngine => {
  const model = { config: smallConfig, weights: new ModelWeights(store), adapter };
  return execution === "whole"
    ? wholeGraphEngine(model, { threads: 1 })
    : layerwiseEngine(model, { threads: 1, headRows: 15 });
};
