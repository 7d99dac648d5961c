import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import type { NamedTensor } from "../../src/weights/write-safetensors.ts";
import { pluginFile, runCommand } from "./run-command.ts";
import { writeNoiseClip, writeSmallCheckpoint } from "./small-checkpoint.ts";

let folder: string;
let clip: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "family-"));
  clip = join(folder, "clip.mp4");
  await writeNoiseClip(clip);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A checkpoint of Qwen2-VL, and the same model as the added family stores it. */
const twoCheckpoints = (): { readonly base: string; readonly offset: string } => {
  const offset = join(folder, "offset");
  const { folder: base, config, store, tokenizerFrom } = writeSmallCheckpoint(join(folder, "base"));
  const moved = [...store.tensors()].map(
    ({ name, shape, data }): NamedTensor => ({
      name,
      shape,
      data: name.endsWith("layernorm.weight") ? data.map((value) => value - 1) : data,
    }),
  );
  saveCheckpoint(offset, config, moved, { dtype: "float32", tokenizerFrom });
  const json = JSON.parse(readFileSync(join(base, "config.json"), "utf8")) as object;
  writeFileSync(join(offset, "config.json"), JSON.stringify({ ...json, model_type: "offset_vl" }));
  return { base, offset };
};

interface Told {
  readonly answer: string;
  readonly kind: string;
}
const ask = (model: string, ...args: readonly string[]): Told => {
  const ended = runCommand("ask", clip, "what happens ?", "--model", model, "--json", ...args);
  if (ended.status !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout) as Told;
};

test("a model family is one folder outside the package: opened, sampled, whole, layer-wise and elsewhere", () => {
  const { base, offset } = twoCheckpoints();
  const plugin = ["--plugin", pluginFile("offset_vl")];
  expect(runCommand("ask", clip, "what happens ?", "--model", offset).stderr).toMatch(
    /^a checkpoint of another family: .*expected model_type .*"qwen2_vl".*got "offset_vl"/,
  );
  const rules = ["--max-new-tokens", "8"];
  const wanted = ask(base, ...rules);
  expect(wanted.answer).not.toBe("");
  const ways = [
    ["--execution", "whole"],
    ["--execution", "layerwise"],
    ["--engine", "loopback"],
  ];
  for (const way of ways) {
    const told = ask(offset, ...plugin, ...rules, ...way);
    expect(told.kind).toBe("Offset-VL");
    expect(told.answer).toBe(wanted.answer);
  }
  // Read as the family that it is not, the same numbers say something else.
  const json = JSON.parse(readFileSync(join(offset, "config.json"), "utf8")) as object;
  writeFileSync(join(offset, "config.json"), JSON.stringify({ ...json, model_type: "qwen2_vl" }));
  expect(ask(offset, ...rules).answer).not.toBe(wanted.answer);
});
