import { existsSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../core/files.ts";
import type { JobContext } from "../job-context.ts";
import { timeLeftOf } from "../time-left.ts";
import type { BuildPlan } from "./plan-clips.ts";
import { type PlannedClip, resultFile } from "./protocol.ts";

/** Work that makes one file a clip. */
export interface ClipWork {
  readonly out: string;
  readonly plan: Pick<BuildPlan, "clips">;
  /** Clips that are made at a time. */
  readonly workers: number;
  /** What the progress is called. */
  readonly title: string;
}

/** Makes the clips that have no result yet, several at a time; each is one file that appears whole. */
export const makeMissing = async (
  { out, plan, workers, title }: ClipWork,
  context: JobContext,
  make: (planned: PlannedClip) => Promise<object>,
): Promise<void> => {
  const missing = plan.clips.filter(({ position }) => !existsSync(join(out, resultFile(position))));
  const display = timeLeftOf(context.progress(title, "clips"));
  let done = plan.clips.length - missing.length;
  display.update(done, plan.clips.length);
  const waiting = missing.values();
  const failures: unknown[] = [];
  const work = async (): Promise<void> => {
    for (const planned of waiting) {
      if (failures.length > 0) return;
      context.signal.throwIfAborted();
      const made = await make(planned);
      const file = join(out, resultFile(planned.position));
      makeFolder(join(file, ".."));
      writeFileAtomic(file, JSON.stringify(made));
      display.update(++done, plan.clips.length);
    }
  };
  const failed = (error: unknown): void => void failures.push(error);
  // All are waited for: the caller closes what the others still use, and their clips would be refused for it.
  await Promise.all(Array.from({ length: workers }, () => work().catch(failed)));
  if (failures.length > 0) throw failures[0];
};
