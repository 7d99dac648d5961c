import { join } from "node:path";
import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { longClip, makeLongClip } from "./sides/decode-clips.ts";

const definition: BenchDefinition = defineBench({
  name: "decode-64-of-20min",
  unit: "ms",
  summary: "64 frames of 448x448 from 20 minutes of 1080p H.264, groups of 250",
  better: "less",
  needsPython: true,
  rounds: 5,
  prepare: ({ root, cache, python }) => makeLongClip(root, cache, python),
  ours: ({ root, cache }) => ({
    command: [
      process.execPath,
      join(root, "bench/sides/decode-frames.ts"),
      longClip(cache),
      "64",
      "448",
      "zscale",
    ],
  }),
  anchor: ({ root, cache, python }) => ({
    name: "PyAV, seeking before every frame",
    version: "PyAV 18",
    command: [python, join(root, "scripts/anchors/decode_frames.py"), "seek", longClip(cache), "64", "448"],
  }),
  error: "of a frame's time, s",
});

export default definition;
