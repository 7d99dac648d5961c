import { existsSync, readdirSync, statSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { cacheRoot } from "../../core/cache-root.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "../../core/files.ts";
import type { MadeClips } from "./make-clips.ts";
import type { BuildPlan } from "./plan-clips.ts";
import { resultFile } from "./protocol.ts";

/** How fast a build was, and what it left. */
export interface BuildRate {
  /** Seconds of video that one worker process gets through in a second. */
  readonly videoSpeed: number;
  /** Rows that one process puts together in a second. */
  readonly rowsPerSecond: number;
  /** Bytes of the work's results, and of everything else but clips, a row. */
  readonly workBytesPerRow: number;
  readonly setBytesPerRow: number;
  /** Rows of that build: the size of the small pictures, most of those bytes, follows from it. */
  readonly rows: number;
  /** Clips that it was measured on. */
  readonly clips: number;
  /** Where. */
  readonly machine: string;
}

const rateSchema = z.object({
  videoSpeed: z.number().positive(),
  rowsPerSecond: z.number().positive(),
  workBytesPerRow: z.number().positive(),
  setBytesPerRow: z.number().positive(),
  rows: z.number().default(1),
  clips: z.number(),
  machine: z.string(),
});
const fileSchema = z.record(z.string(), rateSchema);

/** Clips whose results are measured. */
const measuredClips = 200;

/** The rate of a build that has just ended. */
export const measuredRate = (
  out: string,
  { clips }: BuildPlan,
  { busySeconds, videoSeconds, measured }: MadeClips,
  assembleSeconds: number,
): BuildRate => {
  const rows = clips.reduce((sum, clip) => sum + clip.rows.length, 0);
  const bytesOf = (file: string): number => statSync(join(out, file), { throwIfNoEntry: false })?.size ?? 0;
  const looked = clips.slice(0, measuredClips);
  const lookedRows = looked.reduce((sum, clip) => sum + clip.rows.length, 0);
  const workBytes = looked.reduce((sum, { position }) => sum + bytesOf(resultFile(position)), 0);
  const setBytes = readdirSync(out).reduce(
    (sum, name) => sum + (name.startsWith(".") ? 0 : bytesOf(name)),
    0,
  );
  return {
    videoSpeed: busySeconds > 0 ? videoSeconds / busySeconds : 0,
    rowsPerSecond: rows / Math.max(0.001, assembleSeconds),
    workBytesPerRow: workBytes / Math.max(1, lookedRows),
    setBytesPerRow: setBytes / Math.max(1, rows),
    rows,
    clips: measured,
    machine: `${availableParallelism()} cores, ${cpus()[0]?.model.trim() ?? "unknown"}`,
  };
};

/** Builds of fewer such clips say little: starting is most of them. */
const enoughClips = 20;

/** What is known before anything was built here (docs/scale.md). */
export const shippedRates: Readonly<Record<string, BuildRate>> = {
  motion: {
    videoSpeed: 11.7,
    rowsPerSecond: 70,
    workBytesPerRow: 47_600,
    setBytesPerRow: 46_900,
    rows: 72,
    clips: 72,
    machine: "one core of a shared two-core machine, AMD EPYC",
  },
};

const ratesFile = (): string => join(cacheRoot(), "build-rates.json");

/** Rates by relevance provider: this machine's own where it has built, else the shipped ones. */
export const buildRates = (): Readonly<Record<string, BuildRate>> => {
  const file = ratesFile();
  if (!existsSync(file)) return shippedRates;
  const parsed = fileSchema.safeParse(readJsonFile(file));
  return parsed.success ? { ...shippedRates, ...parsed.data } : shippedRates;
};

/** Remembers how fast a build was on this machine; small ones are not remembered. */
export const rememberRate = (relevance: string, rate: BuildRate, warn: (line: string) => void): void => {
  if (rate.clips < enoughClips || !(rate.videoSpeed > 0)) return;
  try {
    makeFolder(cacheRoot());
    const known = existsSync(ratesFile()) ? fileSchema.safeParse(readJsonFile(ratesFile())) : undefined;
    const all = { ...(known?.success === true ? known.data : {}), [relevance]: rate };
    writeFileAtomic(ratesFile(), `${JSON.stringify(all, null, 1)}\n`);
  } catch (error) {
    warn(`the rate is not remembered: ${error instanceof Error ? error.message : String(error)}`);
  }
};
