import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CommandContext } from "../../../src/cli/command.ts";
import score from "../../../src/cli/commands/score.ts";
import { silentProgress } from "../../../src/core/progress.ts";
import { addExternalScores } from "../../../src/evaluation/external-scores.ts";
import type { EvaluationRecord } from "../../../src/evaluation/records.ts";
import { scorerRegistry } from "../../../src/evaluation/scorer.ts";
import { evaluateSubject } from "../../../src/jobs/eval/eval.ts";
import { report } from "../../../src/jobs/report.ts";
import type { ScoreResult } from "../../../src/jobs/score.ts";
import { recordOf } from "../../contract/record-fixture.ts";
import { recordsOf, worldRequest } from "../../e2e/eval-request.ts";
import { startStandIn, textOf } from "../../stand-in/openai-endpoint.ts";

const folder = mkdtempSync(join(tmpdir(), "scorers-"));
const write = (name: string, content: string): string => {
  const file = join(folder, name);
  writeFileSync(file, content);
  return file;
};
const annotations = new URL("../../contract/benchmark-data/vru-accident-captions.jsonl", import.meta.url)
  .pathname;
const signal = new AbortController().signal;

interface Item {
  readonly candidate: string;
  readonly reference: string;
}
let server: Server;
let url: string;
let info: object;
let answer: (items: readonly Item[]) => unknown;
let batches: Item[][];
const lengthRatio = ({ candidate, reference }: Item): number => candidate.length / reference.length;
beforeAll(async () => {
  server = createServer(async (request, response) => {
    if (request.url === "/info") return void response.end(JSON.stringify(info));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { items } = JSON.parse(Buffer.concat(pieces).toString()) as { items: Item[] };
    batches.push(items);
    const said = answer(items);
    if (typeof said === "number") response.writeHead(said).end("busy");
    else response.end(typeof said === "string" ? said : JSON.stringify(said));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  batches = [];
  info = { protocol: "videoperceiver/text-scorer@1", name: "RATIO", version: "1" };
  answer = (items) => ({ scores: items.map(lengthRatio) });
});

const warnings: string[] = [];
const context: CommandContext = {
  json: true,
  signal,
  progress: () => silentProgress,
  warn: (line) => void warnings.push(line),
};
const predictions = write(
  "p.json",
  JSON.stringify({ "Made/VRU_1": "A red car hits a cyclist.", "Made/VRU_2": "Two people cross." }),
);
const run = async (options: Record<string, unknown>): Promise<ScoreResult> =>
  (
    await score.run(
      ["vru-accident-captions"],
      { annotations, predictions, mode: "strict", cache: false, ...options },
      context,
    )
  ).json as ScoreResult;
const metricOf = ({ metrics }: ScoreResult, name: string): number | undefined =>
  metrics.find((one) => one.name === name)?.value?.value;
const open = (id: string, rawOutput: string, over: Partial<EvaluationRecord> = {}): EvaluationRecord =>
  recordOf({
    questionId: id,
    answerKind: "open",
    gold: "the reference",
    rawOutput,
    parsedAnswer: null,
    outcome: "wrong",
    ...over,
  });
const opened = async (text: string) => (await (await scorerRegistry.choose(text)).value)({ signal });

describe("a scorer behind HTTP", () => {
  test("its numbers stand in the records, and a report of the moved folder shows them without asking anybody", async () => {
    const out = join(folder, "run");
    const result = await run({ scorer: [`http:${url}`], out });
    const expected = (25 / 51 + 17 / 50) / 2;
    expect(metricOf(result, "external:RATIO")).toBeCloseTo(expected, 12);
    expect(batches.flat()).toHaveLength(2);
    const lines = readFileSync(join(out, "evaluation/records.jsonl"), "utf8").trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as EvaluationRecord).external)).toEqual([
      { RATIO: { version: "1", values: { score: 25 / 51 } } },
      { RATIO: { version: "1", values: { score: 0.34 } } },
    ]);
    const config = JSON.parse(readFileSync(join(out, "config.json"), "utf8")) as {
      configuration: { metrics: string[] };
    };
    expect(config.configuration.metrics).toEqual(["external:RATIO"]);
    batches = [];
    info = { protocol: "somebody else" };
    const page = readFileSync((await report(out, context)).file, "utf8");
    expect(page).toContain("external:RATIO");
    expect(page).toContain("0.4151");
    // Nobody is right or wrong about captions: no accuracy of 0 is shown.
    expect(page).toContain("Metrics on held-out clips");
    expect(page).not.toContain("Accuracy on held-out clips");
    expect(batches).toEqual([]);
  });
  test("what a stranger's folder says of scorers starts and asks nothing", async () => {
    const out = join(folder, "strange");
    await run({ scorer: [`http:${url}`], out });
    const mark = join(folder, "started");
    const file = join(out, "config.json");
    const config = JSON.parse(readFileSync(file, "utf8")) as { configuration: Record<string, unknown> };
    config.configuration["scorers"] = [`program:touch ${mark}`];
    config.configuration["metrics"] = [`program:touch ${mark}`, "external:RATIO"];
    writeFileSync(file, JSON.stringify(config));
    batches = [];
    expect(readFileSync((await report(out, context)).file, "utf8")).toContain("0.4151");
    expect([existsSync(mark), batches]).toEqual([false, []]);
  });
  test("equal texts are sent once, missing answers never, and what is kept is not asked again but for another version", async () => {
    const records = [
      open("a", "one text"),
      open("a", "one text", { intervention: { name: "blind", params: {} } }),
      open("b", "", { outcome: "empty" }),
      open("c", "lost", { error: "no clip", outcome: "failed" }),
      open("d", "hidden", { outcome: "unscored", gold: null }),
      recordOf({ questionId: "e" }),
    ];
    info = { ...info, missing: -1 };
    const kept = join(folder, "kept");
    const means = { folder: kept, signal, progress: silentProgress };
    const first = await addExternalScores(records, await opened(`http:${url}`), means);
    expect(first).toMatchObject({ asked: 1, known: 0, failed: 0 });
    expect(first.records.map(({ external }) => external?.["RATIO"]?.values)).toEqual([
      { score: 8 / 13 },
      { score: 8 / 13 },
      { score: -1 },
      { score: -1 },
      undefined,
      undefined,
    ]);
    expect(await addExternalScores(records, await opened(`http:${url}`), means)).toMatchObject({
      asked: 0,
      known: 1,
    });
    info = { ...info, version: "2" };
    expect(await addExternalScores(records, await opened(`http:${url}`), means)).toMatchObject({
      asked: 1,
      known: 0,
    });
  });
  test("a failure is named and leaves the metric undefined; the same command asks only that text again", async () => {
    const records = Array.from({ length: 5 }, (_, at) => open(String(at), `text ${at}`));
    answer = (items) => ({
      scores: items.map((item) =>
        item.candidate === "text 3" ? { failure: "too long" } : lengthRatio(item),
      ),
    });
    const means = { folder: join(folder, "failing"), signal, progress: silentProgress };
    const scorer = await opened(`http:url=${url},batchSize=2`);
    const first = await addExternalScores(records, scorer, means);
    expect(first).toMatchObject({ asked: 5, failed: 1, firstFailure: "too long" });
    expect(first.records[3]!.external).toEqual({ RATIO: { version: "1", values: null, error: "too long" } });
    const { metricRegistry } = await import("../../../src/evaluation/metrics.ts");
    const { value: metric } = await metricRegistry.choose("external:RATIO");
    expect(metric(first.records)).toBeNull();
    batches = [];
    answer = (items) => ({ scores: items.map(lengthRatio) });
    const second = await addExternalScores(records, scorer, means);
    expect([second.asked, second.failed, batches.flat().map(({ candidate }) => candidate)]).toEqual([
      1,
      0,
      ["text 3"],
    ]);
    expect(metric(second.records)).not.toBeNull();
  });
  test.each([
    ["a wrong length", (): unknown => ({ scores: [] }), /2 scores.*got 0 scores/],
    ["no numbers", (): unknown => ({ scores: ["good", "bad"] }), /bad answer of the scorer/],
    ["no JSON", (): unknown => "fine, thanks", /answered no JSON/],
    ["busy for ever", (): unknown => 503, /HTTP 503/],
  ] as const)("%s is a failure that is told, not a score", async (_, said, message) => {
    answer = said;
    warnings.length = 0;
    const result = await run({ scorer: [`http:url=${url},attempts=2`] });
    expect(metricOf(result, "external:RATIO")).toBeUndefined();
    expect(warnings.join("\n")).toMatch(/RATIO: no number for 2 of 2 texts/);
    expect(warnings.join("\n")).toMatch(message);
  });
  test("who does not speak the protocol, or is not there, ends it before anything is scored", async () => {
    info = { name: "RATIO" };
    await expect(run({ scorer: [`http:${url}`] })).rejects.toThrow(/not a scorer: .*\/info.*protocol/);
    await expect(run({ scorer: ["http:url=http://127.0.0.1:9,attempts=1"] })).rejects.toThrow(
      /scorer cannot be reached/,
    );
    info = { protocol: "videoperceiver/text-scorer@1", name: "RATIO", version: "1" };
    await expect(run({ scorer: [`http:${url}`, `http:${url}`] })).rejects.toThrow(/two scorers of one name/);
    await expect(run({ scorer: ["htp:x"] })).rejects.toThrow('did you mean "http"?');
  });
});

