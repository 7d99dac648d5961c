/** What this process and those that it has started have taken, as Linux counts it. */
import { readdirSync, readFileSync } from "node:fs";

/** Processes of this one, itself first. */
const family = (): number[] => {
  const children = (id: number): number[] =>
    readdirSync(`/proc/${id}/task`).flatMap((task) =>
      readFileSync(`/proc/${id}/task/${task}/children`, "utf8")
        .split(" ")
        .filter((text) => text !== "")
        .map(Number),
    );
  const own = process.pid;
  return [own, ...children(own)];
};

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
