import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { seededRandom } from "../../../src/core/random.ts";
import { type BenchmarkSample, benchmarkRegistry } from "../../../src/evaluation/benchmarks.ts";
import { evaluate } from "../../../src/evaluation/evaluate.ts";
import {
  type FineVidBenchRow,
  fineVidBenchSample,
  fineVidBenchTasks,
} from "../../../src/evaluation/finevidbench-layout.ts";
import { metricsFor } from "../../../src/evaluation/metrics.ts";
import type { EvaluationRecord } from "../../../src/evaluation/records.ts";
import { reportSkills } from "../../../src/evaluation/report/baselines.ts";
import { breakdownOf } from "../../../src/evaluation/report/breakdown.ts";
import type { ReportModel } from "../../../src/evaluation/report/model.ts";
import { breakdownTables, paperTable } from "../../../src/evaluation/report/paper-table.ts";
import { resultRow } from "../../../src/evaluation/report/summarise.ts";
import { benchmarkFragments } from "../../../src/fragments/finevidbench/fragment-questions.ts";
import { speedQuestionOf } from "../../../src/fragments/finevidbench/scene-questions.ts";
import { filmSpeeds } from "../../../src/fragments/finevidbench/speed-variants.ts";

/** Questions as the generator makes them, of as many clips. */
const rowsOf = async (clips: number): Promise<FineVidBenchRow[]> => {
  const tasks = await benchmarkFragments();
  return Array.from({ length: clips }, (_, clip): FineVidBenchRow[] => {
    const about = { video: "a.mp4", source: { clip: `${clip}.mp4`, sha256: "00112233445566" } };
    const fragments = fineVidBenchTasks.fragment.map((task): FineVidBenchRow => {
      const [least, most] = tasks[task].frames;
      const random = seededRandom("rows", task, clip);
      const frames = least + random.integer(most - least + 1);
      const { question, options, answer, shown } = tasks[task].draw({
        frames,
        balanced: (count) => random.integer(count),
        random,
      });
      return { id: `${clip}/${task}`, ...about, task, question, options, answer, frames: shown.length };
    });
    const speeds = filmSpeeds.map((speed, at): FineVidBenchRow => {
      return {
        id: `${clip}/${speed}`,
        ...about,
        task: "speed",
        speed,
        ...speedQuestionOf(speed, 4 * clip + at, 1),
      };
    });
    const actions = (["slow", "fast"] as const).map(
      (speed): FineVidBenchRow => ({
        id: `${clip}/action/${speed}`,
        ...about,
        task: "action",
        speed,
        actionClass: clip % 2 === 0 ? "distinctive" : "slight-movement",
        question: "Which?",
        options: ["waving", "wiping", "running", "digging"],
        answer: "ABCD"[clip % 4]!,
      }),
    );
    return [...actions, ...speeds, ...fragments];
  }).flat();
};

const answersOf = async (
  samples: readonly BenchmarkSample[],
  say: (sample: BenchmarkSample) => string,
): Promise<readonly EvaluationRecord[]> => {
  const { records } = await evaluate({
    samples,
    subject: {
      name: "talker",
      answer: async (batch) => batch.map(({ sample }) => ({ text: say(sample), finishReason: "stop" })),
    },
    interventions: [{ value: () => ({ shown_T: [] }), recipe: { name: "complete", params: {} } }],
    frames: { value: () => [], recipe: { name: "none", params: {} } },
    benchmark: { recipe: { name: "finevidbench", params: {} }, version: "1", split: null },
    runId: "test",
    seed: 1,
  });
  return records;
};

const modelOf = async (records: readonly EvaluationRecord[]): Promise<ReportModel> => {
  const { value } = await benchmarkRegistry.make("finevidbench");
  const skills = reportSkills(records, []);
  const selection = { name: "talker", note: "", subject: "talker" };
  const names = skills.map(({ name }) => name);
  const rows = [resultRow(records, selection, names, await metricsFor(value.metrics))];
  const breakdown = breakdownOf(records, [selection]);
  return { skills, rows, table: value.table, breakdown } as unknown as ReportModel;
};

const cellsOf = (page: string, head: string): string[] => {
  const row = page.split("<tr").find((one) => one.includes(`>${head}</th>`))!;
  return [...row.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell]) =>
    cell!.replace(/<small>.*|<[^>]*>/g, ""),
  );
};

/** Every answer that can be guessed. */
const guessesOf = ({ options, answer }: BenchmarkSample): string[] => {
  if (options !== undefined) return options.map((_, at) => "ABCDE"[at]!);
  const orders = (left: readonly number[]): number[][] =>
    left.length === 0
      ? [[]]
      : left.flatMap((one) => orders(left.filter((other) => other !== one)).map((rest) => [one, ...rest]));
  return orders(answer!.split(",").map(Number).sort()).map((order) => order.join(","));
};

