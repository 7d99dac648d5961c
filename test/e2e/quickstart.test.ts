import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { sha256 } from "../../src/core/files.ts";
import type { ScoreResult } from "../../src/jobs/score.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const browserPath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(
  (path) => existsSync(path),
);
if (browserPath === undefined)
  process.stderr.write("SKIPPED: the quickstart's report in a browser (no Chromium under /usr/bin)\n");

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "quickstart-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
/** Runs the command; sends SIGINT once standard error matches `interruptAt`. */
const quickstart = (args: readonly string[], interruptAt?: RegExp): Promise<Ended> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, "quickstart", "--minutes", "0.05", ...args], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [stdout, stderr, interrupted] = ["", "", false];
    child.stdout.on("data", (piece: Buffer) => {
      stdout += piece.toString();
    });
    child.stderr.on("data", (piece: Buffer) => {
      stderr += piece.toString();
      if (interrupted || interruptAt?.test(stderr) !== true) return;
      interrupted = true;
      child.kill("SIGINT");
    });
    child.on("error", fail);
    child.on("close", (status) => done({ status, stdout, stderr }));
  });

const stages = ["sft", "sft-more", "sft-contrast", "comparative-grpo", "grpo-control"];
const steps = (out: string): number[] =>
  stages.map(
    (stage) =>
      readRun(join(out, stage))
        .metrics.map(({ step }) => step)
        .at(-1)!,
  );

