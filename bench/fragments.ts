import { existsSync, linkSync } from "node:fs";
import { join } from "node:path";
import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { absentClipFiles, makeAbsentClips } from "./sides/absent-clips.ts";

/** Each of the clips counts so often: starting the workers is part of a run, and should not be most of it. */
const copies = 4;

const clipFiles = (cache: string): string[] =>
  absentClipFiles(cache).flatMap((file) =>
    Array.from({ length: copies }, (_, copy) => file.replace(/\.mp4$/, `-copy-${copy}.mp4`)),
  );

const bench: BenchDefinition = defineBench({
  name: "fragments",
  unit: "clips/min",
  summary:
    "a whole set of the five fragment tasks of twenty-four 6 s clips at 640x360, three fragments each, pictures as files; the anchor writes pictures and JSON lines only",
  better: "more",
  needsPython: true,
  rounds: 3,
  prepare: async ({ cache }) => {
    await makeAbsentClips(cache);
    for (const file of absentClipFiles(cache))
      for (let copy = 0; copy < copies; copy++) {
        const name = file.replace(/\.mp4$/, `-copy-${copy}.mp4`);
        if (!existsSync(name)) linkSync(file, name);
      }
  },
  ours: ({ root, cache }) => ({
    command: [
      process.execPath,
      join(root, "bench/sides/fragments.ts"),
      join(cache, "fragments-ours"),
      ...clipFiles(cache),
    ],
  }),
  anchor: ({ root, cache, python }) => ({
    name: "PyAV + Pillow + NumPy, JSON lines",
    version: "PyAV 18, NumPy 2",
    command: [
      python,
      join(root, "scripts/anchors/fragments.py"),
      join(cache, "fragments-anchor"),
      ...clipFiles(cache),
    ],
  }),
  error:
    "of the number of questions about a clip, relative to the most of one (each side draws its own frames)",
});

export default bench;
