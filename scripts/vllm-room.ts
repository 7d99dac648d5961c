/** Whether a machine has what a real vLLM on the CPU takes: processor, disk, memory, and time. */
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { dirname } from "node:path";

/** What is asked of a machine. */
export interface MachineFacts {
  /** As Node says it: `linux x64`. */
  readonly system: string;
  /** The processor's instruction sets. */
  readonly instructions: readonly string[];
  /** Free where it is installed. */
  readonly diskBytes: number;
  /** Memory that programs can still have. */
  readonly memoryBytes: number;
  /** Programs that compute or wait for a core, for each core, over the last minute. */
  readonly load: number;
  /** Seconds until this run has to be over; undefined: it has no end. */
  readonly secondsLeft: number | undefined;
}

/** Least that is asked for: the environment's 6 GB and as much again while it is made; two processes of 2.3 GB; start and tests. */
const least = { diskBytes: 12e9, memoryBytes: 6e9, seconds: 180 } as const;

/** Beside six programs a core the server, 90 s of processor time with its tests, was not there after a quarter of an hour. */
const mostLoad = 2.5;

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;

/** Why vLLM cannot be had here, in words; undefined where it can. @param installed its environment is there already */
export const vllmObstacle = (facts: MachineFacts, installed: boolean): string | undefined => {
  const { system, instructions, diskBytes, memoryBytes } = facts;
  const lacks = (what: string, expected: string, got: string): string =>
    `${what}; expected ${expected}; got ${got}`;
  if (system !== "linux x64") return lacks("no build of it for this system", "linux x64", system);
  if (!instructions.includes("avx2"))
    return lacks("the processor lacks instructions", "avx2", "a processor without");
  if (!installed && diskBytes < least.diskBytes)
    return lacks("too little disk", gigabytes(least.diskBytes), gigabytes(diskBytes));
  if (memoryBytes < least.memoryBytes)
    return lacks("too little memory", gigabytes(least.memoryBytes), gigabytes(memoryBytes));
  return undefined;
};

/** Why its tests would hardly be over in time now, in words; undefined where they would. */
export const vllmDelay = ({ load, secondsLeft }: MachineFacts): string | undefined => {
  if (secondsLeft !== undefined && secondsLeft < least.seconds)
    return `too little time left of this run; expected ${least.seconds} s; got ${Math.round(secondsLeft)} s`;
  if (load > mostLoad)
    return `the machine is busy; expected at most ${mostLoad} programs a core; got ${load.toFixed(1)}`;
  return undefined;
};

const read = (file: string): string => (existsSync(file) ? readFileSync(file, "utf8") : "");

/** The nearest folder above that is there. */
const nearest = (folder: string): string => (existsSync(folder) ? folder : nearest(dirname(folder)));

/** When this run has to be over, in seconds since 1970, as CI says it. */
export const testsEndVariable = "VIDEOPERCEIVER_TESTS_END";

/** Seconds that are left of this run; undefined where nobody has set an end. */
export const secondsLeft = (): number | undefined => {
  const end = process.env[testsEndVariable];
  return end === undefined || end === "" ? undefined : Number(end) - Date.now() / 1000;
};

/** The facts of this machine. @param folder where vLLM would be installed */
export const machineFacts = (folder: string): MachineFacts => {
  const disk = statfsSync(nearest(folder));
  return {
    system: `${process.platform} ${process.arch}`,
    instructions: (/^flags\s*:(.*)$/m.exec(read("/proc/cpuinfo"))?.[1] ?? "").split(" "),
    diskBytes: disk.bavail * disk.bsize,
    memoryBytes: 1024 * Number(/^MemAvailable:\s*(\d+)/m.exec(read("/proc/meminfo"))?.[1] ?? 0),
    load: loadavg()[0]! / availableParallelism(),
    secondsLeft: secondsLeft(),
  };
};
