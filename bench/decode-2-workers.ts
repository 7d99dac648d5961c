import { join } from "node:path";
import { type BenchContext, type BenchDefinition, type BenchSide, defineBench } from "./define-bench.ts";
import { makeMinuteClip, minuteClip } from "./sides/decode-clips.ts";

const side = ({ root, cache }: BenchContext, workers: number): BenchSide => ({
  command: [
    process.execPath,
    join(root, "bench/sides/decode-workers.ts"),
    minuteClip(cache),
    String(workers),
  ],
});

const definition: BenchDefinition = defineBench({
  name: "decode-2-workers",
  unit: "ms",
  summary:
    "16 requests for 2 frames each of a minute of 1080p H.264: two workers against one, one thread each",
  better: "less",
  needsPython: false,
  rounds: 5,
  prepare: ({ cache }) => makeMinuteClip(cache),
  ours: (context) => side(context, 2),
  anchor: (context) => ({ ...side(context, 1), name: "the same with one worker", version: "this checkout" }),
  error: "of a frame's time, s",
});

export default definition;
