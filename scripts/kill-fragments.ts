/**
 * Kills `fragments` of a folder of clips at random moments, many times, and checks that every run that goes on leaves the
 * undisturbed one's files, byte for byte. A second call in the same folder goes on counting.
 * Run: node scripts/kill-fragments.ts --clips FOLDER --out DIR [--form images|clip] [--kills 30] [--seed 15] [--seconds 800]
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder, parseJsonRows } from "../src/core/files.ts";
import { type BuildKillCount, killBuild } from "../test/e2e/build/kill-build.ts";

const { values } = parseArgs({
  options: {
    clips: { type: "string" },
    out: { type: "string" },
    form: { type: "string", default: "images" },
    kills: { type: "string", default: "30" },
    seed: { type: "string", default: "15" },
    seconds: { type: "string", default: "800" },
  },
});
if (values.clips === undefined || values.out === undefined)
  throw new Error("name two folders: --clips FOLDER --out DIR");
const [clips, work] = [resolve(values.clips), resolve(values.out)];
makeFolder(work);

const journal = join(work, "kills.jsonl");
const all = existsSync(journal)
  ? parseJsonRows(readFileSync(journal, "utf8"), journal).map(({ value }) => value as BuildKillCount)
  : [];
const sum = (what: keyof BuildKillCount): number => all.reduce((total, count) => total + count[what], 0);
if (sum("kills") < Number(values.kills)) {
  const done = await killBuild({
    args: (set) => ["fragments", clips, "--out", set, "--form", values.form, "--workers", "2"],
    work,
    seed: `${values.seed} ${all.length}`,
    kills: Number(values.kills) - sum("kills"),
    seconds: Number(values.seconds),
  });
  appendFileSync(journal, `${JSON.stringify(done)}\n`);
  all.push(done);
}
process.stdout.write(
  `${sum("kills")} kills (${sum("starting")} before the first clip was made, ${sum("making")} while clips were made, ${sum("together")} when all of them were; ${sum("ofAll")} of every process, the others of the program alone); ${sum("compared")} runs went on and left the undisturbed one's bytes\n`,
);