test("eval asks it after the last question; going on asks nobody again", async () => {
  const request = {
    ...worldRequest(folder, `predictions:${predictions}`, join(folder, "eval"), { scorers: [`http:${url}`] }),
    benchmark: "vru-accident-captions",
    annotations,
  };
  const first = await evaluateSubject(request, context);
  const ratio = first.views[0]!.metrics.find(({ name }) => name === "external:RATIO")!.value!.value;
  expect(ratio).toBeCloseTo((25 / 51 + 17 / 50) / 2, 12);
  expect([first.asked, batches.flat().length]).toEqual([2, 2]);
  expect(readFileSync(first.report, "utf8")).toContain("0.4151");
  expect((await recordsOf(join(folder, "eval"))).map(({ external }) => external!["RATIO"]!.version)).toEqual([
    "1",
    "1",
  ]);
  batches = [];
  const again = await evaluateSubject(request, context);
  expect(batches).toEqual([]);
  expect([again.asked, again.views[0]!.metrics]).toEqual([0, first.views[0]!.metrics]);
});

describe("a scorer that is a program", () => {
  const program = write(
    "count.mjs",
    `import { createInterface } from "node:readline";
console.log(JSON.stringify({ protocol: "videoperceiver/text-scorer@1", name: "WORDS", version: "1", parts: ["said", "wanted"] }));
for await (const line of createInterface({ input: process.stdin })) {
  const words = (text) => text.split(" ").length;
  if (line.includes("break")) { console.error("out of memory"); process.exit(3); }
  console.log(JSON.stringify({ scores: JSON.parse(line).items.map((one) => ({ said: words(one.candidate), wanted: words(one.reference) })) }));
}
`,
  );
  test("is asked line by line; each of its numbers is a metric", async () => {
    const result = await run({ scorer: [`program:${process.execPath} ${program}`] });
    expect(metricOf(result, "external:name=WORDS,part=said")).toBe((6 + 3) / 2);
    expect(metricOf(result, "external:name=WORDS,part=wanted")).toBe((11 + 10) / 2);
  });
  test("one that ends, is silent or is not there is named with its last words", async () => {
    const scorer = await opened(`program:command=${process.execPath} ${program},batchSize=1`);
    await expect(scorer.score([{ questionId: "a", candidate: "break", reference: "x" }])).rejects.toThrow(
      /program failed: .*it ended: out of memory/,
    );
    await expect(opened("program:no-such-program")).rejects.toThrow(/program failed: no-such-program/);
    const silent = write("silent.mjs", "setInterval(() => {}, 1000);");
    await expect(opened(`program:command=${process.execPath} ${silent},timeoutSeconds=0.3`)).rejects.toThrow(
      /no answer in 0.3 s/,
    );
  });
  test.each([
    ["no JSON", "Loading the model"],
    ["an answer of another form", '{"scores": []}'],
  ])("a line between (%s) ends it: no answer counts for the text behind its own", async (_, line) => {
    const noisy = write(
      "noisy.mjs",
      readFileSync(program, "utf8").replace(
        "const words",
        `console.log(${JSON.stringify(line)});\n  const words`,
      ),
    );
    const records = [open("a", "one"), open("b", "one two"), open("c", "one two three")];
    const scorer = await opened(`program:command=${process.execPath} ${noisy},batchSize=1`);
    const means = { folder: join(folder, `noisy ${line.length}`), signal, progress: silentProgress };
    const { records: scored, failed } = await addExternalScores(records, scorer, means);
    expect([failed, ...scored.map(({ external }) => external!["WORDS"]!.values)]).toEqual([
      3,
      null,
      null,
      null,
    ]);
  });
});

