import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openTrainingRun } from "../../../src/jobs/train/run-config.ts";

const configOf = (url: string, lambda: number, provider = "vllm") => ({
  recipe: "videoperceiver-grpo",
  settings: { lambda, rollouts: { name: provider, params: { url, patienceSeconds: 300 }, cap: 2 } },
});

test("a run goes on with a roll-out server at another address, and with nothing else that is another", () => {
  const work = mkdtempSync(join(tmpdir(), "run-config-"));
  const open = (config: ReturnType<typeof configOf>, resume = true): void =>
    openTrainingRun(join(work, "run"), config, resume).close();
  open(configOf("http://127.0.0.1:8000", 0.5), false);
  open(configOf("http://10.0.0.7:9000", 0.5));
  expect(() => open(configOf("http://10.0.0.7:9000", 0.25))).toThrow(
    /settings\.lambda: 0\.5 before, 0\.25 now/,
  );
  expect(() => open(configOf("http://10.0.0.7:9000", 0.5, "own"))).toThrow(
    /settings\.rollouts\.name: "vllm" before, "own" now/,
  );
  rmSync(work, { recursive: true });
});
