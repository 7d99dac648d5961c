/** Preference optimisation: what goes together with its loss, and what a clip costs that could not be read at first. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { ConversationTokens } from "../../../src/batch/conversations.ts";
import { createRun } from "../../../src/runs/run.ts";
import { type PreferenceSource, trainDpo } from "../../../src/training/dpo.ts";
import { dpoParams } from "../../../src/training/dpo-options.ts";
import type { PreferenceClip } from "../../../src/training/preference-batches.ts";
import { tinyTrainee } from "./tiny.ts";

const folder = mkdtempSync(join(tmpdir(), "dpo-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Two words, and one that is spoken. */
const said = (answer: number): ConversationTokens => ({
  ids: Int32Array.from([16, 17, answer]),
  positions: Int32Array.from([0, 1, 2, 0, 1, 2, 0, 1, 2]),
  spoken: Uint8Array.from([0, 0, 1]),
  places: new Int32Array(3).fill(-1),
});
const clipOf = (id: string): PreferenceClip => ({
  id,
  media: [],
  absentSteps: new Map(),
  frozenSteps: new Map(),
  films: [],
  texts: [18, 19].map((answer) => ({ sampleId: `${id} ${answer}`, skill: "toy", tokens: said(answer) })),
  pairs: [{ id: `${id} pair`, kind: "answer", chosen: 0, rejected: { shown: "clip", text: 1 } }],
});
const clips = ["first", "second"].map(clipOf);

const train = async (
  name: string,
  given: object,
  source: Partial<PreferenceSource> = {},
): Promise<{ metrics: Record<string, number>[]; lines: string[] }> => {
  const options = dpoParams.parse({
    steps: 2,
    clipsPerStep: 2,
    pairsPerClip: 1,
    checkpointEvery: 2,
    schedule: { learningRate: 1e-2, warmupSteps: 0 },
    ...given,
  });
  const trainee = tinyTrainee(folder);
  await using _engine = trainee.engine;
  const lines: string[] = [];
  const all: PreferenceSource = {
    count: clips.length,
    take: async () => clips,
    clip: async (at) => clips[at],
    heldOut: async () => [],
    ...source,
  };
  using run = createRun(join(folder, name), { options });
  const progress = { update: () => {}, log: (line: string) => void lines.push(line), stop: () => {} };
  const context = { run, progress, signal: new AbortController().signal };
  await trainDpo(trainee, all, { ...options, positionsPerBatch: 64 }, context);
  const rows = readFileSync(join(folder, name, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n");
  return { metrics: rows.map((row) => JSON.parse(row) as Record<string, number>), lines };
};

test("cross-entropy goes beside the preference; a loss that cannot be fed is named with what it asks for", async () => {
  const { metrics } = await train("both", { losses: { preference: { beta: 0.1 }, "cross-entropy": {} } });
  expect(metrics[0]!["loss.cross-entropy"]).toBeGreaterThan(1);
  expect(metrics[1]!["loss.cross-entropy"]).toBeLessThan(metrics[0]!["loss.cross-entropy"]!);
  await expect(train("rl", { losses: { preference: {}, "policy-gradient": {} } })).rejects.toThrow(
    /a loss asks for what preference optimisation does not have: losses\.policy-gradient; .*got advantages/,
  );
});

test("a clip that cannot be read at first and can later is left out and named once; the run goes on", async () => {
  const { metrics, lines } = await train(
    "late",
    {},
    { clip: async (at) => (at === 0 ? clips[0] : undefined) },
  );
  expect(metrics.map(({ pairs }) => pairs)).toEqual([1, 1]);
  expect(lines.filter((line) => line.startsWith("second: left out; it could not be read"))).toHaveLength(1);
  await expect(train("none", {}, { clip: async () => undefined })).rejects.toThrow(
    /no pair of a step has a reference: step 1; .*begin the run anew/,
  );
});