describe("events", () => {
  const reference = "A car turns left. The car hits a cyclist. A woman calls for help.";
  const said = "A car turns left. A dog barks loudly.";
  const asked = [{ questionId: "q", candidate: said, reference }];
  test("sentences as events, compared by words", async () => {
    const scorer = await opened("events");
    const [verdict] = await scorer.score(asked);
    expect(verdict).toEqual({ precision: 1 / 2, recall: 1 / 3 });
  });
  test("the reference's own events, and F1 of both means over texts", async () => {
    const references = write("events.json", JSON.stringify({ q: ["a car turns left", "a dog barks"] }));
    const scorer = await opened(`events:references=${references}`);
    const records = [
      open("q", said, { gold: reference }),
      open("r", "Nothing moves.", { gold: reference, videoId: "w" }),
      open("s", "", { gold: reference, outcome: "empty", videoId: "x" }),
    ];
    const { records: scored } = await addExternalScores(records, scorer, {
      signal,
      progress: silentProgress,
    });
    const { metricRegistry } = await import("../../../src/evaluation/metrics.ts");
    const [precision, recall] = [(1 / 2 + 0 + 0) / 3, (2 / 2 + 0 + 0) / 3];
    for (const [kind, expected] of [
      ["precision", precision],
      ["recall", recall],
      ["f1", (2 * precision * recall) / (precision + recall)],
    ] as const)
      expect((await metricRegistry.choose(`event-coverage:${kind}`)).value(scored)).toBeCloseTo(expected, 12);
    await expect(opened(`events:references=${write("bad.json", '{"q": "one"}')}`)).rejects.toThrow(
      /not a file of events/,
    );
  });
  test("a judge finds the events and compares them; neutral is not held; nonsense is asked again, then named", async () => {
    let nonsense = 0;
    await using endpoint = await startStandIn({
      answer: (request) => {
        const text = textOf(request);
        const description = /Description: (.*)/.exec(text)![1]!;
        if (description.includes("riddle")) {
          nonsense++;
          return "I would rather not.";
        }
        if (!text.includes("Events: ")) {
          const events = description.split(". ").map((event) => event.replace(/\.$/, ""));
          return `Sure: {"events": ${JSON.stringify([...events, ...Array(20).fill("the camera pans")].slice(0, 14))}}`;
        }
        const events = JSON.parse(/Events: (.*)/.exec(text)![1]!) as string[];
        expect(events.length).toBeLessThanOrEqual(10);
        return JSON.stringify({
          relations: events.map((event) =>
            event.includes("camera")
              ? "neutral"
              : description.includes(event)
                ? "entailment"
                : "contradiction",
          ),
        });
      },
    });
    const scorer = await opened(`events:judge=${endpoint.baseUrl}#judge,attempts=2`);
    const [verdict] = await scorer.score(asked);
    expect(verdict).toEqual({ precision: 1 / 10, recall: 1 / 10 });
    await expect(scorer.score([{ questionId: "q", candidate: "a riddle", reference }])).rejects.toThrow(
      /judge of events gave no answer: .*malformed: no such JSON: I would rather not/,
    );
    expect(nonsense).toBe(2);
    // The same reference was read once.
    expect(endpoint.requests.filter((one) => textOf(one).endsWith(`Description: ${reference}`))).toHaveLength(
      1,
    );
  });
});
