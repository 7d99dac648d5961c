/**
 * Runs `absent` on clips with each decoder and checks every pair (see `pair-soundness.ts`); prints one line a clip and
 * ends with status 1 when one is not sound. Needs ffmpeg and ffprobe.
 * Run: node scripts/check-pairs.ts [--odd] [--decoder node-av,ffmpeg] [--part 1/4] [FILE|FOLDER ...]
 * Without files and `--odd`: the shared clips.
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { type DecoderChoice, openVideoService } from "../src/video/service.ts";
import { makeOddClips } from "./odd-clips.ts";
import { checkPair } from "./pair-soundness.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    odd: { type: "boolean", default: false },
    decoder: { type: "string", default: "node-av,ffmpeg" },
    part: { type: "string", default: "1/1" },
  },
});
const folder = mkdtempSync(join(tmpdir(), "check-pairs-"));
const shared = `${process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared"}/data/clips`;
const given = positionals.length > 0 || values.odd ? positionals : [shared];
const found = [...given, ...(values.odd ? makeOddClips(join(folder, "odd")) : [])].flatMap((path) =>
  statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => !name.endsWith(".json"))
        .map((name) => join(path, name))
    : [path],
);
const [part = 1, parts = 1] = values.part.split("/").map(Number);
const files = found.filter((_, at) => at % parts === part - 1);
const decibels = (psnr: number | null | undefined): string =>
  psnr === undefined ? "-" : psnr === null ? "equal" : psnr.toFixed(1);

let unsound = 0;
let sound = 0;
let refused = 0;
try {
  for (const decoder of values.decoder.split(",") as DecoderChoice[]) {
    await using video = openVideoService({ decoder });
    for (const file of files) {
      const out = join(folder, "pair");
      const check = await checkPair({ video, decoder, file, folder: out });
      rmSync(out, { recursive: true, force: true });
      const { said, faults, frames, declared } = check;
      if (check.refused !== undefined) refused++;
      else if (faults.length > 0) unsound++;
      else sound++;
      const psnr = `PSNR ${decibels(said?.fidelity?.completePsnr)} ${decibels(said?.fidelity?.absentPsnr)}`;
      const what = check.refused ?? `${frames} frames, ${declared} declared, ${psnr}`;
      const verdict = check.refused !== undefined ? "refused" : faults.length > 0 ? "UNSOUND" : "sound";
      console.log([verdict, decoder, basename(file), what, ...faults].join(" | "));
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${sound} sound, ${unsound} unsound, ${refused} refused`);
process.exitCode = unsound > 0 ? 1 : 0;
