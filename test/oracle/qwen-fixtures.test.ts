import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { verifyFixture } from "../../src/engine/verify.ts";
import { openCheckpoint } from "../../src/model/checkpoint.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import { oracleMissing, runPython, type TransformersVersion } from "./python.ts";

const isMissing = oracleMissing("fresh parity fixtures of transformers");
const work = mkdtempSync(join(tmpdir(), "qwen-fixtures-"));
afterAll(() => rmSync(work, { recursive: true }));

/** Items that differ, and how many there are. */
const differing = async (folder: string): Promise<{ failed: string[]; items: number }> => {
  const { cases } = await verifyFixture(folder, { threads: 1 });
  const items = cases.flatMap((one) => one.items.map((item) => ({ name: one.name, ...item })));
  const failed = items.filter(({ pass }) => !pass);
  return {
    failed: failed.map(({ name, item, maxRelative }) => `${name} ${item} ${maxRelative}`),
    items: items.length,
  };
};

const plainCases = ["text", "left", "blind row", "right", "images", "few labels", "states", "greedy rows"];
const adapterCases = ["text", "blind row", "cotangents", "greedy"];
const models: [name: string, version: TransformersVersion, options: string][] = [
  [
    "heads of 10 numbers, patches of 8, units of 16",
    "4.49",
    "--hidden 90 --heads 9 --kv-heads 3 --patch 8 --merge 4 --window 112 --seed 4",
  ],
  [
    "three types of numbers, one key head",
    "5.x",
    "--dtype mixed --kv-heads 1 --layout both --store-head --tied",
  ],
  ["saved by 4.49 itself, tied, in shards", "4.49", "--layout own --tied --dtype bfloat16 --shards 2"],
  [
    "saved by 5.x itself, single frames, no full attention",
    "5.x",
    "--layout own --dtype float16 --temporal 1 --full-blocks",
  ],
  [
    "time takes most of a head, 25 positions a second",
    "4.49",
    "--mrope 6 0 2 --tokens-per-second 25 --window 100 --rope-theta 10000",
  ],
  [
    "Qwen2-VL: heads of 12 numbers, MLPs of 3 widths, tied",
    "4.49",
    "--family qwen2_vl --vision-hidden 36 --vision-heads 3 --mlp-ratio 3 --tied --dtype bfloat16",
  ],
  [
    "Qwen2-VL: saved by 4.49 itself, in shards",
    "4.49",
    "--family qwen2_vl --layout own --shards 2 --patch 8 --merge 4 --seed 4",
  ],
  ["Qwen2-VL: saved by 5.x itself, single frames", "5.x", "--family qwen2_vl --layout own --temporal 1"],
  [
    "Qwen2-VL: nested, new names, three types of numbers",
    "5.x",
    "--family qwen2_vl --layout nested --prefix new --dtype mixed --kv-heads 1",
  ],
];
const adapters: [name: string, version: TransformersVersion, options: string][] = [
  [
    "old names, ranks and scales by pattern, 16 bits",
    "4.49",
    '--adapter-rank 4 --adapter-rslora --adapter-rank-pattern {"k_proj":1,"mlp.gate_proj":5} --adapter-alpha-pattern {"q_proj|k_proj":3} --adapter-dtype bfloat16',
  ],
  [
    "every linear module of both towers",
    "5.x",
    "--adapter-rank 2 --adapter-targets all-linear --layout nested --prefix new --tied",
  ],
  [
    "whole modules, one of them also selected",
    "5.x",
    "--adapter-rank 2 --adapter-targets q_proj,down_proj --adapter-saves merger layers.1.mlp.down_proj --seed 4",
  ],
  [
    "two of three layers, and the head",
    "5.x",
    "--adapter-rank 2 --adapter-targets q_proj,lm_head,up_proj --adapter-layers 0 2",
  ],
  ["the head of a model that ties it", "5.x", "--adapter-rank 2 --adapter-targets q_proj,lm_head --tied"],
  [
    "a tied model's head whole",
    "5.x",
    "--adapter-rank 2 --adapter-targets q_proj --adapter-saves lm_head --tied",
  ],
  [
    "a tied model's word table whole",
    "5.x",
    "--adapter-rank 2 --adapter-targets q_proj --adapter-saves embed_tokens --tied",
  ],
  [
    "Qwen2-VL: every linear module of both towers",
    "5.x",
    "--family qwen2_vl --adapter-rank 2 --adapter-targets all-linear --tied",
  ],
  [
    "Qwen2-VL: old names, the tower's MLP and the merger",
    "4.49",
    "--family qwen2_vl --adapter-rank 3 --adapter-targets fc1,fc2,v_proj --adapter-saves merger --seed 5",
  ],
];

