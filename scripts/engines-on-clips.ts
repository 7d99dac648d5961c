/**
 * The paper's two stages on real clips from the command line, by the engine onnx and by two ranks of the engine torch: prints
 * the largest difference of every metric of both curves, of the larger of its value and 1 % of its first one, and exits with 1
 * when that of a loss is over 1e-3, when completions are not the same, or when nothing came of the policy gradient (advantages,
 * term of the loss or gradient 0). Small random weights, whose answers are told apart by a reward and a judge of the script's own
 * (--plugin); a run that is there already is not made again.
 *
 * Run: node scripts/engines-on-clips.ts --tokenizer FOLDER --clips FOLDER --python PATH --out DIR [--count 20] [--recipe NAME] [--ray ray://HOST:PORT]
 *   --clips  a folder with clips and clips.json, as train-real-clips.ts says
 *   --recipe one of the two stages alone
 *   --ray    two ranks under this Ray cluster too
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { makeFolder, readJsonFile } from "../src/core/files.ts";
import { newCheckpoint } from "../src/jobs/new-checkpoint.ts";
import { readRollouts, readRun } from "../src/runs/read-run.ts";
import { loadTokenizer } from "../src/text/tokenizer.ts";
import { tokenFields } from "../test/random-checkpoint.ts";
import { flatConfig } from "../test/unit/model/small-config.ts";
import { oddPlugins, oddSettings } from "./training-work/grpo-step.ts";
import { policyFault } from "./training-work/policy-fault.ts";

const { values } = parseArgs({
  options: {
    tokenizer: { type: "string" },
    clips: { type: "string" },
    python: { type: "string" },
    out: { type: "string" },
    count: { type: "string", default: "20" },
    recipe: { type: "string" },
    ray: { type: "string" },
  },
});
const { tokenizer, clips, python, out, ray } = values;
if (tokenizer === undefined || clips === undefined || python === undefined || out === undefined)
  throw new Error("name --tokenizer, --clips, --python and --out");
makeFolder(out);
const program = fileURLToPath(new URL("../bin/videoperceiver.mjs", import.meta.url));
const run = (...args: string[]): void => {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${args.slice(0, 2).join(" ")} ended with ${status}: ${stderr}`);
};

interface KnownClip {
  readonly file: string;
  readonly caption: string;
  readonly probe: { readonly containerDuration: number | null };
}
const [set, model, folder] = [join(out, "set"), join(out, "model"), join(out, "clips")];
if (!existsSync(join(set, "dataset.json"))) {
  makeFolder(folder);
  const known = (readJsonFile(join(clips, "clips.json")) as readonly KnownClip[]).filter(
    ({ caption, probe: { containerDuration: long } }) => caption && long && long > 1 && long < 12,
  );
  const rows = known.slice(0, Number(values.count)).map(({ file, caption }) => {
    cpSync(join(clips, file), join(folder, file));
    return `${file},"${caption.replaceAll('"', '""')}"`;
  });
  writeFileSync(join(out, "captions.csv"), ["clip,caption", ...rows].join("\n"));
  const how = ["--skip-rules", "near-duplicate", "--questions", "describe", "--workers", "1"];
  run("build", folder, "--captions", join(out, "captions.csv"), "--out", set, ...how);
}
if (!existsSync(join(model, "config.json")))
  await newCheckpoint(model, flatConfig(tokenFields(loadTokenizer(tokenizer))), 1, tokenizer);

const look = ["look.frames=8", "look.minPixels=3136", "look.maxPixels=6272", "watch.validateEvery=0"];
const rate = ["schedule.learningRate=1e-3", "schedule.warmupSteps=0"];
const draws = ["promptsPerStep=4", "completions=4", "maxNewTokens=8", "prefilter.draws=1"];
const recipes = {
  "videoperceiver-sft": [...look, ...rate, "clipsPerStep=4", "steps=10", "losses.contrastive.block=1"],
  "videoperceiver-grpo": [
    ...[...look, ...rate, ...draws, "steps=4", "prefilter.share=1", "refeedTries=1"],
    ...Object.entries(oddSettings).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  ],
};
const plugins = oddPlugins.flatMap((file) => ["--plugin", file]);
const ranks = ["--engine", `torch:python=${python}`, "--ranks", "2"];
const engines: Readonly<Record<string, readonly string[]>> = {
  onnx: ["--engine", "onnx"],
  torchrun: ranks,
  ...(ray !== undefined && { ray: [...ranks, "--launcher", ray] }),
};
let worst = 0;
const faults: string[] = [];
for (const [recipe, settings] of Object.entries(recipes)) {
  if (values.recipe !== undefined && values.recipe !== recipe) continue;
  for (const [name, engine] of Object.entries(engines)) {
    const args = ["train", recipe, "--model", model, "--data", set, "--threads", "2", ...plugins, ...engine];
    const own = settings.flatMap((one) => ["--set", one]);
    run(...args, "--out", join(out, `${recipe} ${name}`), "--resume", ...own);
  }
  const rows = (name: string) => readRun(join(out, `${recipe} ${name}`)).metrics;
  const drawn = (name: string): string[] =>
    readRollouts(join(out, `${recipe} ${name}`)).map(({ step, sampleId, complete, absent }) =>
      JSON.stringify([step, sampleId, complete.map(({ text }) => text), absent.map(({ text }) => text)]),
    );
  const isGrpo = recipe === "videoperceiver-grpo";
  for (const name of isGrpo ? Object.keys(engines) : []) {
    const fault = policyFault(rows(name), readRollouts(join(out, `${recipe} ${name}`)));
    if (fault !== undefined) faults.push(`${recipe} ${name}: ${fault}`);
  }
  for (const name of Object.keys(engines).slice(1)) {
    const [got, expected] = [rows(name), rows("onnx")];
    if (got.length !== expected.length) throw new Error(`${recipe} ${name}: ${got.length} steps`);
    const isClock = (metric: string): boolean => metric.startsWith("speed/") || metric === "timeSeconds";
    const metrics = Object.keys(expected[0]!).filter(
      (metric) => !isClock(metric) && typeof expected[0]![metric] === "number",
    );
    const differences = Object.fromEntries(
      metrics.map((metric) => {
        const [own, other] = [got, expected].map((all) => all.map((row) => Number(row[metric])));
        const floor = Math.max(Math.abs(other![0]!) / 100, 1e-9);
        const apart = own!.map((x, i) => Math.abs(x - other![i]!) / Math.max(floor, Math.abs(other![i]!)));
        return [metric, Number(Math.max(...apart).toPrecision(2))];
      }),
    );
    const other = drawn("onnx").filter((group, i) => group !== drawn(name)[i]).length;
    if (other > 0) faults.push(`${recipe} ${name}: ${other} groups of other completions`);
    const same = isGrpo && {
      sameGroups: drawn(name).length - other,
      policy: got.map((row) => row["policy"]),
    };
    console.log(JSON.stringify({ recipe, engine: name, steps: got.length, differences, ...same }));
    worst = Math.max(worst, differences["loss"]!);
  }
}
if (worst > 1e-3) faults.push(`a loss is ${worst} off`);
for (const fault of faults) console.log(`NOT fine: ${fault}`);
process.exitCode = faults.length === 0 ? 0 : 1;
