/** Our side of the decode benchmarks: FILE COUNT SIDE RESIZER; the value is the time to COUNT pictures in memory. */
import { utimesSync } from "node:fs";
import { nowMilliseconds } from "../../src/core/progress.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import type { Resizer } from "../../src/video/request.ts";
import { openVideoService } from "../../src/video/service.ts";
import { answerRounds } from "../answer-rounds.ts";

const [file, count, side, resizer] = process.argv.slice(2) as [string, string, string, Resizer];
const service = openVideoService();
await service.decoder();
await answerRounds(async (round) => {
  // A worker remembers packets by the file's state; a new state makes every round read them anew.
  utimesSync(file, 1_700_000_000 + round, 1_700_000_000 + round);
  const started = nowMilliseconds();
  const size = { width: Number(side), height: Number(side) };
  const batch = await readFrames(service, file, {
    select: { kind: "count", count: Number(count) },
    size,
    resizer,
  });
  const value = nowMilliseconds() - started;
  return { value, result: batch.frames.map(({ timeSeconds }) => timeSeconds) };
});
await service.close();
