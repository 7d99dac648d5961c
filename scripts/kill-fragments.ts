/**
 * Kills `fragments` of a folder of clips at random moments, many times, and checks that every run that goes on leaves the
 * undisturbed one's files, byte for byte. A second call in the same folder goes on counting.
 * Run: node scripts/kill-fragments.ts --clips FOLDER --out DIR [--form images|clip] [--kills 30] [--seed 15] [--seconds 800]
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder } from "../src/core/files.ts";
import { countKills } from "./count-kills.ts";

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

await countKills(
  {
    args: (set) => ["fragments", clips, "--out", set, "--form", values.form, "--workers", "2"],
    work,
    seed: values.seed,
    kills: Number(values.kills),
    seconds: Number(values.seconds),
  },
  "runs",
);
