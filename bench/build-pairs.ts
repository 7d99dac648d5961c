import { existsSync, linkSync } from "node:fs";
import { join } from "node:path";
import { type BenchDefinition, defineBench } from "./define-bench.ts";
import { absentClipFiles, makeAbsentClips } from "./sides/absent-clips.ts";

/** Each of the clips counts so often: starting the workers is part of a build, and should not be most of it. */
const copies = 6;

const clipFiles = (cache: string): string[] =>
  absentClipFiles(cache).flatMap((file) =>
    Array.from({ length: copies }, (_, copy) => file.replace(/\.mp4$/, `-copy-${copy}.mp4`)),
  );

const bench: BenchDefinition = defineBench({
  name: "build-pairs",
  unit: "clips/min",
  summary:
    "a whole build of thirty-six 6 s clips at 640x360 (virtual pairs, questions, rules, card, page), motion at 8 fps; the anchor writes JSON lines only",
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
      join(root, "bench/sides/build-pairs.ts"),
      join(cache, "build-ours"),
      ...clipFiles(cache),
    ],
  }),
  anchor: ({ root, cache, python }) => ({
    name: "PyAV + NumPy, JSON lines",
    version: "PyAV 18, NumPy 2",
    command: [
      python,
      join(root, "scripts/anchors/build_pairs.py"),
      join(cache, "build-anchor"),
      ...clipFiles(cache),
    ],
  }),
  error:
    "of a score, relative to the largest of its clip (ours are scored on pictures that the decoder made small)",
});

export default bench;
