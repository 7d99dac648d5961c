/**
 * Kills a build of a world's first clips at random moments, many times, and checks that every build that goes on leaves the
 * undisturbed one's files, byte for byte. A second call in the same folder goes on counting.
 * Run: node scripts/kill-build.ts --world FOLDER --out DIR [--clips 200] [--kills 50] [--seed 12] [--seconds 800]
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder, parseJsonRows } from "../src/core/files.ts";
import { type BuildKillCount, killBuild } from "../test/e2e/build/kill-build.ts";
import { writeWorldTable } from "./world-table.ts";

const { values } = parseArgs({
  options: {
    world: { type: "string" },
    out: { type: "string" },
    clips: { type: "string", default: "200" },
    kills: { type: "string", default: "50" },
    seed: { type: "string", default: "12" },
    seconds: { type: "string", default: "800" },
  },
});
if (values.world === undefined || values.out === undefined)
  throw new Error("name two folders: --world FOLDER --out DIR");
const [world, work] = [resolve(values.world), resolve(values.out)];
makeFolder(work);
const table = join(work, "clips.jsonl");
await writeWorldTable(world, Number(values.clips), table);

const journal = join(work, "kills.jsonl");
const all = existsSync(journal)
  ? parseJsonRows(readFileSync(journal, "utf8"), journal).map(({ value }) => value as BuildKillCount)
  : [];
const sum = (what: keyof BuildKillCount): number => all.reduce((total, count) => total + count[what], 0);
if (sum("kills") < Number(values.kills)) {
  const done = await killBuild({
    args: (set) => [
      "build",
      table,
      "--clips",
      world,
      "--out",
      set,
      "--relevance",
      "motion",
      "--workers",
      "2",
    ],
    work,
    seed: `${values.seed} ${all.length}`,
    kills: Number(values.kills) - sum("kills"),
    seconds: Number(values.seconds),
  });
  appendFileSync(journal, `${JSON.stringify(done)}\n`);
  all.push(done);
}
process.stdout.write(
  `${sum("kills")} kills (${sum("starting")} before the first clip was made, ${sum("making")} while clips were made, ${sum("together")} when all of them were; ${sum("ofAll")} of every process, the others of the program alone); ${sum("compared")} builds went on and left the undisturbed one's bytes\n`,
);
