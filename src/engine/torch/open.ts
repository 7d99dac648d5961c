import { assert, UnsupportedError } from "../../core/errors.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { openCheckpoint } from "../../model/checkpoint.ts";
import { readConfigFile } from "../../model/families.ts";
import { checkpointContent } from "../../model/save-checkpoint.ts";
import { readAdapter } from "../../weights/adapter.ts";
import type { EngineRequest, ReadyEngine } from "../engine-plugin.ts";
import { adapterShape } from "../lora.ts";
import { listParameters } from "../model-store.ts";
import { chosenPython, pythonPath } from "../python-environment.ts";
import { startWorker } from "../worker-process.ts";
import { adapterTensors, tensorPlaces } from "./places.ts";
import { TorchEngine } from "./torch-engine.ts";

/** How the worker is opened. */
export interface TorchOptions {
  readonly python?: string | undefined;
  readonly attention: "sdpa" | "eager";
  readonly mediaBytes: number;
  readonly deadlineSeconds?: number | undefined;
}

/** Families whose modules the worker drives. */
const families: readonly string[] = ["qwen2_5_vl", "qwen2_vl"];

const environment = (threads: number): Record<string, string> => ({
  PYTHONPATH: pythonPath,
  PYTHONDONTWRITEBYTECODE: "1",
  OMP_NUM_THREADS: String(threads),
  HF_HUB_OFFLINE: "1",
  TRANSFORMERS_VERBOSITY: "error",
});

/**
 * Opens a checkpoint in a Python process of this machine.
 *
 * @throws {ConfigError} when there is no Python environment
 * @throws {UnsupportedError} for a family that the worker does not drive
 * @throws {WeightsError} when weights or adapter do not fit the configuration
 * @throws {EngineError} {@link EngineLostError} when the worker cannot be started, or not open the model
 */
export const openTorch = async (request: EngineRequest, options: TorchOptions): Promise<ReadyEngine> => {
  const { folder, adapterFolder, trained, threads } = request;
  const { python, attention, mediaBytes, deadlineSeconds } = options;
  const command = chosenPython(python);
  const given = await readConfigFile(folder);
  if (!families.includes(given.family))
    throw new UnsupportedError("a model family that the engine torch does not drive", {
      where: folder,
      expected: families.join(" or "),
      got: given.family,
      hint: "choose --engine onnx",
    });
  const adapter =
    adapterFolder === undefined ? undefined : await readAdapter(adapterFolder, adaptedModel(given));
  const checkpoint = await openCheckpoint(folder, { untied: adapter?.unties === true });
  try {
    const { config, warnings } = checkpoint;
    const shape = adapter && adapterShape(adapter);
    const { all, isTrained } = listParameters(config, trained, shape);
    assert(
      all.every(({ name, parts }) => parts.length === 1 && parts[0]!.name === name),
      "parameters are the checkpoint's tensors",
    );
    const order = {
      config: checkpointContent(config, "float32").config,
      pad: config.tokens.pad,
      longestSequence: config.text.maxPositionEmbeddings,
      tensors: tensorPlaces(checkpoint, all),
      trained: all.filter(isTrained).map(({ name }) => name),
      ...(adapter !== undefined && {
        adapter: {
          modules: adapter.modules.map(({ name, rank, scale }) => ({ name, rank, scale })),
          tensors: adapterTensors(adapter),
        },
      }),
      threads,
      attention,
      mediaBytes,
    };
    const args = ["-P", "-m", "videoperceiver_torch.worker"];
    const program = { command, args, env: environment(threads), errors: "kept" } as const;
    const { connection, ready } = await startWorker(program, order);
    const engine = new TorchEngine(connection, ready, { config, adapter: shape, all, deadlineSeconds });
    return { engine, warnings };
  } finally {
    await checkpoint.close();
  }
};
