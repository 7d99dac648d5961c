/**
 * A thousand questions to a stand-in endpoint, by the command as a user runs it: how much faster questions at the same
 * time are than one after the other, whether every outcome is accounted for when the server fails in every way, and what
 * is asked again after kills (counted at the server).
 * Run: node scripts/endpoint-load.ts --out DIR [--questions 1000] [--kills 5] [--delay MILLISECONDS]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeFolder, sha256 } from "../src/core/files.ts";
import { seededRandom } from "../src/core/random.ts";
import type { EvaluationRecord } from "../src/evaluation/records.ts";
import { generateWorld } from "../src/world/generate.ts";
import { worldProfile } from "../src/world/profile.ts";
import { type StandIn, startStandIn, type Trouble, textOf } from "../test/stand-in/openai-endpoint.ts";

const { values } = parseArgs({
  options: {
    out: { type: "string" },
    questions: { type: "string", default: "1000" },
    kills: { type: "string", default: "5" },
    delay: { type: "string", default: "100" },
  },
});
if (values.out === undefined) throw new Error("name a folder: --out DIR");
const { out } = values;
const count = Number(values.questions);
const clips = 20;
const world = join(out, "world");

/** Clips of the world with as many questions as wanted, each with a number of its own in its text. */
const makeQuestions = async (): Promise<void> => {
  rmSync(out, { recursive: true, force: true });
  makeFolder(out);
  const profile = worldProfile("quickstart");
  await generateWorld({ count: clips, seed: "load", profile, out: world, workers: 1 });
  const file = join(world, "samples-00000.jsonl");
  const rows = readFileSync(file, "utf8").trim().split("\n");
  const choices = rows.filter((row) => (JSON.parse(row) as { answerKind: string }).answerKind === "choice");
  const numbered = Array.from({ length: count }, (_, at) => {
    const text = choices[at % choices.length]!;
    const row = JSON.parse(text) as {
      id: string;
      messages: { content: { type: string; text?: string }[] }[];
    };
    for (const part of row.messages[0]!.content)
      if (part.text !== undefined) part.text = `#${at} ${part.text}`;
    return JSON.stringify({ ...row, id: `${row.id}#${at}` });
  });
  writeFileSync(file, `${numbered.join("\n")}\n`);
};

