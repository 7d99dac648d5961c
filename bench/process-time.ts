import { readFileSync } from "node:fs";
import { processTree } from "./process-memory.ts";

/** Linux counts processor time in hundredths of a second, whatever its own clock does. */
const ticksPerSecond = 100;

/**
 * Seconds that a process, all that it started and those of them that have ended and were waited for have computed (Linux);
 * 0 elsewhere.
 */
export const processorSeconds = (pid: number): number => {
  let ticks = 0;
  for (const one of processTree(pid))
    try {
      const stat = readFileSync(`/proc/${one}/stat`, "utf8");
      // The name, in brackets, may hold spaces; user, system, and both of ended children are the 12th to 15th field behind it.
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      ticks += fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    } catch {
      // It has ended between two looks: its parent has its time.
    }
  return ticks / ticksPerSecond;
};
