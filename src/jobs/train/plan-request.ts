import { assert, ConfigError } from "../../core/errors.ts";
import type { Settings } from "../../core/settings.ts";
import { accelerators, readRates, sheetRates } from "./machine-rates.ts";
import { modelShape } from "./model-shapes.ts";
import { planTraining, type TrainingPlan } from "./plan-training.ts";
import { resolveSettings } from "./settings.ts";
import type { PlannedClips } from "./step-plan.ts";

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
  /** Of the data sheet, see `sheetRates`. */
  readonly utilisation: number;
  /** File of rates that were measured on such a machine, instead of the sheet. */
  readonly ratesFile?: string | undefined;
}

/** A plan, and whether it fits. */
export interface PlannedRun extends TrainingPlan {
  readonly recipe: string;
  readonly model: string;
  /** Whose rates these are: a GPU's by its data sheet, or a machine's that was measured. */
  readonly gpu: string;
  readonly isMeasured: boolean;
  /** Share of the GPU's operations by its data sheet that a step's products come to, waits included; null: not known. */
  readonly sheetShare: number | null;
  readonly gpus: number;
  /** Undefined: nobody said how much memory there is. */
  readonly fits: boolean | undefined;
  /** The fewest GPUs on which it fits, twice as many each time; undefined: on none. */
  readonly fitsFrom: number | undefined;
}

const mostGpus = 1024;

/**
 * Time and memory of a recipe.
 *
 * @throws {ConfigError | UnknownNameError} for what is not known, a recipe that trains no language model, a file of no rates
 */
export const planRun = async (request: PlanRequest): Promise<PlannedRun> => {
  const { recipe, settings, model, shown, gpu, gpus, memoryBytes, utilisation, ratesFile } = request;
  const measured = ratesFile === undefined ? undefined : readRates(ratesFile);
  const rates = measured ?? sheetRates(gpu, utilisation);
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
      rates,
      gpus: count,
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
  const sheet = measured === undefined ? accelerators[gpu] : undefined;
  return {
    ...plan,
    ...{ recipe, model, gpu: measured?.machine ?? gpu, gpus, fits, fitsFrom },
    isMeasured: measured !== undefined,
    sheetShare: sheet === undefined ? null : plan.operationsPerSecond / sheet.operationsPerSecond,
  };
};
