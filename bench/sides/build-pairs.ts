/** Our side of `build-pairs`: OUT, then the clips. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../../src/core/files.ts";
import { silentProgress } from "../../src/core/progress.ts";
import { buildDataset } from "../../src/jobs/build/build.ts";
import { type BuiltClip, resultFile } from "../../src/jobs/build/protocol.ts";
import { answerRounds } from "../answer-rounds.ts";

const [out, ...clips] = process.argv.slice(2) as [string, ...string[]];
const table = join(out, "captions.csv");
const context = { progress: () => silentProgress, signal: new AbortController().signal, warn: () => {} };

await answerRounds(async () => {
  rmSync(out, { recursive: true, force: true });
  makeFolder(out);
  writeFileSync(
    table,
    `clip,caption\n${clips.map((file) => `${basename(file)},A box flashes.`).join("\n")}\n`,
  );
  const start = performance.now();
  const folder = join(out, "set");
  await buildDataset(
    {
      sources: [{ place: table, clips: dirname(clips[0]!) }],
      columns: {},
      out: folder,
      settings: {
        relevance: "motion",
        builder: "previous-frame",
        extractor: "offline",
        scored: 8,
        questions: ["describe"],
        seed: 0,
        store: "link",
        untwinned: false,
      },
      reading: { decoder: "auto", cache: false, cacheSize: 0 },
      plugins: [],
      // Each clip is there several times.
      skippedRules: ["near-duplicate"],
      notIn: [],
      attempts: 1,
    },
    context,
  );
  const value = (60_000 * clips.length) / (performance.now() - start);
  const result = clips.flatMap((_, position) => {
    const { rows } = JSON.parse(readFileSync(join(folder, resultFile(position)), "utf8")) as BuiltClip;
    const scores = rows[0]!.view.curve.map(([, score]) => score);
    const largest = Math.max(...scores);
    return scores.map((score) => score / largest);
  });
  return { value, result };
});
