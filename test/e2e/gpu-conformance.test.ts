/** The script for a GPU, on the CPU with a tiny shape: every part gives numbers, and a part left out is no success. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const script = new URL("../../scripts/gpu-conformance.ts", import.meta.url).pathname;

const run = (...more: string[]): { status: number | null; lines: string[]; stderr: string } => {
  const args = [script, "--shape", "tiny", "--engine", "onnx", "--steps", "1", "--gpu", "h200", ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, lines: stdout.trim().split("\n"), stderr };
};

test("every part has its numbers", () => {
  const { status, lines, stderr } = run();
  expect(status, stderr).toBe(0);
  expect(lines.at(-1)).toMatch(/^fine, after/);
  const parts = lines.slice(1, -1).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(parts.map(({ part }) => part)).toEqual([
    "conformance",
    "sft, adapter",
    "grpo, adapter",
    "sft, all",
    "grpo, all",
  ]);
  for (const part of parts.filter(({ part }) => String(part).startsWith("sft"))) {
    expect(Number(part["tokensPerSecond"])).toBeGreaterThan(0);
    expect(Number(part["utilisation"])).toBeGreaterThan(0);
    expect(Number(part["loss"])).toBeGreaterThan(0);
  }
  for (const part of parts.filter(({ part }) => String(part).startsWith("grpo"))) {
    expect(Math.abs(Number(part["policy"]))).toBeGreaterThan(1e-3);
    expect(Number(part["negativeShare"])).toBeGreaterThan(0);
    expect(Number(part["norm"])).toBeGreaterThan(1e-3);
  }
});

test("parts for which there was no time are named, and the status says so", () => {
  const { status, lines } = run("--minutes", "0");
  expect(status).toBe(3);
  expect(lines.at(-1)).toMatch(/^INCOMPLETE; left out: conformance; sft, adapter; .*grpo, all, after/);
});
