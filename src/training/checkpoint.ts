import { existsSync } from "node:fs";
import { join } from "node:path";
import { RunError } from "../core/errors.ts";
import { fillStore } from "../engine/onnx/open.ts";
import type { ParameterStore } from "../engine/parameter-store.ts";
import { openCheckpoint } from "../model/checkpoint.ts";
import type { ModelConfig } from "../model/config.ts";
import { saveCheckpoint } from "../model/save-checkpoint.ts";
import { openSafetensors } from "../weights/safetensors.ts";
import { writeSafetensors } from "../weights/write-safetensors.ts";

const optimizerFile = "optimizer.safetensors";
const moments = ["firstMoment", "secondMoment"] as const;

/** Writes the model in Hugging Face layout (float32) and, beside it, the optimizer's moments. */
export const saveTraining = (
  folder: string,
  config: ModelConfig,
  store: ParameterStore,
  tokenizerFrom: string,
): void => {
  saveCheckpoint(folder, config, store.tensors(), { dtype: "float32", tokenizerFrom });
  const tensors = moments.flatMap((moment) =>
    [...store.tensors(moment)].map(({ name, shape, data }) => ({ name: `${moment}.${name}`, shape, data })),
  );
  writeSafetensors(join(folder, optimizerFile), tensors, "F32");
};

/** Reads model and moments back: training goes on as though it had never stopped. @throws {RunError} without moments */
export const loadTraining = async (folder: string, store: ParameterStore, updates: number): Promise<void> => {
  const checkpoint = await openCheckpoint(folder);
  try {
    await fillStore(store, checkpoint);
  } finally {
    await checkpoint.close();
  }
  const file = join(folder, optimizerFile);
  if (!existsSync(file))
    throw new RunError("checkpoint without optimizer state", {
      where: file,
      hint: "start a new run from it instead",
    });
  const optimizer = await openSafetensors(file);
  try {
    for (const moment of moments)
      for (const { name, data } of store.tensors(moment)) await optimizer.readInto(`${moment}.${name}`, data);
  } finally {
    await optimizer.close();
  }
  store.updates = updates;
};