test("from nothing to a report that opens in a browser; a second call finds everything done", async () => {
  const out = join(folder, "whole");
  const first = await quickstart(["--out", out]);
  expect(first.status, first.stderr).toBe(0);
  expect(first.stdout).toMatch(/^accuracy in per cent .*clustered by clip$/m);
  expect(first.stdout).toContain(`report: ${join(out, "report.html")}`);
  for (const stage of stages) {
    const { metrics, checkpoints } = readRun(join(out, stage));
    expect(metrics.map(({ step }) => step)).toEqual(metrics.map((_, i) => i + 1));
    expect(checkpoints.damaged).toEqual([]);
    const files = readdirSync(checkpoints.complete.at(-1)!.folder);
    for (const file of ["config.json", "model.safetensors", "tokenizer.json"]) expect(files).toContain(file);
  }
  // How long it takes is said before all else; every line names its part of six and the time left.
  const [announced, ...lines] = first.stderr.trimEnd().split("\n");
  expect(announced).toMatch(/^about \d+ (s|min) on two quiet cores, in six parts: /);
  for (const line of lines) expect(line).toMatch(/^[1-6]\/6 .*\d+\/\d+ .*\d+ (s|min) left$/);
  expect(new Set(lines.map((line) => line[0])).size).toBe(6);
  const configs = stages.map((stage) => JSON.parse(readFileSync(join(out, stage, "config.json"), "utf8")));
  const world = JSON.parse(readFileSync(join(out, "world", "dataset.json"), "utf8"));
  for (const { data, model, threads } of configs) {
    expect(data).toMatchObject({ dataset: "../world", contentHash: world.contentHash, framesPerSecond: 4 });
    expect(data.pairs).toMatchObject({ builder: "span", relevance: { name: "checkpoint" } });
    expect([model.model_type, threads]).toEqual(["qwen2_5_vl", 2]);
  }
  // RL asks about clips that no supervised stage has seen; its control is the same but for what is compared.
  expect(configs.map(({ data }) => data.part)).toEqual([
    "supervised",
    "supervised",
    "supervised",
    "reinforcement",
    "reinforcement",
  ]);
  expect(configs[3].options.control).toBe("none");
  expect(configs[4].options).toEqual({ ...configs[3].options, control: "twin-is-clip" });
  const asked = (name: string): string[] => readRollouts(join(out, name)).map(({ sampleId }) => sampleId);
  expect(asked("comparative-grpo").length).toBeGreaterThan(0);
  expect(asked("grpo-control")).toEqual(asked("comparative-grpo"));
  expect(configs[0].from).toEqual({ kind: "new weights", seed: 1 });
  for (const [stage, before] of [
    [1, "sft"],
    [2, "sft"],
    [3, "sft-contrast"],
    [4, "sft-contrast"],
  ] as const) {
    const { from } = configs[stage];
    const newest = readRun(join(out, before)).checkpoints.complete.at(-1)!;
    expect(from).toEqual({
      kind: "checkpoint",
      run: `../${before}`,
      step: newest.step,
      weightsSha256: sha256(readFileSync(join(newest.folder, "model.safetensors"))),
    });
  }
  const report = readFileSync(join(out, "report.html"), "utf8");
  const told = steps(out);

  const second = await quickstart(["--out", out, "--json"]);
  expect(second.status, second.stderr).toBe(0);
  const document = JSON.parse(second.stdout) as {
    report: string;
    rows: { name: string; complete: { overall: { value: number } } }[];
    seconds: { name: string; value: number }[];
  };
  expect(second.stdout.trim().split("\n").length).toBe(1);
  expect(document.report).toBe(join(out, "report.html"));
  // Blind, four stages, the control.
  expect(document.rows.length).toBe(6);
  for (const { complete } of document.rows) expect(complete.overall.value).toBeGreaterThanOrEqual(0);
  expect(steps(out)).toEqual(told);
  const rows = (html: string): string[] => [...html.matchAll(/<tr[^>]*>.*?<\/tr>/gs)].map(([row]) => row);
  expect(rows(report).length).toBeGreaterThan(5);

  // The page is made of the folder alone, and scoring the product's own answers gives the product's own numbers.
  const command = (...args: readonly string[]): Ended =>
    spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  const page = readFileSync(document.report, "utf8");
  const again = command("report", out, "--json");
  expect(again.status, again.stderr).toBe(0);
  expect(readFileSync(document.report, "utf8")).toBe(page);
  const records = join(out, "evaluation", "comparative-grpo.jsonl");
  const scored = command(
    "score",
    "world",
    "--annotations",
    join(out, "world"),
    "--predictions",
    records,
    "--json",
  );
  expect(scored.status, scored.stderr).toBe(0);
  const { accuracy, missing, unknown, split } = JSON.parse(scored.stdout) as ScoreResult;
  // The row of these answers, not that of the control, which only often has the same accuracy.
  const main = document.rows.find(({ name }) => name === "+ Comparative GRPO")!;
  expect(accuracy.value).toBeCloseTo(main.complete.overall.value, 12);
  expect([missing, unknown, split]).toEqual([0, 0, "test"]);

  if (browserPath === undefined) return;
  const browser = await chromium.launch({ executablePath: browserPath, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage();
    const faults: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(`file://${document.report}`);
    expect(await page.title()).toContain("VideoPerceiver quickstart");
    for (const { name } of document.rows)
      expect(await page.getByText(name, { exact: true }).count(), name).toBeGreaterThan(0);
    const broken =
      "[...document.images].filter((picture) => picture.complete && picture.naturalWidth === 0).length";
    expect(await page.evaluate(broken)).toBe(0);
    expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([`file://${document.report}`]);
    expect(faults).toEqual([]);
  } finally {
    await browser.close();
  }
});

test("a checkpoint of it answers about a clip of its world and about the absent twin", () => {
  const out = join(folder, "whole");
  const checkpoint = readRun(join(out, "comparative-grpo")).checkpoints.complete.at(-1)!.folder;
  const clips = join(out, "world", "clips");
  const clip = join(clips, readdirSync(clips)[0]!);
  const ask = (...args: string[]): Ended =>
    spawnSync(process.execPath, [program, "ask", clip, ...args, "--model", checkpoint], { encoding: "utf8" });
  const plain = ask("what happens ?", "--max-new-tokens", "3");
  expect(plain.status, plain.stderr).toBe(0);
  const compared = ask("What happens?", "--compare-absent", "--json", "--max-new-tokens", "3");
  expect(compared.status, compared.stderr).toBe(0);
  const document = JSON.parse(compared.stdout) as {
    answer: string;
    changes: boolean;
    width: number;
    frames: unknown[];
    absent: { answer: string; pair: { replacements: unknown[] } };
  };
  expect(document.answer).toBe(plain.stdout.trim());
  expect(document.changes).toBe(document.answer !== document.absent.answer);
  expect(document.absent.pair.replacements.length).toBeGreaterThan(0);
  expect([document.width, document.frames.length]).toEqual([56, 16]);
  const strange = ask("where is the zebra ?");
  expect(strange.status).toBe(2);
  expect(strange.stderr).toMatch(/^words that this model has never seen; got .*zebra; [^\n]*\n$/);
});

test("Ctrl-C in the middle of training saves, says how to go on, and the next call ends the work", async () => {
  const out = join(folder, "stopped");
  const stopped = await quickstart(["--out", out], /3\/6 SFT/);
  expect(stopped.status, stopped.stderr).toBe(130);
  expect(stopped.stderr).toContain(
    `go on with: videoperceiver quickstart --minutes 0.05 --out ${out} --resume`,
  );
  expect(existsSync(join(out, "report.html"))).toBe(false);
  const saved = readRun(join(out, "sft"));
  expect(saved.metrics.length).toBe(saved.checkpoints.complete.at(-1)?.step ?? 0);
  const ended = await quickstart(["--out", out, "--resume"]);
  expect(ended.status, ended.stderr).toBe(0);
  expect(existsSync(join(out, "report.html"))).toBe(true);
});

test("another configuration in the same folder, and numbers that are none, are told in one line", async () => {
  const out = join(folder, "whole");
  const other = await quickstart(["--out", out, "--seed", "2"]);
  expect(other.status, other.stderr).toBe(2);
  expect(other.stderr.trim().split("\n").at(-1)).toMatch(/choose another|another --out|seed/);
  const bad = await quickstart(["--out", out, "--seed", "1.5"]);
  expect(bad.status).toBe(2);
  expect(bad.stderr).toMatch(/^bad --seed; expected an integer; got 1\.5\n$/);
});
