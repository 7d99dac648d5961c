import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import { readRun } from "../../src/runs/read-run.ts";
import {
  asked,
  discClips,
  discColours,
  discModel,
  killedAt,
  leftBehind,
  settings,
  videoperceiver,
  writeDiscSet,
} from "./disc-set.ts";

let folder: string;
let model: string;
let set: string;

const words =
  "what happens ? a red green blue disc comes early late . which A B A. B. Answer with the letter of right option.";
/** Nine clips to train on, three to look at. */
const clips = discClips(12);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "preferences-"));
  model = discModel(folder, words);
  set = join(folder, "set");
  await writeDiscSet(set, clips, ({ colour, late }, at, { file }, all) => {
    const common = { split: at < 9 ? "train" : "validation", answerKind: "open" } as const;
    const answer = `a ${colour} disc comes ${late ? "late" : "early"} .`;
    const wrong = `a ${discColours[(at + 1) % 3]} disc comes ${late ? "early" : "late"} .`;
    const messages = asked(file, "what happens ?");
    return [
      { ...common, id: `clip-${at}`, messages, answer },
      { ...common, id: `words-${at}`, messages, answer, rejected: { answer: wrong }, twin: false },
      {
        ...common,
        id: `film-${at}`,
        messages,
        answer,
        twin: false,
        rejected: { clip: all[(at + 1) % all.length]! },
      },
      {
        ...common,
        id: `option-${at}`,
        messages: asked(file, "which ?"),
        answerKind: "choice",
        answer: late ? "late" : "early",
        options: ["early", "late"],
        twin: false,
      },
    ];
  });
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const given = [
  "look.minPixels=784",
  "look.maxPixels=4704",
  "schedule.learningRate=3e-3",
  "schedule.warmupSteps=0",
  "optimizer.weightDecay=0",
  "clipsPerStep=6",
  "positionsPerBatch=2048",
  "watch.validateEvery=10",
  "validation.answers=0",
  "losses.preference.beta=0.5",
];
const command = (out: string | undefined, ...more: readonly string[]): string[] => [
  ...["train", "dpo", "--model", model, "--data", set, "--threads", "1"],
  ...settings(...given),
  ...more,
  ...(out === undefined ? [] : ["--out", join(folder, out)]),
];
const train = (out: string | undefined, ...more: readonly string[]): ReturnType<typeof videoperceiver> =>
  videoperceiver(folder, command(out, ...more));
const looksOf = (out: string): Readonly<Record<string, number>>[] =>
  readRun(join(folder, out)).metrics.filter((row) => row["validation/margin"] !== undefined) as never;

