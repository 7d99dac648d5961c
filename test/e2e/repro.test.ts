import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readMeasures } from "../../src/jobs/repro/measures.ts";
import type { ReproResults } from "../../src/jobs/repro/results.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "repro-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
/** Runs a study of a few steps; kills it without warning once standard error matches `killAt`. */
const repro = (out: string, more: readonly string[] = [], killAt?: RegExp): Promise<Ended> =>
  new Promise((done, fail) => {
    const scale = ["--seeds", "1", "--clips", "40", "--steps", "20", "--threads", "1"];
    const args = ["repro", "ablations", ...scale, "--arms", "scripted", "--out", out, ...more];
    const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (piece: Buffer) => {
      stdout += piece.toString();
    });
    child.stderr.on("data", (piece: Buffer) => {
      stderr += piece.toString();
      if (killAt?.test(stderr) === true) child.kill("SIGKILL");
    });
    child.on("error", fail);
    child.on("close", (status) => done({ status, stdout, stderr }));
  });

test("a study that is killed at any moment comes to the numbers of one that never stopped, and says what is missing", async () => {
  const [whole, killed] = [join(folder, "whole"), join(folder, "killed")];
  const first = await repro(whole, ["--json"]);
  expect(first.status, first.stderr).toBe(0);
  const results = JSON.parse(first.stdout) as ReproResults & { readonly ended: string };
  expect(results.ended).toBe("done");
  expect(results.arms.find(({ arm }) => arm === "scripted")!.endpoints["win"]!.clusters).toBeGreaterThan(20);
  expect(results.missing).toContain("1/plain");
  expect(results.missing).not.toContain("1/base");
  const page = readFileSync(join(whole, "report.html"), "utf8");
  expect(page).toContain("Contrast, scripted twins");
  expect(readFileSync(join(whole, "results.md"), "utf8")).toContain("| Contrast, scripted twins |");

  expect((await repro(killed, [], /seed 1: base: \d/)).status).toBeNull();
  expect(existsSync(join(killed, "results.json"))).toBe(false);
  expect((await repro(killed, [], /seed 1: test base/)).status).toBeNull();
  expect((await repro(killed)).status).toBe(0);
  for (const arm of ["base", "scripted"]) {
    const [a, b] = [whole, killed].map((out) => readMeasures(join(out, "seed-1"), arm)!);
    expect({ ...b, seconds: 0 }).toEqual({ ...a, seconds: 0 });
  }

  const other = await repro(killed, ["--steps", "30"]);
  expect(other.status).toBe(2);
  expect(other.stderr).toMatch(/another study is there/);
  const short = await repro(join(folder, "short"), ["--hours", "0.0001"]);
  expect(short.status, short.stderr).toBe(0);
  expect(short.stdout).toContain("the time is up; the same call goes on");
});

test("two processes in one folder take a seed each, and the results hold both", async () => {
  const out = join(folder, "shared");
  const ended = await Promise.all([1, 2].map(() => repro(out, ["--seeds", "2", "--arms", "base", "--json"])));
  for (const { status, stderr } of ended) expect(status, stderr).toBe(0);
  // Neither trained what the other did: every seed appears in one of the two displays only.
  const worked = ended.map(({ stderr }) => [1, 2].filter((seed) => stderr.includes(`seed ${seed}: base`)));
  expect(worked.flat().sort()).toEqual([1, 2]);
  const results = JSON.parse(readFileSync(join(out, "results.json"), "utf8")) as ReproResults;
  expect(results.arms.find(({ arm }) => arm === "base")!.seeds).toEqual([1, 2]);
  const said = ended.map(({ stdout }) => (JSON.parse(stdout) as { ended: string }).ended);
  expect(said).toContain("done");
});
