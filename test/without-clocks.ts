import { clockPrefix, type MetricsRow } from "../src/runs/run-folder.ts";

/** A row of metrics without what is measured by the clock: equal for equal runs. */
export const withoutClocks = (row: MetricsRow): Record<string, number> =>
  Object.fromEntries(
    Object.entries(row).filter(([name]) => name !== "timeSeconds" && !name.startsWith(clockPrefix)),
  );
