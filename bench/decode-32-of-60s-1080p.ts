import { join } from "node:path";
import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { makeMinuteClip, minuteClip } from "./sides/decode-clips.ts";

const definition: BenchDefinition = defineBench({
  name: "decode-32-of-60s-1080p",
  unit: "ms",
  summary: "32 frames of 448x448 from a minute of 1080p H.264, groups of 250",
  better: "less",
  needsPython: true,
  rounds: 5,
  prepare: ({ cache }) => makeMinuteClip(cache),
  ours: ({ root, cache }) => ({
    command: [
      process.execPath,
      join(root, "bench/sides/decode-frames.ts"),
      minuteClip(cache),
      "32",
      "448",
      "zscale",
    ],
  }),
  anchor: ({ root, cache, python }) => ({
    name: "PyAV, decoding all of it",
    version: "PyAV 18",
    command: [
      python,
      join(root, "scripts/anchors/decode_frames.py"),
      "linear",
      minuteClip(cache),
      "32",
      "448",
    ],
  }),
  error: "of a frame's time, s",
});

export default definition;
