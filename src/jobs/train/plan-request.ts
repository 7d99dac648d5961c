import { assert, ConfigError } from "../../core/errors.ts";
import type { Settings } from "../../core/settings.ts";
import { modelShape } from "./model-shapes.ts";
import {
  type Accelerator,
  accelerators,
  type PlannedClips,
  planTraining,
  type TrainingPlan,
} from "./plan-training.ts";
import { resolveSettings } from "./settings.ts";

/** A run as a person thinks of it. */
export interface PlanRequest {
  readonly recipe: string;
  readonly settings: Settings;
  /** Shape or folder. */
  readonly model: string;
  readonly shown: PlannedClips;
  readonly gpu: string;
  readonly gpus: number;
  /** Of one GPU; undefined: not checked. */
  readonly memoryBytes: number | undefined;
  readonly utilisation: number;
}

/** A plan, and whether it fits. */
export interface PlannedRun extends TrainingPlan {
  readonly recipe: string;
  readonly model: string;
  readonly gpu: string;
  readonly gpus: number;
  /** Undefined: nobody said how much memory there is. */
  readonly fits: boolean | undefined;
  /** The fewest GPUs on which it fits, twice as many each time; undefined: on none. */
  readonly fitsFrom: number | undefined;
}

const mostGpus = 1024;

const acceleratorOf = (name: string): Accelerator => {
  const found = accelerators[name];
  if (found !== undefined) return found;
  throw new ConfigError("a GPU of which no rate is known", {
    expected: Object.keys(accelerators).join(", "),
    got: name,
  });
};

/**
 * Time and memory of a recipe.
 *
 * @throws {ConfigError | UnknownNameError} for what is not known, or a recipe that trains no language model
 */
export const planRun = async (request: PlanRequest): Promise<PlannedRun> => {
  const { recipe, settings, model, shown, gpu, gpus, memoryBytes, utilisation } = request;
  const accelerator = acceleratorOf(gpu);
  const config = await modelShape(model);
  const resolved = await resolveSettings({ recipe, model, data: [], settings }, shown.clips);
  const { chosen, common } = resolved;
  if (chosen.loop === "relevance")
    throw new ConfigError("nothing to plan", {
      expected: "a recipe that trains a language model",
      got: recipe,
    });
  const on = (count: number): TrainingPlan =>
    planTraining({
      config,
      chosen,
      parts: common,
      positionsPerBatch: common.positionsPerBatch,
      shown,
      gpu: accelerator,
      gpus: count,
      utilisation,
    });
  const plan = on(gpus);
  const isEnough = (bytes: number): boolean => {
    assert(memoryBytes !== undefined, "there is a limit");
    return bytes <= memoryBytes;
  };
  let fitsFrom: number | undefined;
  if (memoryBytes !== undefined)
    for (let count = 1; count <= mostGpus && fitsFrom === undefined; count *= 2)
      if (isEnough(on(count).bytes.all)) fitsFrom = count;
  const fits = memoryBytes === undefined ? undefined : isEnough(plan.bytes.all);
  return { ...plan, recipe, model, gpu, gpus, fits, fitsFrom };
};
