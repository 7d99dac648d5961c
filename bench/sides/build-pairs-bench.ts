import { join } from "node:path";
import { type BenchDefinition, defineBench } from "../define-bench.ts";
import { absentClipCopies, makeAbsentClipCopies } from "./absent-clips.ts";

/** A whole build of the made clips, each of them there `copies` times: starting the workers is part of it. */
export const buildPairsBench = (name: string, copies: number): BenchDefinition => {
  return defineBench({
    name,
    unit: "clips/min",
    summary: `a whole build of ${6 * copies} 6 s clips at 640x360 (virtual pairs, questions, rules, card, page), motion at 8 fps; the anchor writes JSON lines only`,
    better: "more",
    needsPython: true,
    rounds: 3,
    prepare: ({ cache }) => makeAbsentClipCopies(cache, copies),
    ours: ({ root, cache }) => ({
      command: [
        process.execPath,
        join(root, "bench/sides/build-pairs.ts"),
        join(cache, "build-ours"),
        ...absentClipCopies(cache, copies),
      ],
      // As the command does it: workers are started from files that were compiled before.
      environment: { NODE_COMPILE_CACHE: join(cache, "compiled") },
    }),
    anchor: ({ root, cache, python }) => ({
      name: "PyAV + NumPy, JSON lines",
      version: "PyAV 18, NumPy 2",
      command: [
        python,
        join(root, "scripts/anchors/build_pairs.py"),
        join(cache, "build-anchor"),
        ...absentClipCopies(cache, copies),
      ],
    }),
    error:
      "of a score, relative to the largest of its clip (ours are scored on pictures that the decoder made small)",
  });
};
