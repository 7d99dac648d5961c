/**
 * Kills a build of a world's first clips at random moments, many times, and checks that every build that goes on leaves the
 * undisturbed one's files, byte for byte. A second call in the same folder goes on counting.
 * Run: node scripts/kill-build.ts --world FOLDER --out DIR [--clips 200] [--kills 50] [--seed 12] [--seconds 800]
 */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder } from "../src/core/files.ts";
import { countKills } from "./count-kills.ts";
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

await countKills(
  {
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
    seed: values.seed,
    kills: Number(values.kills),
    seconds: Number(values.seconds),
  },
  "builds",
);
