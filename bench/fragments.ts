import { join } from "node:path";
import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { absentClipCopies, makeAbsentClipCopies } from "./sides/absent-clips.ts";

const copies = 34;

const bench: BenchDefinition = defineBench({
  name: "fragments",
  unit: "clips/min",
  summary: `a whole set of the five fragment tasks of ${6 * copies} 6 s clips at 640x360, three fragments each, pictures as files; the anchor writes pictures and JSON lines only`,
  better: "more",
  needsPython: true,
  rounds: 3,
  prepare: ({ cache }) => makeAbsentClipCopies(cache, copies),
  ours: ({ root, cache }) => ({
    command: [
      process.execPath,
      join(root, "bench/sides/fragments.ts"),
      join(cache, "fragments-ours"),
      ...absentClipCopies(cache, copies),
    ],
    // As the command does it: workers are started from files that were compiled before.
    environment: { NODE_COMPILE_CACHE: join(cache, "compiled") },
  }),
  anchor: ({ root, cache, python }) => ({
    name: "PyAV + Pillow + NumPy, JSON lines",
    version: "PyAV 18, NumPy 2",
    command: [
      python,
      join(root, "scripts/anchors/fragments.py"),
      join(cache, "fragments-anchor"),
      ...absentClipCopies(cache, copies),
    ],
  }),
  error:
    "of the number of questions about a clip, relative to the most of one (each side draws its own frames)",
});

export default bench;