test("the dry run counts what is preferred, options listed and answered by letter", () => {
  const { status, stdout } = train(undefined, "--dry-run", ...settings("steps=3", "pairs=[option]"));
  expect(status).toBe(0);
  expect(stdout).toMatch(/losses\.preference\.beta\s+0\.5\s+\(given\)/);
  expect(stdout).toMatch(/lora\.rank\s+32\s+\(ours\)/);
  expect(stdout).toContain("of 9 clips, 3 steps");
  expect(stdout).toMatch(/about [\d.e-]+ s a step, .* in all .*, 0\.\d+ GiB of memory/);
  expect(stdout).toContain("A. early");
  expect(stdout).toMatch(/\[\[[AB] <\|im_end\|>/);
});

test("with real twins the margin of held-out pairs rises, beyond that of a freeze anywhere; nothing is learnt where the twin is the clip", () => {
  const full = settings("lora=null", "steps=30", "pairs=[twin]");
  const { status, stderr } = train("twins", ...full);
  expect(stderr).not.toContain("rror");
  expect(status).toBe(0);
  const looks = looksOf("twins");
  const [before, after] = [looks[0]!, looks.at(-1)!];
  expect(existsSync(join(folder, "twins/reference.jsonl"))).toBe(true);
  expect(Math.abs(before["validation/marginTwin"]!)).toBeLessThan(1e-3);
  expect(after["validation/marginTwin"]!).toBeGreaterThan(1);
  expect(after["validation/marginFrozen"]!).not.toBe(0);
  expect(after["validation/marginFrozen"]!).toBeLessThan(after["validation/marginTwin"]! / 2);
  expect(train("same", ...full, ...settings("control=twin-is-clip")).status).toBe(0);
  const same = readRun(join(folder, "same")).metrics;
  expect(same.at(-1)!["loss"]).toBeCloseTo(Math.LN2, 4);
  expect(Math.abs(looksOf("same").at(-1)!["validation/marginTwin"]!)).toBeLessThan(0.05);
}, 240_000);

test("an adapter gains on answers and films against itself as new; what words alone win is told apart", () => {
  const made = train("adapter", ...settings("lora.rank=8", "lora.vision=true", "steps=20"));
  expect(made.stderr).not.toContain("rror");
  expect(made.status).toBe(0);
  const place = join(folder, "adapter");
  expect(existsSync(join(place, "reference.jsonl"))).toBe(false);
  expect(existsSync(join(place, "checkpoints/20/adapter_model.safetensors"))).toBe(true);
  const { metrics } = readRun(place);
  const first = metrics.find(({ step }) => step === 1)!;
  // The reference is the same computation of the same weights.
  expect(first["margin"]).toBeCloseTo(0, 5);
  expect(first["loss"]).toBeCloseTo(Math.LN2, 6);
  expect(metrics.at(-1)!["margin"]!).toBeGreaterThan(0.5);
  const last = looksOf("adapter").at(-1)!;
  for (const name of ["Twin", "Frozen", "Answer", "AnswerHidden", "Film"])
    expect(last[`validation/margin${name}`], name).toBeTypeOf("number");
  const look = ["--min-pixels", "784", "--max-pixels", "4704", "--max-new-tokens", "3"];
  const told = ["ask", join(set, "clips/0.mp4"), "what happens ?", "--model", place, ...look];
  expect(videoperceiver(folder, told).status).toBe(0);
}, 120_000);

test("killed while its reference is stored and while it trains, it ends as the run that nobody disturbed", async () => {
  const own = settings("lora=null", "steps=12", "checkpointEvery=3", "schedule.learningRate=1e-3");
  expect(train("whole", ...own).status).toBe(0);
  const killed = command("killed", ...own);
  for (const step of [2, 7]) expect(await killedAt(folder, [...killed, "--resume"], step)).toBe(true);
  expect(videoperceiver(folder, [...killed, "--resume"]).status).toBe(0);
  expect(leftBehind(join(folder, "killed"))).toEqual(leftBehind(join(folder, "whole")));
  const stored = join(folder, "killed/reference.jsonl");
  const rows = readFileSync(stored, "utf8");
  expect(rows).toBe(readFileSync(join(folder, "whole/reference.jsonl"), "utf8"));
  // Cut off in the middle of a line before the first checkpoint: what is missing is computed again.
  rmSync(join(folder, "killed/checkpoints"), { recursive: true });
  writeFileSync(stored, rows.slice(0, rows.length / 2));
  expect(videoperceiver(folder, [...killed, "--resume"]).status).toBe(0);
  expect(leftBehind(join(folder, "killed"))).toEqual(leftBehind(join(folder, "whole")));
}, 240_000);

test("rows of ms-swift with `rejected_videos` and `rejected_response` become a data set that it learns from", async () => {
  const rows = clips.slice(0, 4).map(({ colour }, at) => ({
    messages: [
      { role: "user", content: "<video>what happens ?" },
      { role: "assistant", content: `a ${colour} disc` },
    ],
    videos: [`set/clips/${at}.mp4`],
    ...(at < 2 ? { rejected_videos: [`set/clips/${at + 5}.mp4`] } : { rejected_response: "a late disc" }),
  }));
  writeFileSync(join(folder, "pairs.jsonl"), rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const built = join(folder, "built");
  const made = videoperceiver(folder, ["build", join(folder, "pairs.jsonl"), "--out", built, "--untwinned"]);
  expect(made.stderr).not.toContain("rror");
  expect(made.status).toBe(0);
  const samples: Sample[] = [];
  for await (const sample of readSamples(built)) samples.push(sample);
  const film = samples.find(({ rejected }) => rejected?.clip !== undefined)!.rejected!.clip!;
  expect(existsSync(join(built, film.file))).toBe(true);
  expect(film.timeline).toHaveLength(24);
  const own = [...settings(...given, "pairs=[written]", "lora=null", "steps=3", "watch.validateEvery=0")];
  const out = join(folder, "from pairs");
  const args = ["train", "dpo", "--model", model, "--data", built, "--threads", "1", ...own, "--out", out];
  const trained = videoperceiver(folder, args);
  expect(trained.stderr).not.toContain("rror");
  expect(readRun(out).metrics.map((row) => row["pairs"])).toEqual([6, 6, 6]);
  expect(readRun(out).metrics.at(-1)!["margin"]!).toBeGreaterThan(0.05);
}, 120_000);

test("without anything worse there is nothing to learn, and it is said", () => {
  const { status, stderr } = train(
    undefined,
    "--dry-run",
    ...settings("steps=1", "pairs=[twin]", "split=none"),
  );
  expect(status).toBe(2);
  expect(stderr).toContain("nothing to train on");
});
