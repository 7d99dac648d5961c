import { existsSync, linkSync } from "node:fs";
import { join } from "node:path";
import { type BenchDefinition, defineBench } from "../define-bench.ts";
import { absentClipFiles, makeAbsentClips } from "./absent-clips.ts";

/** Where each of the made clips lies so many times. */
const copiesOf = (cache: string, copies: number): { readonly file: string; readonly copy: string }[] =>
  absentClipFiles(cache).flatMap((file) =>
    Array.from({ length: copies }, (_, at) => ({ file, copy: file.replace(/\.mp4$/, `-copy-${at}.mp4`) })),
  );

/** A whole build of the made clips, each of them there `copies` times: starting the workers is part of it. */
export const buildPairsBench = (name: string, copies: number): BenchDefinition => {
  const clips = (cache: string): string[] => copiesOf(cache, copies).map(({ copy }) => copy);
  return defineBench({
    name,
    unit: "clips/min",
    summary: `a whole build of ${6 * copies} 6 s clips at 640x360 (virtual pairs, questions, rules, card, page), motion at 8 fps; the anchor writes JSON lines only`,
    better: "more",
    needsPython: true,
    rounds: 3,
    prepare: async ({ cache }) => {
      await makeAbsentClips(cache);
      for (const { file, copy } of copiesOf(cache, copies)) if (!existsSync(copy)) linkSync(file, copy);
    },
    ours: ({ root, cache }) => ({
      command: [
        process.execPath,
        join(root, "bench/sides/build-pairs.ts"),
        join(cache, "build-ours"),
        ...clips(cache),
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
        ...clips(cache),
      ],
    }),
    error:
      "of a score, relative to the largest of its clip (ours are scored on pictures that the decoder made small)",
  });
};
