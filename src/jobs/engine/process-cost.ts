/** What this process and those that it has started have taken, as Linux counts it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

/** True where the system counts so: on Linux. */
export const countsProcesses = (): boolean => existsSync("/proc/self/task");

/** Processes that one has started, and theirs; one that has just ended has none. */
const startedBy = (id: number): number[] => {
  try {
    const children = readdirSync(`/proc/${id}/task`).flatMap((task) =>
      readFileSync(`/proc/${id}/task/${task}/children`, "utf8")
        .split(" ")
        .filter((text) => text !== "")
        .map(Number),
    );
    return children.flatMap((child) => [child, ...startedBy(child)]);
  } catch {
    return [];
  }
};

/** Processes of this one, itself first. */
const family = (): number[] => [process.pid, ...startedBy(process.pid)];

/** Seconds of processor that all of them have had. */
export const spentSeconds = (): number =>
  family().reduce((sum, id) => {
    const fields = readFileSync(`/proc/${id}/stat`, "utf8").split(") ")[1]!.split(" ");
    // User and system time in hundredths.
    return sum + (Number(fields[11]) + Number(fields[12])) / 100;
  }, 0);

/** The most memory of the one that had most, in bytes. */
export const peakBytes = (): number =>
  Math.max(
    ...family().map((id) => {
      const line = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, "utf8"));
      return Number(line?.[1] ?? 0) * 1024;
    }),
  );
