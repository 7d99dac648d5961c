import { readFileSync } from "node:fs";
import { processTree } from "./process-memory.ts";

/** Linux counts processor time in hundredths of a second, whatever its own clock does. */
const ticksPerSecond = 100;

/**
 * User and system ticks in the text of a `stat` file of `/proc`, of a process or a thread; then the same of its children that
 * have ended and were waited for.
 */
export const ticksIn = (
  stat: string,
): [user: number, system: number, endedUser: number, endedSystem: number] =>
  // The name, in brackets, may hold spaces; these are the 12th to 15th field behind it.
  stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 15)
    .map(Number) as [number, number, number, number];

/** Ticks that a process has computed, and those of its children that have ended and were waited for; undefined: it has ended. */
const ticksOf = (pid: number): { readonly own: number; readonly ended: number } | undefined => {
  try {
    const [user, system, endedUser, endedSystem] = ticksIn(readFileSync(`/proc/${pid}/stat`, "utf8"));
    return { own: user + system, ended: endedUser + endedSystem };
  } catch {
    return undefined;
  }
};

/**
 * What a process and all that it started have computed (Linux; 0 elsewhere). A child that ends after its parent is waited for
 * by nobody of the tree, so every process is also remembered as it was at the last look; of both sums, which cannot be too
 * large, the larger one counts. Look often.
 */
export class ProcessorTime {
  readonly #pid: number;
  readonly #seen = new Map<number, number>();
  #inTree = 0;
  constructor(pid: number) {
    this.#pid = pid;
  }
  look(): void {
    let inTree = 0;
    for (const pid of processTree(this.#pid)) {
      const ticks = ticksOf(pid);
      if (ticks === undefined) continue;
      this.#seen.set(pid, ticks.own);
      inTree += ticks.own + ticks.ended;
    }
    this.#inTree = Math.max(this.#inTree, inTree);
  }
  /** Seconds up to the last look. */
  get seconds(): number {
    const seen = [...this.#seen.values()].reduce((sum, ticks) => sum + ticks, 0);
    return Math.max(seen, this.#inTree) / ticksPerSecond;
  }
}