const make = async (
  name: string,
  version: TransformersVersion,
  options: string,
  cases: readonly string[],
): Promise<string> => {
  const folder = join(work, name);
  const args = ["--out", folder, "--seed", "3", ...options.split(" "), "--cases", ...cases];
  await runPython(version, "scripts/make-golden/qwen2_5_vl.py", args);
  return folder;
};

interface Logits {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly worst: Readonly<Record<string, number>>;
}

describe.skipIf(isMissing)("fixtures that were made just now", () => {
  test.each(models)("%s (%s)", async (name, version, options) => {
    const folder = await make(name, version, options, plainCases);
    const { failed, items } = await differing(folder);
    expect(failed).toEqual([]);
    expect(items).toBeGreaterThan(100);
    const checkpoint = await openCheckpoint(join(folder, "checkpoint"));
    const tensors = [];
    for (const parameter of checkpoint.names()) {
      const shape = checkpoint.shape(parameter);
      const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
      await checkpoint.readInto(parameter, data);
      tensors.push({ name: parameter, shape, data });
    }
    await checkpoint.close();
    const saved = join(folder, "saved");
    saveCheckpoint(saved, checkpoint.config, tensors, { dtype: "float32", shardBytes: 300_000 });
    const job = JSON.stringify({ checkpoint: saved, fixture: folder });
    for (const reader of ["4.49", "5.x"] as const) {
      const report = JSON.parse(
        await runPython(reader, "test/oracle/qwen_reference.py", ["logits"], job),
      ) as Logits;
      expect([report.missing, report.unexpected]).toEqual([[], []]);
      for (const worst of Object.values(report.worst)) expect(worst).toBeLessThan(1e-5);
    }
  });

  test.each(adapters)("adapter: %s (%s)", async (name, version, options) => {
    const { failed, items } = await differing(await make(name, version, options, adapterCases));
    expect(failed).toEqual([]);
    expect(items).toBeGreaterThan(50);
  });

  test("a side path of a tied head: peft's merge changes the word table too, unless the base is untied first", async () => {
    const options = "--adapter-rank 2 --adapter-targets q_proj,lm_head --tied";
    const folder = await make("tied head, merged", "5.x", options, ["long", "greedy"]);
    const [checkpoint, adapter] = [join(folder, "checkpoint"), join(folder, "adapter")];
    const mergedBy = async (name: string, untie: boolean): Promise<number[]> => {
      const job = { checkpoint, adapter, fixture: folder, merged: join(work, name), untie };
      const report = await runPython("5.x", "test/oracle/qwen_reference.py", ["logits"], JSON.stringify(job));
      return Object.values((JSON.parse(report) as Logits).worst);
    };
    // The fixture holds what peft computes with the adapter, unmerged; so does this program (the test above).
    for (const worst of await mergedBy("merged as tied", false)) expect(worst).toBeGreaterThan(0.01);
    for (const worst of await mergedBy("merged untied", true)) expect(worst).toBeLessThan(1e-5);
    // Without its adapter the fixture takes the merged checkpoint, and its numbers stay.
    const file = join(folder, "fixture.json");
    const { adapter: _, ...whole } = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify(whole));
    for (const [name, fits] of [
      ["merged untied", true],
      ["merged as tied", false],
    ] as const) {
      rmSync(checkpoint, { recursive: true });
      cpSync(join(work, name), checkpoint, { recursive: true });
      const { failed } = await differing(folder);
      const logits = failed.filter((item) => item.includes(" logits"));
      expect(logits.length > 0, `${name}: ${failed.join("; ")}`).toBe(!fits);
    }
  });

  test.skipIf(sharedMissing("fresh processor fixtures")).each([
    ["the folder's own limits", "--seed 11"],
    ["budgets below the processor's minimum", "--seed 12"],
    ["a processor with narrow limits", "--seed 13 --min-pixels 20000 --max-pixels 40000"],
    ["a processor that shrinks", "--seed 14 --max-pixels 9000"],
    ["a processor that enlarges nearly everything", "--seed 304 --min-pixels 250000"],
  ])("the processor on drawn clips and pictures: %s", async (name, options) => {
    const folder = join(work, `processor ${name}`);
    const tokenizer = sharedFile("data/tokenizers/qwen2.5-vl");
    const args = ["--processor", tokenizer, "--out", folder, ...options.split(" ")];
    await runPython("4.49", "scripts/make-golden/qwen_processor.py", args);
    const { failed, items } = await differing(folder);
    expect(failed).toEqual([]);
    expect(items).toBeGreaterThan(30);
  });
});
