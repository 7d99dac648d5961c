/** Kills what makes a set until there were enough kills, over several calls, and says what came of them. */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseJsonRows } from "../src/core/files.ts";
import { type BuildKillCount, type BuildKills, killBuild } from "../test/e2e/build/kill-build.ts";

/**
 * Goes on with the kills that the work folder's journal knows of, and prints their sum.
 *
 * @param what what is ended, in the plural
 */
export const countKills = async (request: BuildKills, what: string): Promise<void> => {
  const { work, seed, kills } = request;
  const journal = join(work, "kills.jsonl");
  const all = existsSync(journal)
    ? parseJsonRows(readFileSync(journal, "utf8"), journal).map(({ value }) => value as BuildKillCount)
    : [];
  const sum = (of: keyof BuildKillCount): number => all.reduce((total, count) => total + count[of], 0);
  if (sum("kills") < kills) {
    const done = await killBuild({
      ...request,
      seed: `${seed} ${all.length}`,
      kills: kills - sum("kills"),
    });
    appendFileSync(journal, `${JSON.stringify(done)}\n`);
    all.push(done);
  }
  process.stdout.write(
    `${sum("kills")} kills (${sum("starting")} before the first clip was made, ${sum("making")} while clips were made, ${sum("together")} when all of them were; ${sum("ofAll")} of every process, the others of the program alone); ${sum("compared")} ${what} went on and left the undisturbed one's bytes\n`,
  );
};
