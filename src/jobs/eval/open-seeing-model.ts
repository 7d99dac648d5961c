import { sha256 } from "../../core/files.ts";
import type { EngineChoice } from "../../engine/engines.ts";
import type { OpenSeeingModel } from "../../evaluation/seeing-model.ts";
import { folderPrint } from "../../weights/folder-print.ts";
import { openAnswerer } from "../ask/open-answerer.ts";
import type { JobContext } from "../job-context.ts";
import { modelFolder } from "../model-folder.ts";

/** Opens checkpoints for `eval` as `ask` does. */
export const seeingModels =
  (engine: EngineChoice, context: JobContext): OpenSeeingModel =>
  async (model, adapter) => {
    const folder = await modelFolder(model, "--subject checkpoint", context);
    const adapterFolder =
      adapter === undefined ? undefined : await modelFolder(adapter, "--subject checkpoint:adapter", context);
    const answerer = await openAnswerer(folder, adapterFolder, engine);
    return {
      kind: answerer.kind,
      contentHash: sha256([folder, adapterFolder].map((one) => one && folderPrint(one)).join(" ")),
      bareQuestions: answerer.bareQuestions,
      look: (info, asked) => answerer.look(info, asked),
      resize: (batch, position, look) => answerer.resize(batch, position, look),
      answer: (pictures, question, { temperature, maxNewTokens, seed }, signal) =>
        answerer.answer(
          pictures,
          question,
          { temperature, maxNewTokens, seed, topK: 0, topP: 1, repetitionPenalty: 1, stop: [] },
          signal,
        ),
      [Symbol.asyncDispose]: () => answerer[Symbol.asyncDispose](),
    };
  };