const program = new URL("../bin/videoperceiver.mjs", import.meta.url).pathname;
const start = (standIn: StandIn, run: string, params: string): ChildProcess =>
  spawn(
    process.execPath,
    [
      ...[
        program,
        "eval",
        world,
        "--subject",
        `openai:endpoint=${standIn.baseUrl}#m,backoffSeconds=0.01,${params}`,
      ],
      ...["--split", "all", "--frames", "4", "--no-cache", "--out", join(out, run)],
    ],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
const linesOf = (run: string): string[] => {
  const file = join(out, run, "evaluation", "records.jsonl");
  return existsSync(file) ? readFileSync(file, "utf8").split("\n").slice(0, -1) : [];
};
const recordsOf = (run: string): EvaluationRecord[] =>
  linesOf(run).map((line) => JSON.parse(line) as EvaluationRecord);
const numberOf = (text: string): number => Number(/#(\d+)/.exec(text)![1]);

/** Seconds from the first question to the last answer, as the server saw it. */
const timed = async (concurrency: number, delayMilliseconds: number): Promise<number> => {
  let [first, last] = [0, 0];
  await using standIn = await startStandIn({
    delayMilliseconds,
    answer: () => {
      last = performance.now();
      first ||= last - delayMilliseconds;
      return "A";
    },
  });
  const [code] = (await once(
    start(standIn, `timed-${concurrency}`, `concurrency=${concurrency}`),
    "close",
  )) as [number];
  if (code !== 0 || standIn.requests.length !== count)
    throw new Error(`status ${code}, ${standIn.requests.length} asked`);
  return (last - first) / 1000;
};

const lasting: readonly Trouble[] = [
  "server-error",
  "wrong-json",
  "no-choices",
  "no-text",
  "cut-off",
  "hang",
  "filtered",
  "bad-request",
  "html",
  "reset",
];
const passing: readonly Trouble[] = [
  "rate-limit",
  "server-error",
  "wrong-json",
  "cut-off",
  "reset",
  "retry-date",
];
/** Every 25th question fails for good, every 7th at first. */
const fateOf = (number: number): { readonly trouble: Trouble; readonly lasts: boolean } =>
  number % 25 === 0
    ? { trouble: lasting[(number / 25) % lasting.length], lasts: true }
    : { trouble: number % 7 === 0 ? passing[(number / 7) % passing.length] : undefined, lasts: false };

const troubled = async (run: string, params: string): Promise<string> => {
  const random = seededRandom(14, run);
  await using standIn = await startStandIn({
    answer: async () => {
      await new Promise((resolve) => setTimeout(resolve, random.integer(60)));
      return "A";
    },
    trouble: ({ text, tries }) => {
      const { trouble, lasts } = fateOf(numberOf(text));
      return lasts || tries === 0 ? trouble : undefined;
    },
  });
  const subject = `concurrency=16,attempts=3,deadlineSeconds=4,${params}`;
  const [code] = (await once(start(standIn, run, subject), "close")) as [number];
  const records = recordsOf(run);
  const wrong = records.filter(({ prompt, outcome }) => {
    const { trouble, lasts } = fateOf(numberOf(prompt));
    const expected = !lasts
      ? "answered"
      : trouble === "filtered" || trouble === "bad-request"
        ? "refused"
        : "failed";
    const got = outcome === "right" || outcome === "wrong" ? "answered" : outcome;
    return expected !== got;
  });
  const outcomes = Map.groupBy(records, ({ outcome }) => outcome);
  const said = [...outcomes].map(([outcome, { length }]) => `${outcome} ${length}`).sort();
  return `${run}: status ${code}, ${standIn.requests.length} requests, ${records.length} records (${said.join(", ")}), ${wrong.length} other than the server meant`;
};

const killed = async (kills: number): Promise<string> => {
  const random = seededRandom(14, "kills");
  const concurrency = 8;
  const asked = new Map<string, number>();
  await using standIn = await startStandIn({
    delayMilliseconds: 15,
    answer: (request) => {
      const key = sha256(JSON.stringify(request.messages));
      asked.set(key, (asked.get(key) ?? 0) + 1);
      return "A";
    },
  });
  let known = 0;
  let againAfterRecord = 0;
  for (let kill = 0; ; kill++) {
    const before = new Set(recordsOf("killed").map(({ prompt }) => numberOf(prompt)));
    const from = standIn.requests.length;
    const until = known + 20 + random.integer(Math.max(1, Math.floor((1.6 * count) / kills)));
    const child = start(standIn, "killed", `concurrency=${concurrency}`);
    const ended = once(child, "close");
    if (kill < kills)
      while (child.exitCode === null && linesOf("killed").length < until)
        await new Promise((resolve) => setTimeout(resolve, 3));
    if (kill < kills) child.kill("SIGKILL");
    const [code] = (await ended) as [number | null];
    againAfterRecord += standIn.requests
      .slice(from)
      .filter((one) => before.has(numberOf(textOf(one)))).length;
    known = linesOf("killed").length;
    if (code === 0) break;
  }
  const twice = [...asked.values()].filter((times) => times > 1).length;
  const ids = new Set(recordsOf("killed").map(({ questionId }) => questionId)).size;
  return `${kills} kills: ${ids} of ${count} questions have one record, ${standIn.requests.length} requests; asked although a record stood: ${againAfterRecord}; in the air at a kill and asked again: ${twice} (at most ${kills * concurrency})`;
};

await makeQuestions();
const delay = Number(values.delay);
const serial = await timed(1, delay);
const parallel = await timed(16, delay);
process.stdout.write(
  `${count} questions, answers after ${delay} ms: one after the other ${serial.toFixed(1)} s, 16 at the same time ${parallel.toFixed(1)} s: ${(serial / parallel).toFixed(1)} times\n`,
);
process.stdout.write(`${await troubled("bad-images", "pictures=images")}\n`);
process.stdout.write(`${await troubled("bad-stream-films", "pictures=video_url,stream=true")}\n`);
process.stdout.write(`${await killed(Number(values.kills))}\n`);
