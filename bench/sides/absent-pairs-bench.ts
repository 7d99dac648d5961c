import { join } from "node:path";
import { type BenchDefinition, defineBench } from "../define-bench.ts";
import { absentClipFiles, makeAbsentClips } from "./absent-clips.ts";

/** The benchmark of pairs whose files are written, or that stay virtual; the anchor writes both files in any case. */
export const absentPairsBench = (mode: "files" | "virtual"): BenchDefinition =>
  defineBench({
    name: mode === "files" ? "absent-pairs" : "absent-pairs-virtual",
    unit: "pairs/min",
    summary: `pairs from six 6 s clips at 640x360, motion relevance at 8 fps, ${
      mode === "files"
        ? "both files written"
        : "as virtual pairs, nothing encoded; the anchor writes both files"
    }`,
    better: "more",
    needsPython: true,
    rounds: 5,
    prepare: ({ cache }) => makeAbsentClips(cache),
    ours: ({ root, cache }) => ({
      command: [
        process.execPath,
        join(root, "bench/sides/absent-pairs.ts"),
        mode,
        join(cache, "absent-ours"),
        ...absentClipFiles(cache),
      ],
    }),
    anchor: ({ root, cache, python }) => ({
      name: "PyAV + NumPy, both clips re-encoded",
      version: "PyAV 18, NumPy 2",
      command: [
        python,
        join(root, "scripts/anchors/absent_pairs.py"),
        join(cache, "absent-anchor"),
        ...absentClipFiles(cache),
      ],
    }),
    error:
      "of a score, relative to the largest of its clip (ours are scored on pictures that the decoder made small)",
  });
