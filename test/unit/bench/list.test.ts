import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const program = fileURLToPath(new URL("../../../bench/run.ts", import.meta.url));

test("without a name every benchmark is listed", () => {
  const list = JSON.parse(execFileSync(process.execPath, [program, "--json"], { encoding: "utf8" })) as {
    name: string;
    summary: string;
  }[];
  expect(list.map(({ name }) => name)).toContain("train-step-small");
  expect(list.find(({ name }) => name === "build-pairs")!.summary).toContain("204 6 s clips");
  for (const { summary } of list) expect(summary).not.toBe("");
}, 60_000);