test("the chance row is what guessers get, to a tenth of a point, over tasks and in the means", async () => {
  const samples = (await rowsOf(24)).map(fineVidBenchSample);
  // What each guess gets is read and graded once; 40,000 guessers then draw from that.
  const right = new Map<string, boolean[]>();
  const guesses = new Map(samples.map((sample) => [sample, guessesOf(sample)]));
  for (let at = 0; at < 120; at++) {
    const open = samples.filter((sample) => at < guesses.get(sample)!.length);
    for (const { questionId, correct } of await answersOf(open, (sample) => guesses.get(sample)![at]!))
      right.set(questionId, [...(right.get(questionId) ?? []), correct]);
  }
  // Xorshift: ten million draws in a moment.
  let state = 2_463_534_242;
  const drawn = (count: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return Math.floor(((state >>> 0) / 2 ** 32) * count);
  };
  const guessers = 40_000;
  const skill = (name: string): number => {
    const own = samples.filter((sample) => sample.skill === name).map(({ id }) => right.get(id)!);
    let hits = 0;
    for (let guesser = 0; guesser < guessers; guesser++)
      for (const outcomes of own) if (outcomes[drawn(outcomes.length)] === true) hits++;
    return (100 * hits) / (guessers * own.length);
  };
  const page = paperTable(await modelOf(await answersOf(samples, () => "A")))!.markup;
  const shown = cellsOf(page, "chance");
  const scene = ["action", "speed"].map(skill);
  const fragment = fineVidBenchTasks.fragment.map(skill);
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, one) => sum + one, 0) / values.length;
  // No effect question was asked.
  const simulated = [scene[0]!, null, scene[1]!, mean(scene), ...fragment, mean(fragment)];
  simulated.forEach((value, at) => {
    if (value === null) expect(shown[at]).toBe("–");
    // A tenth of a point, and half of the last digit that is shown.
    else expect(Math.abs(Number(shown[at]) - value), `column ${at}`).toBeLessThan(0.15);
  });
}, 60_000);

test("the page's table: tasks in the paper's order, means, what was not read apart; tables by speed and class", async () => {
  const samples = (await rowsOf(8)).map(fineVidBenchSample);
  const records = await answersOf(samples, (sample) =>
    sample.skill === "rearrangement" ? "no idea" : sample.groups?.["speed"] === "fast" ? "Z" : sample.answer!,
  );
  const model = await modelOf(records);
  const page = paperTable(model)!.markup;
  const [action, effect, speed, sceneMean, ...fragment] = cellsOf(page, "talker");
  expect([action, effect, speed, sceneMean]).toEqual(["50.0", "–", "75.0", "62.5"]);
  expect(fragment.slice(0, 6)).toEqual(["100.0", "100.0", "100.0", "100.0", "0.0", "80.0"]);
  // Of 8 clips' 11 questions: 2 fast ones and an order could not be read.
  expect(Number(fragment[6])).toBeCloseTo((100 * 3) / 11, 1);
  expect([...page.matchAll(/<th>([a-z ]+)</g)].map(([, head]) => head)).toContain("meaning of order");
  const lines = breakdownTables(model)!.markup;
  expect(cellsOf(lines, "action, fast").slice(1)).toEqual(["25.0", "0.0"]);
  expect(cellsOf(lines, "action, slow").slice(1)).toEqual(["25.0", "100.0"]);
  expect(cellsOf(lines, "action, slight movement")[0]).toBe("8");
});

test("the same action at every speed: by what was said, wherever it stood", async () => {
  const { value } = await benchmarkRegistry.make("finevidbench");
  const metrics = await metricsFor(value.metrics);
  const consistent = metrics.find(({ name }) => name === "action-consistent")!;
  const samples = (await rowsOf(4)).map(fineVidBenchSample).filter(({ skill }) => skill === "action");
  const turned = samples.map((sample, at): BenchmarkSample => {
    return at % 2 === 0 ? sample : { ...sample, options: sample.options!.toReversed() };
  });
  const saying = (word: string) => async (sample: BenchmarkSample) => sample.options!.indexOf(word);
  const at = await Promise.all(turned.map(saying("wiping")));
  const same = await answersOf(turned, (sample) => "ABCD"[at[turned.indexOf(sample)]!]!);
  expect(consistent.value(same)).toBe(1);
  expect(consistent.value(await answersOf(turned, () => "A"))).toBe(0);
  expect(consistent.value(await answersOf(turned, () => "none of it"))).toBe(0);
});

test("a digit is the text of an option, a letter its place; what is neither is named; rejected.jsonl is not asked", async () => {
  const row = { id: "1", video: "a.mp4", task: "frame-count", question: "?", options: ["2", "4", "A"] };
  const answers = ["4", "A", "C", "Z", "x"].map((answer) => fineVidBenchSample({ ...row, answer }).answer);
  expect(answers).toEqual(["B", "C", "C", null, null]);
  const folder = mkdtempSync(join(tmpdir(), "finevidbench-"));
  writeFileSync(
    join(folder, "finevidbench.jsonl"),
    `${JSON.stringify({ ...row, answer: "4", frames: 3 })}\n`,
  );
  writeFileSync(join(folder, "rejected.jsonl"), '{"source":"a","ruleId":"short","reason":"b"}\n');
  const { value } = await benchmarkRegistry.make("finevidbench");
  const [only, ...others] = await value.samples(folder);
  expect([only!.frames, others]).toEqual([[0, 1, 2], []]);
  rmSync(folder, { recursive: true });
});
