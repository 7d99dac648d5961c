import { join } from "node:path";
import { type AnchorSide, type BenchContext, type BenchDefinition, defineBench } from "./define-bench.ts";
import { makeMinuteClip, minuteClip } from "./sides/decode-clips.ts";

const pyav = ({ root, cache, python }: BenchContext, mode: string, name: string): AnchorSide => ({
  name,
  version: "PyAV 18",
  command: [python, join(root, "scripts/anchors/decode_frames.py"), mode, minuteClip(cache), "32", "448"],
});

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
  anchor: (context) => pyav(context, "linear", "PyAV, decoding all of it"),
  otherAnchors: (context) => [pyav(context, "keyframes", "PyAV, key packets listed, seeking only past one")],
  error: "of a frame's time, s",
});

export default definition;
