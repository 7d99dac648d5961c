import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkedPair } from "../../src/absent/pair.ts";
import { parseJsonRows } from "../../src/core/files.ts";
import { readDescription, readSamples } from "../../src/dataset/read.ts";
import type { Sample } from "../../src/dataset/sample.ts";
import {
  mediaOf,
  type Said,
  type StandIn,
  type StandInRequest,
  startStandIn,
  type Trouble,
} from "../stand-in/openai-endpoint.ts";
import { writeClips } from "./build/clips.ts";
import { startCommand } from "./build/run-async.ts";

const clips = 4;
let folder: string;
const at = (name: string): string => join(folder, name);
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "endpoint-relevance-"));
  process.env["VIDEOPERCEIVER_CACHE"] = at("cache");
  await writeClips(folder, clips);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Says yes to pictures with a bright square, which is what the clips' captions say; it looks at nothing else. */
const answer = async (request: StandInRequest): Promise<Said> => {
  const picture = Buffer.from(mediaOf(request)[0]!.split(",")[1]!, "base64");
  const { data, info } = await sharp(picture).greyscale().raw().toBuffer({ resolveWithObject: true });
  const isBright = (x: number, y: number): boolean => Math.abs(data[y * info.width + x]! - 238) < 16;
  const isSquare = (left: number, top: number): boolean =>
    [0, 2, 4, 6, 8, 10].every((y) => [0, 2, 4, 6, 8, 10].every((x) => isBright(left + x, top + y)));
  let squares = 0;
  for (let y = 0; y + 11 < info.height; y++)
    for (let x = 0; x + 11 < info.width; x++) squares += Number(isSquare(x, y));
  return { text: squares > 0 ? "Yes" : "No", yes: squares > 0 ? 0.9 + Math.min(9, squares) / 100 : 0.1 };
};
const relevance = (standIn: StandIn, more = ""): string =>
  `openai:endpoint=${standIn.baseUrl}#tiny,backoffSeconds=0.01,attempts=1,deadlineSeconds=2${more}`;
const spoken = ["--captions", "captions.csv"] as const;
const run = async (...args: readonly string[]) => {
  const ended = await startCommand(...args).ended;
  expect(ended.stderr).not.toContain("    at ");
  return ended;
};
const samplesOf = async (out: string): Promise<Sample[]> => {
  const samples: Sample[] = [];
  for await (const sample of readSamples(at(out))) samples.push(sample);
  return samples;
};

test("keyframes finds the frames that the endpoint says yes to, and tells the cost first", async () => {
  await using standIn = await startStandIn({ answer });
  const asked = ["keyframes", at("clips/c0.mp4"), "--caption", "A bright square flashes.", "--fps", "all"];
  const dry = await run(...asked, "--relevance", relevance(standIn), "--dry-run");
  expect([dry.status, standIn.requests.length]).toEqual([0, 0]);
  const told =
    /relevance openai: at most 20 requests with 20 pictures, at most [\d,]+ tokens in, 80 out, without a price/;
  expect(dry.stdout).toMatch(told);
  const { status, stdout, stderr } = await run(...asked, "--relevance", relevance(standIn), "--json");
  expect([status, standIn.requests.length]).toEqual([0, 20]);
  expect(stderr).toMatch(told);
  const found = JSON.parse(stdout) as { relevance: object; frames: { score: number; isKey: boolean }[] };
  const high = found.frames.filter(({ score }) => score > 0.5);
  expect(high.length).toBe(4);
  expect(high.some(({ isKey }) => isKey)).toBe(true);
  expect(JSON.stringify(found.relevance)).not.toContain(standIn.baseUrl);
  // Kept by content: the same again asks nothing, also through another command.
  expect((await run(...asked, "--relevance", relevance(standIn))).status).toBe(0);
  const { status: made } = await run(
    ...["absent", at("clips/c0.mp4"), "--caption", "A bright square flashes.", "--fps", "all", "--virtual"],
    ...["--relevance", relevance(standIn), "--out", at("pair")],
  );
  expect([made, standIn.requests.length]).toEqual([0, 20]);
  const pair = checkedPair(JSON.parse(readFileSync(at("pair/pair.json"), "utf8")), "pair.json");
  expect(pair.relevance).toEqual({
    name: "openai",
    params: { model: "tiny", windowFrames: 1, quality: 85, maxNewTokens: 4, logprobs: true },
    version: "1/tiny",
  });
});

test("absent over many clips names the clip whose frame has no answer, and makes the others", async () => {
  let isWell = false;
  await using standIn = await startStandIn({
    answer,
    trouble: ({ number }) => (!isWell && number === 3 ? ("refusal" as Trouble) : undefined),
  });
  const asked = [
    ...["absent", at("clips"), "--captions", at("captions.csv"), "--virtual", "--no-cache"],
    ...["--relevance", relevance(standIn, ",concurrency=1"), "--out", at("pairs")],
  ];
  const first = await run(...asked);
  expect(first.status).toBe(1);
  expect(first.stderr).toMatch(/relevance openai: at most \d+ requests/);
  expect(first.stdout).toMatch(
    /c0\.mp4: relevance openai has no answer: frame \d+ at \d\.\d\d s; got refused: I will not describe people/,
  );
  expect(existsSync(at("pairs/c0"))).toBe(false);
  expect(readdirSync(at("pairs")).sort()).toEqual(["c1", "c2", "c3"]);
  isWell = true;
});

