import { VideoPerceiverError } from "../core/errors.ts";
import { metricRegistry } from "../evaluation/metrics.ts";

/** Of metrics that a run's folder names, those that can be made here; each other one (its file is elsewhere) is told. */
export const usableMetrics = async (
  names: readonly unknown[],
  tell: (line: string) => void,
): Promise<readonly string[]> => {
  const usable: string[] = [];
  for (const name of names.map(String))
    try {
      await metricRegistry.choose(name);
      usable.push(name);
    } catch (error) {
      if (!(error instanceof VideoPerceiverError)) throw error;
      tell(`metric ${name}: ${error.message}`);
    }
  return usable;
};
