import { existsSync } from "node:fs";
import { basename, dirname } from "node:path";
import { messageOf, UnsupportedError } from "./errors.ts";

/** Where transformers.js looks for models. */
interface Places {
  readonly env: { allowRemoteModels: boolean; localModelPath: string };
}

/** The library, and under which name it finds the model. */
export interface LoadedTransformers<Library> {
  readonly library: Library;
  readonly name: string;
  /** The model is a folder of this machine; else it is a name of the hub. */
  readonly isLocal: boolean;
}

/**
 * Loads the optional dependency for one model. A model that is a folder is never looked for elsewhere.
 *
 * @typeParam Library the part of it that is used; its own types are too wide to be checked here
 * @throws {UnsupportedError} when it is not installed
 */
export const loadTransformers = async <Library>(model: string): Promise<LoadedTransformers<Library>> => {
  const isLocal = existsSync(model);
  let library: Library & Places;
  try {
    library = (await import("@huggingface/transformers")) as unknown as Library & Places;
  } catch (error) {
    throw new UnsupportedError("the optional dependency @huggingface/transformers cannot be loaded", {
      got: messageOf(error),
      hint: "npm install @huggingface/transformers",
      cause: error,
    });
  }
  library.env.allowRemoteModels = !isLocal;
  if (isLocal) library.env.localModelPath = dirname(model);
  return { library, name: isLocal ? basename(model) : model, isLocal };
};
