import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseJsonRows, sha256 } from "../../src/core/files.ts";
import { readDescription, readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import type { Rejection } from "../../src/dataset/schema.ts";
import { mediaOf, type StandIn, startStandIn, type Trouble, textOf } from "../stand-in/openai-endpoint.ts";
import { writeClips } from "./build/clips.ts";
import { startCommand } from "./build/run-async.ts";

const clips = 8;
let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "teacher-"));
  await writeClips(folder, clips);
  rmSync(at("clips/broken.mp4"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a good teacher says; every clip is told apart by its pictures. */
const facts = (picture: string): object => ({
  caption: `A bright square of kind ${sha256(picture).slice(0, 6)} flashes and goes away.`,
  events: [
    { what: "a square appears", start: 0.3, end: 0.5 },
    { what: "the square goes away", start: 0.8, end: 0.9 },
    { what: "nothing of this clip", start: 60, end: 61 },
  ],
  counts: [{ what: "a flash", times: 2 }],
  contrasts: [{ question: "What does the square do?", right: "it goes away", wrong: "it moves down" }],
});
const answer = (request: Parameters<typeof mediaOf>[0]): string =>
  JSON.stringify(facts(mediaOf(request).join()));

const build = (
  standIn: StandIn,
  out: string,
  params = "",
  ...more: string[]
): ReturnType<typeof startCommand> =>
  startCommand(
    ...["build", `folder=${at("clips")}`, "--out", at(out), "--workers", "1", "--no-cache"],
    ...["--teacher", `openai:endpoint=${standIn.baseUrl}#tiny,backoffSeconds=0.01${params}`, ...more],
  );

const samplesOf = async (out: string): Promise<Sample[]> => {
  const samples: Sample[] = [];
  for await (const sample of readSamples(at(out))) samples.push(sample);
  return samples;
};
const rejectedOf = (out: string): Rejection[] =>
  parseJsonRows(readFileSync(join(at(out), "rejected.jsonl"), "utf8"), "rejected.jsonl").map(
    ({ value }) => value as Rejection,
  );
const contents = (out: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(at(out))
      .filter((name) => /\.(jsonl?|html|md)$/.test(name))
      .map((name) => [name, sha256(readFileSync(join(at(out), name)))]),
  );

test("clips that nobody described become captions and questions by facts that the teacher states", async () => {
  await using standIn = await startStandIn({ answer });
  const price = ",pricePerMillionPromptTokens=10,requestsPerMinute=6000";
  const { status, stdout, stderr } = await build(standIn, "taught", price, "--json").ended;
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("    at ")]);
  // Told before the first request.
  expect(stderr).toMatch(
    /8 clips to ask the teacher about: at most [\d,]+ tokens in, 12,000 out, cost at most \d/,
  );
  // And what it has cost so far, beside the rate.
  expect(stderr).toMatch(/build: 8\/8 clips {2}\d+ clips\/min, .* left.*, 816 tokens, cost 0\.0080/);
  expect(JSON.parse(stdout)).toMatchObject({ teacher: { tokens: 102 * clips, cost: (1000 * clips) / 1e6 } });
  expect(standIn.requests).toHaveLength(clips);
  for (const request of standIn.requests) {
    expect(request.response_format?.type).toBe("json_schema");
    // Every picture stands behind its time.
    expect(textOf(request).match(/^\d+\.\d\d s$/gm)).toHaveLength(mediaOf(request).length);
    expect(mediaOf(request).length).toBeGreaterThan(4);
  }
  const samples = await samplesOf("taught");
  const skills = new Set(samples.map(({ skill }) => skill));
  expect(skills).toEqual(new Set(["description", "how-many", "order", "when", "which-of-two"]));
  expect(samples.filter(({ skill }) => skill === "when").map(({ answer: span }) => span)).toContain(
    "0.30 - 0.50",
  );
  for (const { provenance, answer: said, skill } of samples) {
    expect(provenance).toMatchObject({ teacher: { name: "openai", params: { model: "tiny" } } });
    expect(provenance["captionBy"]).toBe("teacher");
    if (skill === "description") expect(said).toBe(provenance["caption"]);
  }
  // What cannot be is left out and told; the address is in nothing that is passed on.
  expect(rejectedOf("taught").filter(({ ruleId }) => ruleId === "teacher")).toHaveLength(clips);
  expect(rejectedOf("taught")[0]!.reason).toContain("event 3: 60 to 61 s is not in a clip");
  expect(JSON.stringify(readDescription(at("taught")))).not.toContain(standIn.baseUrl);
  for (const file of ["samples-00000.jsonl", "card.md"])
    expect(readFileSync(join(at("taught"), file), "utf8")).not.toContain(standIn.baseUrl);
});

