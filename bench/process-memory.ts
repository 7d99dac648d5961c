import { readdirSync, readFileSync } from "node:fs";

/** Memory of a process from the system (Linux): its resident peak, or what is resident now; 0 when it has ended. */
export const statusBytes = (pid: number, field: "VmHWM" | "VmRSS"): number => {
  try {
    const line = new RegExp(`^${field}:\\s*(\\d+) kB`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return line === null ? 0 : Number(line[1]) * 1024;
  } catch {
    // The process has ended between two looks.
    return 0;
  }
};

const childrenOf = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
};

/** A process and all that it started, itself first (Linux); those that have ended are not among them. */
export const processTree = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(processTree)];

/** Resident memory of a process and of all that it started; memory that two of them share counts twice. */
export const treeBytes = (pid: number): number =>
  processTree(pid).reduce((sum, child) => sum + statusBytes(child, "VmRSS"), 0);
