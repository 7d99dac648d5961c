import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { engineRegistry, openEngine } from "../../src/engine/engines.ts";
import { loadPlugin } from "../../src/jobs/load-plugin.ts";
import { modelFamilies } from "../../src/model/families.ts";
import type { ModelFamily } from "../../src/model/family.ts";
import { engineConformance } from "../contract/engine-conformance.ts";
import { pluginFile, runCommand } from "./run-command.ts";
import { writeNoiseClip, writeSmallCheckpoint } from "./small-checkpoint.ts";

const folder = mkdtempSync(join(tmpdir(), "engine-"));
const operations = (file: string): string[] =>
  readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly operation: string }).operation);
beforeAll(() => loadPlugin(pluginFile("journal")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// The engine behind it is the one in this process; losses are summed outside of its graph, in another order.
engineConformance(
  "an engine from outside",
  async (model) => {
    const choice = { engine: `journal:${join(folder, "suite.jsonl")}`, threads: 1 };
    return (await openEngine(choice, model)).engine;
  },
  { numbers: 0, losses: 2e-3 },
);

test("the suite's loops went through it", () => {
  const done = operations(join(folder, "suite.jsonl"));
  for (const operation of ["forward", "backward", "update", "sample", "save", "load", "holdReference"])
    expect(done).toContain(operation);
});

test("a command uses an engine that is one folder outside the package", async () => {
  const clip = join(folder, "clip.mp4");
  await writeNoiseClip(clip);
  const { folder: model } = writeSmallCheckpoint(join(folder, "model"));
  const file = join(folder, "ask.jsonl");
  const ask = ["ask", clip, "what happens ?", "--model", model, "--max-new-tokens", "6"];
  const wanted = runCommand(...ask);
  expect(wanted.status).toBe(0);
  const asked = runCommand(...ask, "--plugin", pluginFile("journal"), "--engine", `journal:${file}`);
  expect(asked.stderr).toBe(wanted.stderr);
  expect(asked.stdout).toBe(wanted.stdout);
  expect(operations(file)).toEqual(["sample"]);
  const behind = `loopback:engine=journal:${join(folder, "behind.jsonl")}`;
  const far = runCommand(...ask, "--plugin", pluginFile("journal"), "--engine", behind);
  expect([far.status, far.stdout, far.stderr]).toEqual([0, wanted.stdout, wanted.stderr]);
  expect(operations(join(folder, "behind.jsonl"))).toEqual(["sample"]);
  expect(runCommand(...ask, "--engine", "journl:x").stderr).toMatch(
    /^unknown engine "journl"; known: loopback, onnx/,
  );
  const both = runCommand(...ask, "--engine", "loopback", "--execution", "layerwise");
  expect(both.stderr).toMatch(/^parameters of an engine beside --engine; .*loopback:key=value/);
  expect(both.status).toBe(2);
});

test("an engine or a family that came from no file is refused before another process is started for it", async () => {
  engineRegistry.add("by-hand", await engineRegistry.load("journal"));
  const family = await modelFamilies.load("qwen2_vl");
  const create = (): ModelFamily => {
    const like = family.create({});
    return { ...like, readConfig: (fields) => ({ ...like.readConfig(fields), family: "hand_vl" }) };
  };
  modelFamilies.add("hand_vl", { ...family, create });
  const { folder: model } = writeSmallCheckpoint(join(folder, "by-hand"));
  const open = (engine: string): Promise<unknown> =>
    openEngine({ engine, threads: 1 }, { folder: model, trained: "none" });
  await expect(open("loopback:engine=onx")).rejects.toThrow(/^unknown engine "onx"; did you mean "onnx"/);
  await expect(open("loopback:engine=by-hand:x")).rejects.toThrow(
    'the engine "by-hand" is known to this process only, and another has to load it; expected a plug-in of a file',
  );
  const file = join(model, "config.json");
  const json = JSON.parse(readFileSync(file, "utf8")) as object;
  writeFileSync(file, JSON.stringify({ ...json, model_type: "hand_vl" }));
  await expect(open("loopback")).rejects.toThrow('the model family "hand_vl" is known to this process only');
});
