import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { resumeRun } from "../../src/runs/run.ts";

const program = fileURLToPath(new URL("./killed-child.ts", import.meta.url));

/** Runs the program; kills it `delay` milliseconds after it said that it runs, unless `delay` is undefined. */
const runOnce = (dir: string, last: number, delay?: number): Promise<"killed" | "done"> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, dir, String(last)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let complaint = "";
    child.stderr.on("data", (piece: Buffer) => {
      complaint += piece.toString();
    });
    child.stdout.once("data", () => {
      if (delay !== undefined) setTimeout(() => child.kill("SIGKILL"), delay);
    });
    child.on("error", fail);
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") done("killed");
      else if (code === 0) done("done");
      else fail(new Error(complaint));
    });
  });

test("a run killed at random moments is always readable, and ends as if it had never been", async () => {
  const folder = mkdtempSync(join(tmpdir(), "killed-"));
  const dir = join(folder, "run");
  const random = seededRandom("kill");
  const last = 400;
  try {
    let kills = 0;
    for (let round = 0; round < 12; round++) {
      if ((await runOnce(dir, last, random.integer(30))) === "killed") kills++;
      if (!existsSync(join(dir, "config.json"))) continue;
      const { metrics, checkpoints } = readRun(dir);
      expect(metrics.map(({ step }) => step)).toEqual(metrics.map((_, at) => at + 1));
      expect(checkpoints.damaged).toEqual([]);
      const newest = checkpoints.complete.at(-1);
      if (newest !== undefined) expect(metrics.length).toBeGreaterThanOrEqual(newest.step);
      readRollouts(dir);
    }
    expect(kills).toBeGreaterThan(3);
    expect(await runOnce(dir, last)).toBe("done");
    const { metrics } = readRun(dir);
    expect(metrics.map(({ step, sum }) => [step, sum])).toEqual(
      Array.from({ length: last }, (_, at) => [at + 1, ((at + 1) * (at + 2)) / 2]),
    );
    expect(readRollouts(dir).map(({ step }) => step)).toEqual(metrics.map(({ step }) => step));
    using run = resumeRun(dir);
    expect(run.resumedFrom?.step).toBe(last);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
