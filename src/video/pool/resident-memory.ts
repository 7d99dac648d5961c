import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";

/** A process of a group and the memory that it has held at most, or holds now where only that is told; bytes. */
export interface HeldMemory {
  readonly pid: number;
  readonly bytes: number;
}

const ofLinuxProcess = (pid: number): HeldMemory[] => {
  let status: string;
  let children: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, "utf8");
    children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  } catch {
    return []; // It has ended, or this kernel does not tell.
  }
  const kilobytes = Number(/VmHWM:\s*(\d+)/.exec(status)?.[1] ?? 0);
  const below = children.split(" ").filter((child) => child !== "");
  return [{ pid, bytes: kilobytes * 1024 }, ...below.flatMap((child) => ofLinuxProcess(Number(child)))];
};

const ofListedGroup = (group: number): Promise<HeldMemory[]> =>
  new Promise((resolve) => {
    execFile("ps", ["-axo", "pid=,pgid=,rss="], { maxBuffer: 16 << 20 }, (error, stdout) => {
      const rows = error === null ? stdout.trim().split("\n") : [];
      const numbers = rows.map((row) => row.trim().split(/\s+/).map(Number));
      resolve(
        numbers
          .filter(([, itsGroup]) => itsGroup === group)
          .map(([pid, , kilobytes]) => ({ pid: pid!, bytes: kilobytes! * 1024 })),
      );
    });
  });

/**
 * Memory of a process that leads a group and of those that it started: from `/proc`, elsewhere from `ps`. Empty where
 * neither tells.
 */
export const residentMemory = (leader: number): Promise<HeldMemory[]> =>
  process.platform === "linux" ? Promise.resolve(ofLinuxProcess(leader)) : ofListedGroup(leader);
