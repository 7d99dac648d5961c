import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { seededRandom } from "../../src/core/random.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { createRun } from "../../src/runs/run.ts";
import { trainSft } from "../../src/training/sft.ts";
import { sftParams } from "../../src/training/sft-options.ts";
import { newAdapter } from "../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { askToken, tinyConfig, tinyStore, tinyTokens, toyClips } from "../unit/training/tiny.ts";

const program = new URL("../../bin/videoperceiver.mjs", import.meta.url).pathname;
const config = tinyConfig();
let work: string;
let base: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), "debug-batch-"));
  const store = tinyStore(config);
  // Token 17 is "bright": whoever reads it computes nothing any more.
  store.get("model.embed_tokens.weight").value.fill(Number.NaN, 17 * 32, 18 * 32);
  base = join(work, "base");
  saveCheckpoint(base, config, store.tensors(), { dtype: "float32" });
});
afterAll(() => rmSync(work, { recursive: true }));

const debug = (...args: string[]) =>
  spawnSync(process.execPath, [program, "debug-batch", ...args, "--threads", "1"], { encoding: "utf8" });

test.each(["all", "adapter"] as const)(
  "a run that trains %s and meets a broken word stops with one line, and the step can be computed again",
  async (trained) => {
    const adapterFolder = join(work, `new adapter for ${trained}`);
    const model = adaptedModel(config);
    const shape = { targets: ["q_proj"], rank: 2, alpha: 4, base };
    writeAdapter(adapterFolder, newAdapter(model, shape, seededRandom("a")), model);
    const request = { folder: base, trained, ...(trained === "adapter" ? { adapterFolder } : {}) };
    const { engine } = await openEngine({ threads: 1 }, request);
    const trainee = { engine, rules: batchRules(config), tokens: tinyTokens, tokenizerFolder: base };
    const options = sftParams.parse({ steps: 4, clipsPerStep: 4, schedule: { learningRate: 1e-3 } });
    const out = join(work, trained);
    using run = createRun(out, {});
    const signal = new AbortController().signal;
    await expect(
      trainSft(trainee, toyClips(8), options, { run, progress: silentProgress, signal }),
    ).rejects.toThrow(/^training stopped at step 1: loss is NaN/);
    await engine[Symbol.asyncDispose]();
    const [file, weights] = [join(out, "failed-step.batch"), join(out, "failed-step-weights")];
    const { stdout, stderr, status } = debug(file, "--model", weights, "--json");
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const told = JSON.parse(stdout) as {
      reason: string;
      inputs: { loss: unknown; norms: object; firstBadRow: { what: string; token: number } }[];
    };
    expect(told.reason).toBe("loss is NaN");
    expect(told.inputs).toHaveLength(1);
    expect(told.inputs[0]!.firstBadRow).toMatchObject({
      // The head is the word table, so no token behind the first question has a probability any more.
      what: expect.stringMatching(/^log-probability of token 1[67]$/),
      token: askToken,
      batch: 0,
    });
    const { stdout: text } = debug(file, "--model", weights);
    expect(text).toMatch(/^step 1 stopped: loss is NaN\ncross-entropy, 1 batch: loss NaN\n/);
    expect(text).toMatch(
      /first number that is none: log-probability of token 1[67], batch 0, sample 0, position \d+ \(token 20\)/,
    );
  },
);

test("what is no failed step is said in one line", () => {
  expect(debug(join(base, "config.json"), "--model", base)).toMatchObject({ status: 2 });
  expect(debug(join(work, "nothing"), "--model", base).stderr).toMatch(/^no such file/);
});
