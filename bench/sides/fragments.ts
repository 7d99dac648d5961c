/** Our side of `fragments`: OUT, then the clips. */
import { linkSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { makeFolder } from "../../src/core/files.ts";
import { silentProgress } from "../../src/core/progress.ts";
import { fragmentTasks } from "../../src/fragments/fragment-task.ts";
import { resultFile } from "../../src/jobs/build/protocol.ts";
import { fragmentsDataset } from "../../src/jobs/fragments/fragments.ts";
import type { FragmentClip } from "../../src/jobs/fragments/protocol.ts";
import { answerRounds } from "../answer-rounds.ts";

const [out, ...clips] = process.argv.slice(2) as [string, ...string[]];
const context = { progress: () => silentProgress, signal: new AbortController().signal, warn: () => {} };

rmSync(out, { recursive: true, force: true });
// A folder of its own each round, as a person has: ext4 looks long for room for new files where as many were just removed.
await answerRounds(async (round) => {
  const source = join(out, `${round}`, "clips");
  makeFolder(source);
  for (const file of clips) linkSync(file, join(source, basename(file)));
  const start = performance.now();
  const folder = join(out, `${round}`, "set");
  await fragmentsDataset(
    {
      sources: [{ place: source }],
      out: folder,
      settings: {
        tasks: fragmentTasks.names(),
        selector: "motion_guided",
        perClip: 3,
        seed: 11,
        form: "images",
        mode: "independent",
        pixels: 336,
        windowSeconds: 8,
        framesPerWindow: 48,
        store: "link",
      },
      reading: { decoder: "auto", cache: false, cacheSize: 0 },
      notIn: [],
    },
    context,
  );
  const value = (60_000 * clips.length) / (performance.now() - start);
  const result = clips.map((_, position) => {
    const { rows } = JSON.parse(readFileSync(join(folder, resultFile(position)), "utf8")) as FragmentClip;
    return rows.length;
  });
  return { value, result };
});
