import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEngine } from "../../src/engine/engines.ts";
import { loadPlugin } from "../../src/jobs/load-plugin.ts";
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
  expect(runCommand(...ask, "--engine", "journl:x").stderr).toMatch(
    /^unknown engine "journl"; known: loopback, onnx/,
  );
  const both = runCommand(...ask, "--engine", "loopback", "--execution", "layerwise");
  expect(both.stderr).toMatch(/^parameters of an engine beside --engine; .*loopback:key=value/);
  expect(both.status).toBe(2);
});