test("build takes each clip's twin from the answers, in whatever number of workers", async () => {
  await using standIn = await startStandIn({ answer });
  const build = (out: string, workers: string) => [
    ...["build", at("clips"), ...spoken.slice(0, 1), at("captions.csv"), "--out", at(out), "--no-cache"],
    ...["--relevance", relevance(standIn), "--workers", workers, "--fps", "all"],
  ];
  const dry = await run(...build("built", "1"), "--dry-run");
  expect([dry.status, standIn.requests.length, existsSync(at("built"))]).toEqual([0, 0, false]);
  expect(dry.stdout).toMatch(/^5 clips with 5 rows, 5 still to be made; 1 rows that cannot be used$/m);
  const frames = 20 + 23 + 26 + 29;
  expect(dry.stdout).toContain(`at most ${frames} requests with ${frames} pictures`);
  const one = await run(...build("built", "1"));
  expect(one.status).toBe(0);
  expect(one.stderr).toContain(`at most ${frames} requests`);
  expect(standIn.requests.length).toBe(frames);
  expect((await run(...build("two", "2"))).status).toBe(0);
  expect(readFileSync(at("two/samples-00000.jsonl"), "utf8")).toBe(
    readFileSync(at("built/samples-00000.jsonl"), "utf8"),
  );
  const samples = await samplesOf("built");
  const pairs = samples.filter(({ skill }) => skill === "description");
  expect(pairs).toHaveLength(clips);
  for (const { absent, provenance } of pairs) {
    expect(absent!.replacements.length).toBeGreaterThanOrEqual(4);
    expect(provenance["relevance"]).toMatchObject({ name: "openai", version: "1/tiny" });
  }
  for (const file of ["dataset.json", "card.md", "index.html", "samples-00000.jsonl"])
    expect(readFileSync(at(`built/${file}`), "utf8")).not.toContain(standIn.baseUrl);
  expect(JSON.stringify(readDescription(at("built")).recipe.params)).toContain("openai:");
});

test("a frame without an answer costs its row, by name; the same command asks again where that may help", async () => {
  let isWell = false;
  const wrong: Trouble[] = ["server-error", "refusal"];
  const pictures = new Map<string, Trouble>();
  await using standIn = await startStandIn({
    answer: async (request) => {
      const said = await answer(request);
      const [picture] = mediaOf(request);
      // The first two clips lose their first bright frame.
      const isBright = typeof said !== "string" && said.yes > 0.5;
      if (!isWell && isBright && pictures.size < wrong.length) pictures.set(picture!, wrong[pictures.size]);
      const trouble = pictures.get(picture!);
      if (isWell || trouble === undefined) return said;
      return trouble === "refusal" ? "I would rather not say." : "";
    },
  });
  const build = [
    ...["build", at("clips"), "--captions", at("captions.csv"), "--out", at("asked"), "--no-cache"],
    ...["--relevance", relevance(standIn, ",concurrency=1"), "--workers", "1", "--fps", "all"],
  ];
  expect((await run(...build)).status).toBe(0);
  const rejected = parseJsonRows(readFileSync(at("asked/rejected.jsonl"), "utf8"), "rejected.jsonl").map(
    ({ value }) => value as { readonly ruleId: string; readonly reason: string },
  );
  const unanswered = rejected.filter(({ reason }) => reason.includes("relevance openai has no answer"));
  expect(unanswered).toHaveLength(1);
  expect(unanswered[0]).toMatchObject({
    ruleId: "pair",
    reason: expect.stringMatching(/frame \d+ at \d\.\d\d s; got empty: the endpoint answered without text/),
  });
  isWell = true;
});

test("a busy endpoint is asked about its clip again by the same command, and only about what it did not answer", async () => {
  let isWell = false;
  await using standIn = await startStandIn({
    answer,
    trouble: ({ number }) => (!isWell && number === 5 ? "server-error" : undefined),
  });
  const build = [
    ...["build", at("clips"), "--captions", at("captions.csv"), "--out", at("busy"), "--no-cache"],
    ...["--relevance", relevance(standIn, ",concurrency=1"), "--workers", "1", "--fps", "all"],
  ];
  expect((await run(...build)).status).toBe(0);
  expect(new Set((await samplesOf("busy")).map(({ clip }) => clip.sha256)).size).toBe(clips - 1);
  const asked = standIn.requests.length;
  isWell = true;
  expect((await run(...build)).status).toBe(0);
  expect(standIn.requests.length).toBe(asked + 1);
  expect(new Set((await samplesOf("busy")).map(({ clip }) => clip.sha256)).size).toBe(clips);
});

test("eval asks the endpoint about the frames that are shown, for questions without a twin", async () => {
  await using standIn = await startStandIn({
    answer: async (request) => {
      const said = await answer(request);
      return typeof said !== "string" && mediaOf(request).length > 1 ? "A square" : said;
    },
  });
  const rows = Array.from({ length: clips }, (_, clip) => `c${clip},When does a square flash?,soon`);
  writeFileSync(at("questions.csv"), ["video,question,answer", ...rows].join("\n"));
  await run(
    ...["build", at("clips"), "--captions", at("questions.csv"), "--out", at("bare"), "--no-cache"],
    ...["--relevance", "events:50-51", "--untwinned", "--workers", "1"],
  );
  const { status, stderr } = await run(
    ...["eval", at("bare"), "--subject", `openai:endpoint=${standIn.baseUrl}#tiny,backoffSeconds=0.01`],
    ...["--relevance", relevance(standIn), "--frames", "6", "--out", at("evaluated")],
    ...["--intervention", "absent"],
  );
  expect([status, stderr]).toEqual([0, expect.not.stringContaining("no twin")]);
  expect(stderr).toMatch(/relevance openai: at most 24 requests with 24 pictures/);
  const shown = standIn.requests.filter((request) => mediaOf(request).length === 1);
  expect(shown.length).toBe(24);
});
