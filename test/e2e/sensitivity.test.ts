import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type EvalResult, evaluateSubject } from "../../src/jobs/eval/eval.ts";
import type { EvalRequest } from "../../src/jobs/eval/request.ts";
import { generateWorld } from "../../src/world/generate.ts";
import { worldProfile } from "../../src/world/profile.ts";
import { type StandIn, startStandIn } from "../stand-in/openai-endpoint.ts";
import { guess, lookingAnswer, type WorldViewer, worldViewer } from "../stand-in/world-viewer.ts";
import { quietContext, worldRequest } from "./eval-request.ts";

let folder: string;
let world: string;
let viewer: WorldViewer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sensitivity-"));
  world = join(folder, "world");
  await generateWorld({ count: 14, seed: "sensitivity", profile: worldProfile("quickstart"), out: world });
  viewer = await worldViewer(world);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const request = (standIn: StandIn, out: string, over: Partial<EvalRequest> = {}): EvalRequest =>
  worldRequest(world, `openai:endpoint=${standIn.baseUrl}#viewer,backoffSeconds=0.01`, join(folder, out), {
    interventions: ["complete", "absent", "random-removal", "blind"],
    frames: 32,
    selector: "fps:fps=8",
    ...over,
  });

/** Sensitivity, and what pictures add, with their intervals. */
const measured = async (
  answer: Parameters<typeof startStandIn>[0]["answer"],
  out: string,
): Promise<EvalResult> => {
  await using standIn = await startStandIn({ answer });
  return await evaluateSubject(request(standIn, out), quietContext());
};

test("who sees the decisive frames, who ignores pictures and who sees only the first frame are told apart", async () => {
  const all = await measured(lookingAnswer(viewer, 99), "all");
  const none = await measured(guess, "none");
  const first = await measured(lookingAnswer(viewer, 1), "first");
  const sensitivity = ({ row }: EvalResult) => row!.sensitivity!.overall!;
  const seeing = ({ differences }: EvalResult) => differences[0]!.difference;
  // (a) pictures help, and it is the decisive ones.
  expect(sensitivity(all).low).toBeGreaterThan(0.1);
  expect(seeing(all).low).toBeGreaterThan(0.2);
  // (b) nothing that is shown makes a difference.
  expect(sensitivity(none)).toMatchObject({ value: 0, low: 0, high: 0 });
  expect(seeing(none)).toMatchObject({ value: 0, low: 0, high: 0 });
  // (c) pictures help, the decisive ones do not.
  expect(seeing(first).low).toBeGreaterThan(0.05);
  expect(sensitivity(first).low).toBeLessThanOrEqual(0);
  expect(sensitivity(first).high).toBeLessThan(sensitivity(all).low);
  expect(readFileSync(all.report, "utf8")).toContain("The decisive frames decide");
});

test("a run that was stopped goes on and asks nothing twice; a finished one asks nothing at all", async () => {
  const stop = new AbortController();
  await using standIn = await startStandIn({
    answer: (asked) => {
      if (standIn.requests.length === 40) stop.abort();
      return guess(asked);
    },
  });
  const asked = request(standIn, "stopped", {
    interventions: ["complete", "reversed", "budget:2", "budget:4"],
  });
  await expect(evaluateSubject(asked, quietContext(stop.signal))).rejects.toMatchObject({
    name: "AbortError",
  });
  const before = readFileSync(join(asked.out, "evaluation", "records.jsonl"), "utf8")
    .trim()
    .split("\n").length;
  expect(before).toBeGreaterThan(10);
  const result = await evaluateSubject(asked, quietContext());
  expect(result.known).toBe(before);
  expect(result.views.map(({ label }) => label)).toEqual([
    "complete",
    "reversed",
    "budget:frames=2",
    "budget:frames=4",
  ]);
  const total = result.views.reduce((sum, { accuracy }) => sum + accuracy.questions, 0);
  expect(result.asked).toBe(total - before);
  const texts = standIn.requests.length;
  const again = await evaluateSubject(asked, quietContext());
  expect([again.asked, standIn.requests.length]).toEqual([0, texts]);
  expect(again.views).toEqual(result.views);
});

test("a process that is killed has lost nothing that was answered", async () => {
  const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
  await using standIn = await startStandIn({ answer: guess, delayMilliseconds: 20 });
  const out = join(folder, "killed");
  const records = join(out, "evaluation", "records.jsonl");
  const args = [
    "eval",
    world,
    "--subject",
    request(standIn, "").subject,
    "--frames",
    "4",
    "--no-cache",
    "--out",
    out,
  ];
  const run = () => spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const lines = (): string[] =>
    existsSync(records) ? readFileSync(records, "utf8").split("\n").slice(0, -1) : [];
  const killed = run();
  while (lines().length < 12 && killed.exitCode === null)
    await new Promise((resolve) => setTimeout(resolve, 10));
  killed.kill("SIGKILL");
  await once(killed, "close");
  const answered = lines().length;
  const before = standIn.requests.length;
  expect(answered).toBeGreaterThanOrEqual(12);
  const [code] = (await once(run(), "close")) as [number];
  expect(code).toBe(0);
  const all = lines();
  expect(new Set(all.map((line) => (JSON.parse(line) as { questionId: string }).questionId)).size).toBe(
    all.length,
  );
  expect(standIn.requests.length - before).toBe(all.length - answered);
});

test("an endpoint that answers nothing is an error, not a score of 0", async () => {
  await using standIn = await startStandIn({ answer: guess, trouble: () => "bad-request" });
  const asked = request(standIn, "dead", { interventions: [], limit: 5 });
  await expect(evaluateSubject(asked, quietContext())).rejects.toThrow("no question was answered");
  expect(existsSync(join(asked.out, "report.html"))).toBe(false);
});

test("clips that are not there fail by name, and blind questions are asked all the same", async () => {
  await using standIn = await startStandIn({ answer: guess });
  const asked = request(standIn, "missing", {
    data: join(world, "clips"),
    annotations: world,
    interventions: ["blind"],
  });
  const warned: string[] = [];
  const result = await evaluateSubject(
    { ...asked, data: join(folder, "nowhere") },
    { ...quietContext(), warn: (line) => warned.push(line) },
  );
  const [complete, blind] = result.views;
  expect(complete!.outcomes.failed).toBe(complete!.scored);
  expect(blind!.outcomes.failed).toBe(0);
  expect(warned[0]).toContain("14 of 14 clips cannot be shown");
});
