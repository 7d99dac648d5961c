/** The optimizer's state beside the weights of a checkpoint. */
import { join } from "node:path";
import { DataFormatError } from "../core/errors.ts";
import { openSafetensors } from "../weights/safetensors.ts";
import { writeSafetensors } from "../weights/write-safetensors.ts";
import { checkHasOptimizer, optimizerFile } from "./kept-files.ts";
import type { ParameterStore } from "./parameter-store.ts";

const moments = ["firstMoment", "secondMoment"] as const;

/** Writes a store's moments into a checkpoint's folder. */
export const saveOptimizer = (folder: string, store: ParameterStore): void => {
  const tensors = moments.flatMap((moment) =>
    [...store.tensors(moment)].map(({ name, shape, data }) => ({ name: `${moment}.${name}`, shape, data })),
  );
  const metadata = { format: "pt", updates: String(store.updates) };
  writeSafetensors(join(folder, optimizerFile), tensors, "F32", metadata);
};

/** Reads what {@link saveOptimizer} wrote. @throws {RunError} when it is not there */
export const loadOptimizer = async (folder: string, store: ParameterStore): Promise<void> => {
  const file = checkHasOptimizer(folder);
  const optimizer = await openSafetensors(file);
  try {
    const updates = Number(optimizer.metadata["updates"]);
    if (!Number.isSafeInteger(updates))
      throw new DataFormatError("optimizer state without its number of updates", {
        where: file,
        hint: "it was written by an earlier version: start a new run from the checkpoint instead",
      });
    for (const moment of moments)
      for (const { name, data } of store.tensors(moment)) await optimizer.readInto(`${moment}.${name}`, data);
    store.updates = updates;
  } finally {
    await optimizer.close();
  }
};
