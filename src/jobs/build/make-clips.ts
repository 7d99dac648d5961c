import { existsSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { nowMilliseconds } from "../../core/progress.ts";
import type { JobContext } from "../job-context.ts";
import { aboutTime } from "../timetable.ts";
import { addCost, noCost, shownCost } from "./clip-cost.ts";
import { localFeed } from "./local-feed.ts";
import type { BuildPlan } from "./plan-clips.ts";
import { type BuildOrder, resultFile } from "./protocol.ts";
import { buildByQueue } from "./queue-build.ts";
import type { WorkRecipe } from "./work-folder.ts";
import { runWorkers } from "./worker-group.ts";

/** What making clips took. */
export interface MadeClips {
  readonly seconds: number;
  readonly made: number;
  /** Clips of this machine whose time is a measure: seconds that workers were busy with them, and of video in them. */
  readonly measured: number;
  readonly busySeconds: number;
  readonly videoSeconds: number;
}

/** How clips are made. */
export interface MakeClipsRequest {
  /** Worker processes; one a core when left out. */
  readonly workers?: number;
  readonly queue?: string;
  readonly attempts: number;
}

/** Makes the clips that have no result yet, and says how fast and how long still. */
export const makeClips = async (
  request: MakeClipsRequest,
  order: BuildOrder,
  recipe: WorkRecipe,
  plan: BuildPlan,
  context: JobContext,
): Promise<MadeClips> => {
  const total = plan.clips.length;
  const missing = plan.clips.filter(({ position }) => !existsSync(join(order.out, resultFile(position))));
  const before = total - missing.length;
  const workers = Math.min(request.workers ?? availableParallelism(), missing.length);
  const display = context.progress("build", "clips");
  display.update(before, total, before > 0 && before < total ? "going on" : undefined);
  const started = nowMilliseconds();
  let [made, rejected, measured, busySeconds, videoSeconds] = [0, 0, 0, 0, 0];
  let cost = noCost;
  const told = (): void => {
    if (made === 0) return;
    const minutes = (nowMilliseconds() - started) / 60_000;
    const left = aboutTime(((missing.length - made) * minutes * 60) / made);
    const refused = rejected > 0 ? `, ${rejected} rows rejected` : "";
    display.update(
      before + made,
      total,
      `${(made / minutes).toFixed(0)} clips/min, ${left} left${refused}${shownCost(cost)}`,
    );
  };
  if (missing.length === 0) return { seconds: 0, made, measured, busySeconds, videoSeconds };
  const { signal, warn } = context;
  if (request.queue === undefined) {
    const feed = localFeed({
      out: order.out,
      clips: missing,
      attempts: request.attempts,
      onDone: (report) => {
        made++;
        rejected += report.rejected;
        cost = addCost(cost, report.cost);
        if (report.isMeasure) {
          measured++;
          busySeconds += report.seconds;
          videoSeconds += report.videoSeconds;
        }
        told();
      },
      onLost: warn,
    });
    await runWorkers({ order, workers, feed, signal });
  } else
    await buildByQueue({
      url: request.queue,
      order,
      recipe,
      missing,
      workers,
      attempts: request.attempts,
      signal,
      warn,
      onProgress: (count, costSoFar) => {
        if (count === made) return;
        made = count;
        cost = costSoFar;
        told();
      },
    });
  return { seconds: (nowMilliseconds() - started) / 1000, made, measured, busySeconds, videoSeconds };
};