test("killed at any moment, nothing that was answered is asked again, and the bytes are the same", async () => {
  await using standIn = await startStandIn({ answer, delayMilliseconds: 60 });
  let kills = 0;
  for (const enough of [1, 3, 6]) {
    const { child, ended } = build(standIn, "killed");
    while (standIn.requests.length < enough + kills && child.exitCode === null) await wait(10);
    child.kill("SIGKILL");
    await ended;
    kills++;
  }
  expect((await build(standIn, "killed").ended).status).toBe(0);
  // A request that was under way at a kill is asked once more.
  expect(standIn.requests.length).toBeLessThanOrEqual(clips + kills);
  const asked = standIn.requests.length;
  expect((await build(standIn, "killed").ended).status).toBe(0);
  expect(standIn.requests.length).toBe(asked);
  const [killed, undisturbed] = [contents("killed"), contents("taught")];
  expect(killed["samples-00000.jsonl"]).toBe(undisturbed["samples-00000.jsonl"]);
  expect(killed["rejected.jsonl"]).toBe(undisturbed["rejected.jsonl"]);
}, 120_000);

/** What goes wrong, how it is told, and whether another time may be better. */
const troubles: readonly (readonly [Trouble | string, RegExp, boolean])[] = [
  ["rate-limit", /rate-limited: .*slow down/, true],
  ["server-error", /server-error: .*overloaded/, true],
  ["bad-request", /refused: .*too many images/, false],
  ["wrong-json", /malformed: /, false],
  ["no-choices", /malformed: the answer is no chat completion/, false],
  ["no-text", /empty: the endpoint answered without text/, false],
  ["cut-off", /unreachable: /, true],
  ["filtered", /refused: stopped by the endpoint's content filter/, false],
];
const others: readonly (readonly [Trouble | string, RegExp, boolean])[] = [
  ["hang", /deadline: no answer in 1 s/, true],
  ["too-long", /malformed: the answer was cut off; raise maxNewTokens/, false],
  ["I cannot watch videos.", /malformed: the answer is no JSON: .*I cannot watch/, false],
  ["{}", /malformed: not the answer that was asked for: caption/, false],
  ['{"caption": ""}', /malformed: not the answer that was asked for: caption/, false],
  ['{"caption": "A cup.", "events": "many"}', /malformed: not the answer that was asked for: events/, false],
  ["[1, 2", /malformed: the answer is no JSON/, false],
  ["   ", /empty: the endpoint answered without text/, false],
];

const lines: typeof troubles = [
  ["reset", /unreachable: terminated/, true],
  ["drip", /deadline: no answer in 1 s/, true],
  ["retry-date", /rate-limited: .*slow down until then/, true],
  ["html", /malformed: /, false],
  ["unknown-model", /refused: .*does not exist/, false],
  ["too-large", /refused: 413 .*too large/, false],
  ["no-key", /refused: 401 /, false],
  ["endless", /malformed: .*longer than 8388608 bytes/, false],
];
const odd: typeof troubles = [
  ["empty-choices", /malformed: the answer is no chat completion/, false],
  ["refusal", /refused: I will not describe people/, false],
  ["tool-call", /empty: the endpoint answered without text/, false],
  ["parts", /empty: the endpoint answered without text/, false],
  ["not-gzip", /malformed: /, false],
  ['{"caption": "A cup.", "caption": "A dog."}', /malformed: "caption" stands twice in one object/, false],
  [
    '{"caption": "Ein Hund springt schnell über den hohen Zaun."}',
    /malformed: the caption is not English, as was asked: /,
    false,
  ],
  ['{"caption": "A cup.", "events": [{"start": NaN}]}', /malformed: the answer is no JSON/, false],
];

test.each([
  ["protocol", troubles],
  ["answer", others],
  ["line", lines],
  ["form", odd],
] as const)(
  "a failure of the %s is one recorded outcome and no sample; what may be better another time is asked again",
  async (name, cases) => {
    const isTrouble = (what: Trouble | string): boolean => what !== undefined && /^[a-z-]+$/.test(what);
    let isWell = false;
    await using standIn = await startStandIn({
      answer: (request) => {
        const [what = ""] = cases[standIn.requests.length - 1] ?? [];
        return isWell || isTrouble(what) ? answer(request) : what;
      },
      trouble: ({ number }) => {
        const [what] = cases[number] ?? [];
        return !isWell && isTrouble(what) ? (what as Trouble) : undefined;
      },
    });
    const once = ",attempts=1,deadlineSeconds=1";
    const first = await build(standIn, name, once).ended;
    // Nothing is left: a warning, and status 1.
    expect([first.status, first.stderr]).toEqual([1, expect.not.stringContaining("    at ")]);
    expect(first.stderr).toContain("warning:");
    expect(standIn.requests).toHaveLength(clips);
    expect(await samplesOf(name)).toEqual([]);
    const rejected = rejectedOf(name);
    expect(rejected.map(({ ruleId }) => ruleId)).toEqual(cases.map(() => "teacher"));
    for (const [number, [, reason]] of cases.entries())
      expect(rejected[number]).toMatchObject({
        source: `c${number}.mp4`,
        reason: expect.stringMatching(reason),
      });
    isWell = true;
    const later = cases.filter(([, , mayBeBetter]) => mayBeBetter);
    const second = await build(standIn, name, once).ended;
    expect(second.status).toBe(later.length === 0 ? 1 : 0);
    const again = standIn.requests.length - clips;
    expect(again).toBe(later.length);
    expect(new Set((await samplesOf(name)).map(({ clip }) => clip.sha256)).size).toBe(again);
    expect(rejectedOf(name).filter(({ reason }) => reason.includes("did not answer"))).toHaveLength(
      clips - again,
    );
  },
  120_000,
);

test("tried again, an answer comes; an endpoint without schemas is asked without, and then at once", async () => {
  await using standIn = await startStandIn({
    answer,
    trouble: ({ tries, number }) => (number < 4 && tries === 0 ? "server-error" : "unknown-form"),
  });
  const { status } = await build(standIn, "forms", "", "--questions", "describe").ended;
  expect(status).toBe(0);
  expect((await samplesOf("forms")).length).toBe(clips);
  const forms = standIn.requests.map(({ response_format }) => response_format?.type);
  expect(forms.filter((form) => form === undefined)).toHaveLength(clips);
  // The first clip finds out; the others are asked in the form that worked.
  expect(forms.lastIndexOf("json_schema")).toBeLessThan(6);
});

test("rows with captions of their own keep them, and go on without a teacher that fails", async () => {
  await using standIn = await startStandIn({ answer, trouble: () => "bad-request" });
  const { status } = await startCommand(
    ...["build", at("clips"), "--captions", at("captions.csv"), "--out", at("own"), "--no-cache"],
    ...["--teacher", `openai:${standIn.baseUrl}#tiny`, "--workers", "2"],
  ).ended;
  expect(status).toBe(0);
  const samples = await samplesOf("own");
  expect(samples.map(({ answer: said }) => said)).toEqual(
    Array.from({ length: clips }, (_, clip) => `A bright square number ${clip} flashes.`),
  );
  expect(rejectedOf("own").filter(({ ruleId }) => ruleId === "teacher")).toHaveLength(clips);
});

test("a wrong endpoint is one line before anything is read", async () => {
  const { status, stderr } = await startCommand(
    ...["build", `folder=${at("clips")}`, "--out", at("none"), "--teacher", "openai:localhost"],
  ).ended;
  expect(status).toBe(2);
  expect(stderr).toMatch(/^not an endpoint: --teacher openai; expected BASE_URL#MODEL/);
});
