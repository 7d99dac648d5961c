import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { segmentsBatch } from "../../src/batch/segments-batch.ts";
import { EngineLostError } from "../../src/core/errors.ts";
import type { Completion, Engine } from "../../src/engine/contract.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { verifyFixture } from "../../src/engine/verify.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { engineConformance } from "../contract/engine-conformance.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import { askToken, tinyConfig, tinyStore, tinyTokens, toyClips } from "../unit/training/tiny.ts";
import { oracleMissing, oraclePython } from "./python.ts";

const isMissing = oracleMissing("the engine torch against the contract and transformers' fixtures");
const chosen = `torch:python=${oraclePython}`;

if (!isMissing)
  // Sums are in another order: float32 rounding, which 20 updates carry on.
  engineConformance(
    "torch",
    async (model) => (await openEngine({ engine: chosen, threads: 1 }, model)).engine,
    {
      numbers: 1e-5,
      losses: 1e-4,
    },
  );

const noFixtures = isMissing || sharedMissing("the engine torch against parity fixtures");
const fixtures = noFixtures
  ? []
  : readdirSync(sharedFile("data/fixtures")).filter((name) => name !== "processor");

describe.skipIf(noFixtures)("verify by the engine torch", () => {
  // The case "text" scores a row that sees nothing: fused attention has another gradient there.
  test.each(fixtures.flatMap((name) => ["sdpa", "eager"].map((attention) => [name, attention] as const)))(
    "%s, %s: every item agrees",
    async (name, attention) => {
      const options = { engine: `${chosen},attention=${attention}`, threads: 2 };
      const { cases } = await verifyFixture(sharedFile(`data/fixtures/${name}`), options);
      const items = cases.flatMap((one) => one.items.map((item) => ({ case: one.name, ...item })));
      expect(items.filter(({ pass }) => !pass)).toEqual([]);
      expect(items.length).toBeGreaterThan(100);
    },
  );
});

describe.skipIf(isMissing)("the worker of the engine torch", () => {
  const config = tinyConfig();
  const rules = batchRules(config);
  let work: string;
  let folder: string;
  beforeAll(() => {
    work = mkdtempSync(join(tmpdir(), "torch-worker-"));
    folder = join(work, "checkpoint");
    saveCheckpoint(folder, config, tinyStore(config).tensors(), { dtype: "float32" });
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  const open = async (engine: string): Promise<Engine> =>
    (await openEngine({ engine, threads: 1 }, { folder, trained: "none" })).engine;

  test("draws the other engine's tokens under every rule, with their log-probabilities", async () => {
    await using torch = await open(chosen);
    await using onnx = await open("onnx");
    const text = { tokens: [askToken], scoredFrom: 1, next: true };
    const rows = toyClips(4).map((clip) => ({ clip: clip.patches, texts: [text] }));
    const { batch, ends } = segmentsBatch(rows, rules, { tokens: tinyTokens, prefill: true });
    const nextPositions = ends.map(({ nextPosition }) => nextPosition);
    const shared = { batch, nextPositions, completions: 3, maxNewTokens: 5, stopTokens: [17], seed: "rules" };
    const draws: Completion[] = [];
    for (const more of [
      { temperature: 1.5 },
      { temperature: 1, topK: 5 },
      { temperature: 0.7, topP: 0.6 },
      { temperature: 1.2, topK: 20, topP: 0.9, repetitionPenalty: 1.3, bannedTokens: [0, 3] },
    ]) {
      const [got, expected] = [
        (await torch.sample({ ...shared, ...more })).flat(),
        (await onnx.sample({ ...shared, ...more })).flat(),
      ];
      draws.push(...got);
      const shown = ({ tokens, finish }: Completion): unknown => ({ tokens, finish });
      expect(got.map(shown)).toEqual(expected.map(shown));
      got.forEach(({ logprobs }, i) => {
        logprobs.forEach((logprob, at) => {
          expect(logprob).toBeCloseTo(expected[i]!.logprobs[at]!, 4);
        });
      });
    }
    expect(new Set(draws.flatMap(({ tokens }) => tokens)).size).toBeGreaterThan(5);
    expect(new Set(draws.map(({ finish }) => finish))).toEqual(new Set(["stop", "length"]));
    await expect(torch.sample({ ...shared, temperature: -1 })).rejects.toThrow(/temperature/);
    await expect(torch.read("no.such", "value")).rejects.toThrow(/no such tensor.*no\.such/);
  });

  /** Processes whose command line names our worker and which are children of this one. */
  const workers = (): string[] =>
    execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(process.pid)], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes("videoperceiver_torch.worker"))
      .map((line) => line.trim().split(/\s+/)[0]!);

  test("a killed worker is one line, and no process is left", async () => {
    const before = workers();
    const engine = await open(chosen);
    const [own] = workers().filter((id) => !before.includes(id));
    process.kill(Number(own), "SIGKILL");
    const failed = await engine.clearGradient().catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(EngineLostError);
    expect((failed as Error).message).toMatch(
      /^the engine was lost: rank 0 on \S+, clearGradient; got its process was ended by SIGKILL; resume from the last checkpoint$/,
    );
    await engine[Symbol.asyncDispose]();
    const other = await open(chosen);
    await other[Symbol.asyncDispose]();
    expect(workers()).toEqual(before);
  });

  test("what is not there is said in one line", async () => {
    await expect(open("torch:python=/no/such/python")).rejects.toThrow(
      /no such Python: \/no\/such\/python; videoperceiver engine install torch/,
    );
    // An interpreter without the packages: the last line of its complaint is told.
    await expect(open("torch:python=python3")).rejects.toThrow(/No module named|cannot be started/);
  });
});
