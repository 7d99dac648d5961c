/**
 * Makes FineVidBench of real clips and has it answered three ways: by a prediction file (every right answer but those of
 * one clip in five), by an endpoint (a stand-in that counts the pictures it is sent, and else says A) and by a checkpoint
 * with random weights in the embedded engine. Exits with 1 when a question fails, the file's score is not what it says, or
 * the endpoint counts anything wrongly.
 * Run: node scripts/finevidbench-eval.ts --clips FOLDER --out DIR [--count 45] [--seconds 12]
 *   --clips   a folder with clips and clips.json, a list of { file, caption, probe: { containerDuration } }
 */
import { copyFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder, readJsonFile } from "../src/core/files.ts";
import { chanceOf } from "../src/evaluation/chance.ts";
import type { FineVidBenchRow } from "../src/evaluation/finevidbench-layout.ts";
import { evaluateSubject } from "../src/jobs/eval/eval.ts";
import { fineVidBenchSet } from "../src/jobs/finevidbench/generate.ts";
import { quietContext, recordsOf, worldRequest } from "../test/e2e/eval-request.ts";
import { writeQuestionCheckpoint } from "../test/question-checkpoint.ts";
import { mediaOf, startStandIn, textOf } from "../test/stand-in/openai-endpoint.ts";

interface KnownClip {
  readonly file: string;
  readonly caption: string;
  readonly probe: { readonly containerDuration: number | null };
}

const { values } = parseArgs({
  options: {
    clips: { type: "string" },
    out: { type: "string" },
    count: { type: "string", default: "45" },
    seconds: { type: "string", default: "12" },
  },
});
if (values.clips === undefined || values.out === undefined)
  throw new Error("name two folders: --clips FOLDER --out DIR");
const [from, out] = [resolve(values.clips), resolve(values.out)];
const own = join(out, "clips");
makeFolder(own);
const usable = (readJsonFile(join(from, "clips.json")) as readonly KnownClip[])
  .filter(
    ({ caption, probe: { containerDuration: long } }) =>
      caption && long && long > 1 && long < Number(values.seconds),
  )
  .slice(0, Number(values.count));
for (const { file } of usable)
  if (!existsSync(join(own, file))) copyFileSync(join(from, file), join(own, file));
const captions = join(out, "captions.csv");
writeFileSync(
  captions,
  ["clip,caption", ...usable.map(({ file, caption }) => `${file},"${caption.replaceAll('"', '""')}"`)].join(
    "\n",
  ),
);
const context = quietContext();
const data = join(out, "bench");
const made = await fineVidBenchSet(
  {
    sources: [{ place: captions, clips: own }],
    columns: {},
    out: data,
    settings: {
      selector: "motion_guided",
      sets: 1,
      mode: "independent",
      seed: 3,
      pixels: 128,
      windowSeconds: 8,
      framesPerWindow: 48,
    },
    reading: { decoder: "auto", cache: false, cacheSize: 0 },
  },
  context,
);
const { counts } = made.description;
console.log(`${usable.length} clips; ${counts.questions} questions about ${counts.clips} of them`);
const rows = readFileSync(join(data, "finevidbench.jsonl"), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as FineVidBenchRow);

let failed = false;
const ask = async (title: string, subject: string, name: string): Promise<readonly number[]> => {
  const request = worldRequest(data, subject, join(out, name), { benchmark: "finevidbench" });
  const { views } = await evaluateSubject(request, context);
  const records = await recordsOf(join(out, name));
  const errors = records.flatMap(({ error, questionId }) =>
    error === null ? [] : [`${questionId}: ${error}`],
  );
  const chance = records.reduce((sum, record) => sum + chanceOf(record)!, 0) / records.length;
  const { value } = views[0]!.accuracy;
  const counted = records.filter(({ skill }) => skill === "frame-count");
  const right = counted.filter(({ correct }) => correct).length;
  console.log(
    `${title}: ${records.length} answers, ${errors.length} failed, accuracy ${(100 * value!).toFixed(2)}, chance ${(100 * chance).toFixed(2)}, frame-count ${right} of ${counted.length}`,
  );
  for (const line of errors.slice(0, 5)) console.log(`  ${line}`);
  if (errors.length > 0 || records.length !== rows.length) failed = true;
  return [value!, right / counted.length];
};

const wrongClips = new Set(
  [...new Set(rows.map(({ source }) => source!.clip))].filter((_, at) => at % 5 === 0),
);
const isWrong = ({ source }: FineVidBenchRow): boolean => wrongClips.has(source!.clip);
const file = join(out, "predictions.jsonl");
writeFileSync(
  file,
  rows
    .map((row) => `${JSON.stringify({ id: row.id, answer: isWrong(row) ? "no idea" : row.answer })}\n`)
    .join(""),
);
const [read] = await ask("prediction file", `predictions:${file}`, "read");
const expected = rows.filter((row) => !isWrong(row)).length / rows.length;
if (Math.abs(read! - expected) > 1e-9) failed = true;

// Its address is another one every time, and part of the run's configuration.
rmSync(join(out, "asked"), { recursive: true, force: true });
await using standIn = await startStandIn({
  answer: (body) => new RegExp(`([A-D])\\. ${mediaOf(body).length}\\b`).exec(textOf(body))?.[1] ?? "A",
});
const [, counting] = await ask("endpoint", `openai:endpoint=${standIn.baseUrl}#viewer`, "asked");
if (counting !== 1) failed = true;

const model = join(out, "model");
writeQuestionCheckpoint(model, join(out, "files"), rows);
await ask("checkpoint", `checkpoint:folder=${model},maxNewTokens=2`, "random");
if (failed) process.exitCode = 1;
