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
import type { Caller } from "../worker-connection.ts";
import { type StartedWorkers, startWorkers } from "../worker-process.ts";
import type { ModelOrder } from "../worker-protocol.ts";
import { listenAddress, outsideLaunch, outsideToken, ownLaunch } from "./launchers.ts";
import { adapterTensors, tensorPlaces } from "./places.ts";
import { RankGroup } from "./rank-group.ts";
import { RankedCalls } from "./ranked-calls.ts";
import { TorchEngine } from "./torch-engine.ts";

/** How the worker is opened. */
export interface TorchOptions {
  readonly python?: string | undefined;
  readonly attention: "sdpa" | "eager";
  readonly mediaBytes: number;
  readonly deadlineSeconds?: number | undefined;
  /** Processes that compute together. */
  readonly ranks: number;
  /** Who starts the ranks: `torchrun` or `ray://HOST:PORT`; undefined: torchrun, or whoever dials `listen`. */
  readonly launcher?: string | undefined;
  /** HOST:PORT where ranks of other machines dial. */
  readonly listen?: string | undefined;
  /** What products are computed in; weights that are trained, moments and sums are float32 all the same. */
  readonly compute: "float32" | "bfloat16";
  /** Blocks compute their insides again for the gradient. */
  readonly recompute: boolean;
  readonly startSeconds: number;
  readonly heartbeatSeconds: number;
  readonly collectiveSeconds: number;
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

/** Nobody starts ranks here: they dial. */
const isOutside = ({ launcher, listen }: TorchOptions): boolean =>
  launcher === undefined && listen !== undefined;

/** Starts the ranks and has them open the model. */
const start = (options: TorchOptions, threads: number, order: ModelOrder): Promise<StartedWorkers> => {
  const { python, ranks, launcher = "torchrun", listen, startSeconds, heartbeatSeconds } = options;
  const limits = {
    ...{ ranks, startSeconds, heartbeatSeconds },
    ...(listen !== undefined && { listen: listenAddress(listen) }),
  };
  if (isOutside(options)) return startWorkers(outsideLaunch, order, { ...limits, token: outsideToken() });
  const command = chosenPython(python);
  const launch = ownLaunch({ command, ranks, launcher, startSeconds, env: environment(threads) });
  return startWorkers(launch, order, limits);
};

/**
 * Opens a checkpoint in Python processes: one of this machine, several that torchrun or Ray starts, or those that dial.
 *
 * @throws {ConfigError} when there is no Python environment
 * @throws {UnsupportedError} for a family that the worker does not drive
 * @throws {WeightsError} when weights or adapter do not fit the configuration
 * @throws {EngineError} {@link EngineLostError} when the worker cannot be started, or not open the model
 */
export const openTorch = async (request: EngineRequest, options: TorchOptions): Promise<ReadyEngine> => {
  const { folder, adapterFolder, trained, threads } = request;
  const { attention, mediaBytes, deadlineSeconds, ranks, compute, recompute, collectiveSeconds } = options;
  // Said before anything is read.
  if (!isOutside(options)) chosenPython(options.python);
  const threadsOfEach = Math.max(1, Math.floor(threads / ranks));
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
      threads: threadsOfEach,
      attention,
      mediaBytes,
      compute,
      recompute,
      collectiveSeconds,
    };
    const { connections, ready } = await start(options, threadsOfEach, order);
    const calls: Caller =
      ranks === 1
        ? connections[0]!
        : new RankedCalls(new RankGroup(connections), {
            mergeSize: config.vision.spatialMergeSize,
            layers: config.text.layers,
          });
    const engine = new TorchEngine(calls, ready, { config, adapter: shape, all, deadlineSeconds });
    return { engine, warnings };
  } finally {
    await checkpoint.close();
  }
};
