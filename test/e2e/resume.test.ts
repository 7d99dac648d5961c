import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { readRollouts, readRun } from "../../src/runs/read-run.ts";
import { withoutClocks } from "../without-clocks.ts";

const program = fileURLToPath(new URL("./resume-child.ts", import.meta.url));
const steps = 14;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "resume-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Trains in `own`; when step `last` is told, sends the signal. @returns the steps told, and the signal or exit status */
const train = (
  kind: string,
  own: string,
  kill?: { readonly step: number; readonly signal: "SIGKILL" | "SIGINT" },
): Promise<{ told: number[]; end: string | number | null }> =>
  new Promise((done, fail) => {
    const child = spawn(process.execPath, [program, kind, own], { stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let complaint = "";
    const told = (): number[] => [...output.matchAll(/^step (\d+)\n/gm)].map(([, step]) => Number(step));
    child.stderr.on("data", (piece: Buffer) => {
      complaint += piece.toString();
    });
    child.stdout.on("data", (piece: Buffer) => {
      output += piece.toString();
      if (kill !== undefined && (told().at(-1) ?? 0) >= kill.step) child.kill(kill.signal);
    });
    child.on("error", fail);
    child.on("close", (code, signal) => {
      if (code === 0 || code === 130 || signal === "SIGKILL") done({ told: told(), end: signal ?? code });
      else fail(new Error(complaint));
    });
  });

/** Everything that training leaves behind, without clocks. */
const left = (own: string): { files: Buffer[]; metrics: unknown[]; rollouts: unknown; state: unknown } => {
  const { metrics, checkpoints } = readRun(own);
  const last = checkpoints.complete.at(-1)!;
  expect(last.step).toBe(steps);
  return {
    files: ["model.safetensors", "optimizer.safetensors"].map((name) =>
      readFileSync(join(last.folder, name)),
    ),
    metrics: metrics.map(withoutClocks),
    rollouts: readRollouts(own),
    state: last.state,
  };
};

describe.each(["sft", "sft-memory", "grpo"])("%s on one thread", (kind) => {
  let whole: ReturnType<typeof left>;
  test("twice the same seed: the same curve and the same weights, bit for bit", async () => {
    for (const name of ["first", "second"])
      expect(await train(kind, join(folder, `${kind} ${name}`))).toEqual({
        told: Array.from({ length: steps }, (_, i) => i + 1),
        end: 0,
      });
    whole = left(join(folder, `${kind} first`));
    expect(whole.metrics.length).toBe(steps);
    expect(left(join(folder, `${kind} second`))).toEqual(whole);
  });

  test("killed at random steps and resumed, it ends as the uninterrupted run", async () => {
    const own = join(folder, `${kind} killed`);
    const random = seededRandom("kill", kind);
    let kills = 0;
    for (const low of [1, 6]) {
      const { told, end } = await train(kind, own, { step: low + random.integer(5), signal: "SIGKILL" });
      if (end !== "SIGKILL") continue;
      kills++;
      expect(told.at(-1)!).toBeLessThan(steps);
    }
    expect(kills).toBeGreaterThan(0);
    const { told, end } = await train(kind, own);
    expect(end).toBe(0);
    expect(told[0] ?? steps).toBeGreaterThan(1);
    expect(left(own)).toEqual(whole);
  });

  test("Ctrl-C saves the step that it reached; the next call goes on behind it", async () => {
    const own = join(folder, `${kind} stopped`);
    const { told, end } = await train(kind, own, { step: 4, signal: "SIGINT" });
    expect(end).toBe(130);
    const saved = readRun(own).checkpoints.complete.at(-1)!;
    expect(saved.step).toBe(told.at(-1));
    const again = await train(kind, own);
    expect(again.end).toBe(0);
    expect(again.told[0]).toBe(saved.step + 1);
    expect(left(own)).toEqual(whole);
  });
});
