import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evalText } from "../../src/cli/eval-options.ts";
import type { EvaluationRecord } from "../../src/evaluation/records.ts";
import { readFrames } from "../../src/frames/read-frames.ts";
import { compare } from "../../src/jobs/compare.ts";
import { type EvalResult, evaluateSubject } from "../../src/jobs/eval/eval.ts";
import type { EvalRequest } from "../../src/jobs/eval/request.ts";
import { report } from "../../src/jobs/report.ts";
import { openVideoService } from "../../src/video/service.ts";
import { generateWorld } from "../../src/world/generate.ts";
import { worldProfile } from "../../src/world/profile.ts";
import {
  mediaOf,
  type StandIn,
  type StandInRequest,
  startStandIn,
  textOf,
} from "../stand-in/openai-endpoint.ts";
import { guess } from "../stand-in/world-viewer.ts";
import { quietContext, recordsOf, worldRequest } from "./eval-request.ts";

let folder: string;
let world: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "eval-"));
  world = join(folder, "world");
  await generateWorld({
    count: 3,
    seed: "eval",
    profile: worldProfile("quickstart"),
    out: world,
    workers: 1,
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const context = quietContext();
const request = (standIn: StandIn, out: string, over: Partial<EvalRequest> = {}): EvalRequest =>
  worldRequest(
    world,
    `openai:endpoint=${standIn.baseUrl}#viewer,backoffSeconds=0.01,attempts=1`,
    join(folder, out),
    { limit: 6, ...over },
  );
const run = (asked: EvalRequest): Promise<EvalResult> => evaluateSubject(asked, context);

/** Sample files of the world, changed line by line. */
const changedWorld = (name: string, change: (row: Record<string, unknown>) => object): string => {
  const place = join(folder, name);
  cpSync(world, place, { recursive: true });
  const file = join(place, "samples-00000.jsonl");
  const rows = readFileSync(file, "utf8").trim().split("\n");
  writeFileSync(file, rows.map((row) => `${JSON.stringify(change(JSON.parse(row)))}\n`).join(""));
  return place;
};

test("--retry-failed asks again whatever was not answered: failed, refused, and questions without an answer", async () => {
  let broken = true;
  await using standIn = await startStandIn({
    answer: guess,
    trouble: ({ number }) =>
      broken ? (["bad-request", "filtered", "server-error"] as const)[number] : undefined,
  });
  const secret = changedWorld("secret", (row) => row);
  const asked = request(standIn, "retried", { data: secret });
  const first = await run(asked);
  expect(first.views[0]!.outcomes).toMatchObject({ refused: 2, failed: 1 });
  broken = false;
  expect((await run(asked)).asked).toBe(0);
  const again = await run({ ...asked, retryFailed: true });
  expect([again.asked, again.views[0]!.outcomes.refused, again.views[0]!.outcomes.failed]).toEqual([3, 0, 0]);
  // A record whose answer is not published says "unscored", whatever became of its question.
  const records = await recordsOf(join(folder, "retried"));
  const torn = records.map((record, at) =>
    at === 1 ? { ...record, outcome: "unscored", finishReason: "timeout", error: "late" } : record,
  );
  writeFileSync(
    join(asked.out, "evaluation", "records.jsonl"),
    torn.map((record) => `${JSON.stringify(record)}\n`).join(""),
  );
  expect((await run({ ...asked, retryFailed: true })).asked).toBe(1);
});

test("annotations that changed are another run: one line says so, and nothing is mixed", async () => {
  await using standIn = await startStandIn({ answer: guess });
  const changing = changedWorld("changing", (row) => row);
  const asked = request(standIn, "versions", { data: changing });
  await run(asked);
  const file = join(changing, "samples-00000.jsonl");
  const text = readFileSync(file, "utf8");
  // One answer is another one; what the data set says of itself stays.
  const rows = text.split("\n");
  const at = rows.findIndex((row) => row.includes('"answerKind":"choice"'));
  const row = JSON.parse(rows[at]!) as { answer: string; options: string[] };
  const answer = row.answer === "A" ? "B" : "A";
  writeFileSync(file, rows.with(at, JSON.stringify({ ...row, answer })).join("\n"));
  const error = await run(asked).catch((thrown: Error) => thrown);
  expect((error as Error).message).toMatch(/another configuration is there.*configuration\.annotationHash/);
  expect((error as Error).message).not.toContain("\n");
  writeFileSync(file, text);
  expect((await run(asked)).asked).toBe(0);
});

test("--metric is computed, shown, in the report, and in the command that repeats the run", async () => {
  await using standIn = await startStandIn({ answer: guess });
  const asked = request(standIn, "metrics", { metrics: ["rouge:L", "accuracy-of-answered"] });
  const result = await run(asked);
  const named = (name: string) => result.views[0]!.metrics.find((one) => one.name === name)!;
  const text = evalText(result);
  expect(text).toMatch(/^accuracy-of-answered: complete \d+\.\d \(/m);
  // Of choices there is none, and that is said as well.
  expect(text).toMatch(/^rouge:L: complete not defined$/m);
  // The same number and interval wherever it is shown, whatever the run's seed.
  for (const name of ["rouge:L", "accuracy-of-answered", "macro-accuracy"])
    expect(result.row!.metrics.find((one) => one.name === name)).toEqual(named(name));
  expect(readFileSync(result.report, "utf8")).toContain("--metric rouge:L accuracy-of-answered");
  // A finished folder can be given more metrics and scorers: nothing is asked again, and what it had stays.
  const scored = await run({ ...asked, metrics: ["rouge:1"], scorers: ["events:words"] });
  expect(scored.asked).toBe(0);
  const computed = scored.views[0]!.metrics.map((one) => one.name);
  for (const name of ["rouge:1", "rouge:L", "event-coverage:f1"]) expect(computed).toContain(name);
  const later = await run({ ...asked, metrics: [] });
  expect(later.views[0]!.metrics.map((one) => one.name).sort()).toEqual([...computed].sort());
  await expect(run({ ...asked, frames: 3 })).rejects.toThrow("another configuration");
  // A metric whose file is gone does not keep the folder from being reported.
  const tuples = join(folder, "tuples.json");
  writeFileSync(tuples, "{}");
  const withFile = {
    ...asked,
    out: join(folder, "with-file"),
    metrics: [`spice-tuples:${tuples}`, "rouge:1"],
  };
  await run(withFile);
  rmSync(tuples);
  const warned: string[] = [];
  const { model } = await report(withFile.out, { ...context, warn: (line) => warned.push(line) });
  expect(warned).toEqual([expect.stringContaining("left out of the report")]);
  expect(model.rows[0]!.metrics.map(({ name }) => name)).toContain("rouge:1");
  await expect(run({ ...asked, out: join(folder, "misspelt"), metrics: ["ruoge"] })).rejects.toThrow(
    'did you mean "rouge"',
  );
});

test("a question about a stretch of a clip is shown that stretch; two stretches of one clip differ; an empty one fails by name", async () => {
  await using standIn = await startStandIn({ answer: guess });
  const stretches: readonly (readonly [number, number] | null)[] = [null, [0.5, 1], [1, 1.5], [2, 1]];
  let count = 0;
  const cut = changedWorld("cut", (row) => {
    const stretch = row["answerKind"] === "choice" ? stretches[count++ % stretches.length] : null;
    if (!stretch) return row;
    const [video_start, video_end] = stretch;
    const messages = row["messages"] as { content: { type: string }[] }[];
    return {
      ...row,
      messages: messages.map((message) => ({
        ...message,
        content: message.content.map((part) =>
          part.type === "video" ? { ...part, video_start, video_end } : part,
        ),
      })),
    };
  });
  const warned: string[] = [];
  const asked = request(standIn, "cut", { data: cut, frames: 3, limit: 12 });
  await evaluateSubject(asked, { ...context, warn: (line) => warned.push(line) });
  const samples = new Map<string, readonly [number, number] | null>();
  for (const line of readFileSync(join(cut, "samples-00000.jsonl"), "utf8").trim().split("\n")) {
    const row = JSON.parse(line) as {
      id: string;
      messages: [{ content: { video_start?: number; video_end?: number }[] }];
    };
    const part = row.messages[0].content.find(({ video_start }) => video_start !== undefined);
    samples.set(row.id, part === undefined ? null : [part.video_start!, part.video_end!]);
  }
  const seen = { whole: 0, part: 0, none: 0 };
  for (const { questionId, frameTimesSeconds, error } of await recordsOf(join(folder, "cut"))) {
    const stretch = samples.get(questionId);
    if (!stretch) {
      seen.whole++;
      expect(frameTimesSeconds.at(-1)! - frameTimesSeconds[0]!).toBeGreaterThan(1);
    } else if (stretch[0] > stretch[1]) {
      seen.none++;
      expect(error).toContain("stretch that the clip does not have");
    } else {
      seen.part++;
      expect(frameTimesSeconds.length).toBe(3);
      for (const time of frameTimesSeconds) {
        expect(time).toBeGreaterThanOrEqual(stretch[0] - 0.06);
        expect(time).toBeLessThan(stretch[1]);
      }
      // The middles of thirds of half a second.
      expect(frameTimesSeconds[2]! - frameTimesSeconds[0]!).toBeGreaterThan(0.2);
    }
  }
  expect(Math.min(seen.whole, seen.part, seen.none)).toBeGreaterThan(0);
  expect(warned[0]).toContain("stretch that the clip does not have");
});

test("video_url sends a film that plays: as many pictures as chosen, of the clip, one film a clip and view", async () => {
  await using standIn = await startStandIn({ answer: guess });
  const subject = `openai:endpoint=${standIn.baseUrl}#viewer,pictures=video_url`;
  await run(request(standIn, "films", { subject, interventions: ["reversed", "blind"] }));
  const records = await recordsOf(join(folder, "films"));
  const films = standIn.requests.flatMap((one) => mediaOf(one).map((url) => ({ url, text: textOf(one) })));
  const shown = records.filter(({ intervention }) => intervention.name !== "blind");
  expect(films.length).toBe(shown.length);
  const clips = new Set(records.map(({ clipFile }) => clipFile));
  expect(new Set(films.map(({ url }) => url)).size).toBe(clips.size * 2);
  await using video = openVideoService();
  const [film] = films;
  expect(film!.url.slice(0, 22)).toBe("data:video/mp4;base64,");
  const file = join(folder, "received.mp4");
  writeFileSync(file, Buffer.from(film!.url.slice(22), "base64"));
  const played = await readFrames(video, file, { select: { kind: "all" } });
  const record = records.find(
    ({ prompt, intervention }) => prompt === film!.text && intervention.name === "complete",
  )!;
  expect(played.frames.length).toBe(6);
  const indices = [...record.frameIndices];
  const original = await readFrames(video, join(world, record.clipFile!), {
    select: { kind: "indices", indices },
  });
  expect([played.width, played.height]).toEqual([original.width, original.height]);
  let difference = 0;
  for (let i = 0; i < played.pixels.length; i++)
    difference += Math.abs(played.pixels[i]! - original.pixels[i]!);
  expect(difference / played.pixels.length).toBeLessThan(4);
  const gaps = record.frameTimesSeconds.map((time) => time - record.frameTimesSeconds[0]!);
  for (const [t, { timeSeconds }] of played.frames.entries()) expect(timeSeconds).toBeCloseTo(gaps[t]!, 1);
});

test("the page of questions shows a masked twin masked", async () => {
  await using standIn = await startStandIn({ answer: guess });
  await run(request(standIn, "masked", { interventions: ["absent", "reversed"] }));
  const file = join(folder, "masked", "evaluation", "records.jsonl");
  const records = await recordsOf(join(folder, "masked"));
  const painted = records.map((record) =>
    record.intervention.name === "absent"
      ? {
          ...record,
          shownFrames: record.frameIndices,
          painted: { by: { name: "mask", params: {} }, positions: [1, 2] },
        }
      : record,
  );
  writeFileSync(file, painted.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const page = join(folder, "masked.html");
  await compare(
    {
      runs: [join(folder, "masked")],
      view: "complete",
      mode: "strict",
      seed: 0,
      page,
      items: 1,
      pictures: 1,
    },
    context,
  );
  // An evaluation alone trains nothing: its report speaks of no method.
  expect(readFileSync(join(folder, "masked", "report.html"), "utf8")).not.toContain("the method");
  const strips = readFileSync(page, "utf8").split('<ol class="strip">').slice(1);
  const picturesOf = async (strip: string): Promise<number[]> =>
    await Promise.all(
      [...strip.split("</ol>")[0]!.matchAll(/base64,([^"]+)"/g)].map(async ([, data]) => {
        const { channels } = await sharp(Buffer.from(data!, "base64")).stats();
        return Math.max(...channels.map(({ stdev }) => stdev));
      }),
    );
  const [complete, absent] = [await picturesOf(strips[0]!), await picturesOf(strips[1]!)];
  expect([complete!.length, absent!.length]).toEqual([6, 6]);
  // A masked picture is of one colour.
  expect(Math.min(...complete!)).toBeGreaterThan(5);
  expect(absent!.map((deviation) => deviation < 2)).toEqual([false, true, true, false, false, false]);
});

test("Ctrl-C says the command that goes on, and it does", async () => {
  await using standIn = await startStandIn({ answer: guess, delayMilliseconds: 100 });
  const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
  const { subject, out } = request(standIn, "interrupted");
  const args = [
    "eval",
    world,
    "--subject",
    subject.replace("attempts=1", "concurrency=1"),
    "--frames",
    "2",
    "--no-cache",
    "--out",
    out,
  ];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  child.stderr.on("data", (piece: Buffer) => {
    said += piece.toString();
  });
  while (standIn.requests.length < 3 && child.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 10));
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number];
  expect(code).toBe(130);
  const line = /^stopped; go on with: (.*)$/m.exec(said)![1]!;
  expect(line).not.toContain("--resume");
  const before = (await recordsOf(join(folder, "interrupted"))).length;
  expect(before).toBeGreaterThan(0);
  const asked = standIn.requests.length;
  const again = spawn("sh", ["-c", line.replace(/^videoperceiver/, `${process.execPath} ${program}`)], {
    stdio: "ignore",
  });
  expect(await once(again, "close")).toEqual([0, null]);
  const all = (await recordsOf(join(folder, "interrupted"))).length;
  expect(standIn.requests.length - asked).toBe(all - before);
});

test("options are turned: who picks by text is consistent, who picks a letter is not; letters are mapped back", async () => {
  const byText = (asked: StandInRequest): string => {
    const options = [...textOf(asked).matchAll(/^([A-Z])\. (.*)$/gm)];
    return options.toSorted((a, b) => (a[2]! < b[2]! ? -1 : 1))[0]![1]!;
  };
  const measured = async (answer: (asked: StandInRequest) => string, out: string) => {
    await using standIn = await startStandIn({ answer });
    const result = await run(request(standIn, out, { rotateOptions: true, interventions: ["blind"] }));
    const [{ accuracy, metrics }] = result.views as [EvalResult["views"][number]];
    const of = (name: string) => metrics.find((one) => one.name === name)!.value!;
    return { result, accuracy, consistent: of("consistent"), everyTurn: of("right-in-every-turn") };
  };
  const text = await measured(byText, "by-text");
  const letter = await measured(() => "A", "by-letter");
  const records = (await recordsOf(join(folder, "by-text"))).filter(
    ({ intervention }) => intervention.name === "complete",
  );
  expect(new Set(records.map(({ rotation }) => rotation!.of)).size).toBe(6);
  expect(records.length).toBe(
    records.reduce((sum, { rotation, options }) => sum + (rotation!.by === 0 ? options!.length : 0), 0),
  );
  const rightText = ({ options, gold }: EvaluationRecord): string => options![gold!.charCodeAt(0) - 65]!;
  for (const turns of Map.groupBy(records, ({ rotation }) => rotation!.of).values())
    expect([new Set(turns.map(rightText)).size, new Set(turns.map(({ gold }) => gold)).size]).toEqual([
      1,
      turns.length,
    ]);
  expect(text.consistent.value).toBe(1);
  expect(text.everyTurn.value).toBeCloseTo(
    records.filter(({ rotation, correct }) => rotation!.by === 0 && correct).length / 6,
    12,
  );
  expect([letter.consistent.value, letter.everyTurn.value]).toEqual([0, 0]);
  // A letter is right once in every round.
  const chance = records.filter(({ rotation }) => rotation!.by === 0).length / records.length;
  expect(letter.accuracy.value).toBeCloseTo(chance, 12);
  expect(evalText(letter.result)).toContain("consistent: complete 0.0");
  expect(readFileSync(letter.result.report, "utf8")).toContain("--rotate-options");
  expect(letter.result.row!.metrics.map(({ name }) => name)).toContain("right-in-every-turn");
});

test("a prediction file cannot be asked with its options turned", async () => {
  const file = join(folder, "said.json");
  writeFileSync(file, JSON.stringify({ a: "B" }));
  await using standIn = await startStandIn({ answer: guess });
  const asked = request(standIn, "file", { rotateOptions: true, subject: `predictions:${file}` });
  await expect(run(asked)).rejects.toThrow("no question can be asked with its options turned");
});

test("questions whose rows name no events get twins of what a relevance provider finds among the shown frames", async () => {
  await using standIn = await startStandIn({ answer: guess });
  const bare = changedWorld("bare", ({ events: _, absent: __, ...row }) => row);
  const asked = request(standIn, "without", { data: bare, interventions: ["absent"], frames: 16 });
  const without = await run(asked);
  expect(without.notApplicable).toEqual({ absent: 6 });
  const twins = { relevance: "motion", builder: "previous-frame" };
  const found = await run({ ...asked, out: join(folder, "found"), twins });
  expect(found.notApplicable["absent"] ?? 0).toBeLessThan(6);
  const absent = (await recordsOf(join(folder, "found"))).filter(
    ({ intervention }) => intervention.name === "absent",
  );
  for (const { frameIndices, shownFrames } of absent) {
    const changed = frameIndices.filter((frame, t) => shownFrames[t] !== frame);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.length).toBeLessThan(frameIndices.length);
  }
  // What is found lies where things happen: more often in an event than frames do.
  const events = new Map<string, [number, number][]>();
  for (const line of readFileSync(join(world, "samples-00000.jsonl"), "utf8").trim().split("\n")) {
    const { id, events: spans = [] } = JSON.parse(line) as {
      id: string;
      events?: { startSeconds: number; endSeconds: number }[];
    };
    events.set(
      id,
      spans.map(({ startSeconds, endSeconds }) => [startSeconds, endSeconds]),
    );
  }
  let [inside, all, insideChanged, allChanged] = [0, 0, 0, 0];
  for (const { questionId, frameIndices, shownFrames, frameTimesSeconds } of absent)
    frameIndices.forEach((frame, t) => {
      const isIn = events
        .get(questionId)!
        .some(([from, to]) => frameTimesSeconds[t]! >= from && frameTimesSeconds[t]! < to);
      all++;
      if (isIn) inside++;
      if (shownFrames[t] === frame) return;
      allChanged++;
      if (isIn) insideChanged++;
    });
  expect(insideChanged / allChanged).toBeGreaterThan(inside / all);
  expect(readFileSync(found.report, "utf8")).toContain("--relevance motion --builder previous-frame");
  const wrong = { relevance: "moton", builder: "previous-frame" };
  await expect(run({ ...asked, out: join(folder, "wrong"), twins: wrong })).rejects.toThrow("did you mean");
});
