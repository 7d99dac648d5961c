/** Requests side by side: FILE WORKERS; the value is the time until all pictures are in memory. */
import { nowMilliseconds } from "../../src/core/progress.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { openVideoService } from "../../src/video/service.ts";
import { answerRounds } from "../answer-rounds.ts";

const [file, workers] = process.argv.slice(2) as [string, string];
const requests = 16;
const service = openVideoService({ workers: Number(workers), threads: 1 });
const { durationSeconds } = await service.probe(file);
await answerRounds(async () => {
  const started = nowMilliseconds();
  const span = durationSeconds / requests;
  const batches = await Promise.all(
    Array.from({ length: requests }, (_, i) =>
      readFrames(service, file, {
        select: { kind: "count", count: 2 },
        range: { startSeconds: i * span, endSeconds: (i + 1) * span },
        size: { width: 448, height: 448 },
        resizer: "zscale",
      }),
    ),
  );
  const value = nowMilliseconds() - started;
  return { value, result: batches.flatMap(({ frames }) => frames.map(({ timeSeconds }) => timeSeconds)) };
});
await service.close();
