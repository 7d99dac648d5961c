import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import type { Grid } from "../../src/frames/grid.ts";
import { adaptedModel } from "../../src/model/adapted-model.ts";
import { openCheckpoint } from "../../src/model/checkpoint.ts";
import { openFixture } from "../../src/model/fixture.ts";
import { positionsOf } from "../../src/model/positions.ts";
import type { Qwen25VLConfig } from "../../src/model/qwen2_5_vl/config.ts";
import { windowLayout } from "../../src/model/qwen2_5_vl/windows.ts";
import { saveCheckpoint } from "../../src/model/save-checkpoint.ts";
import { chatTemplate, loadChatTemplate } from "../../src/text/chat-template.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import { wordLevelTokenizerJson } from "../../src/text/word-level-tokenizer.ts";
import { readAdapter } from "../../src/weights/adapter.ts";
import { writeAdapter } from "../../src/weights/write-adapter.ts";
import { oracleMissing, runPython, type TransformersVersion } from "./python.ts";

const isMissing = oracleMissing("Qwen2.5-VL against transformers and peft");
const work = mkdtempSync(join(tmpdir(), "qwen-oracle-"));
afterAll(() => rmSync(work, { recursive: true }));

const ask = async <T>(version: TransformersVersion, command: string, job: unknown): Promise<T> =>
  JSON.parse(await runPython(version, "test/oracle/qwen_reference.py", [command], JSON.stringify(job))) as T;
const makeFixture = async (
  version: TransformersVersion,
  name: string,
  args: readonly string[],
): Promise<string> => {
  const folder = join(work, name);
  await runPython(version, "scripts/make-golden/qwen2_5_vl.py", [
    "--out",
    folder,
    "--cases",
    "padded",
    "mixed",
    ...args,
  ]);
  return folder;
};

interface Logits {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly worst: Readonly<Record<string, number>>;
}
/** Float32 noise between two versions on the same weights (measured: below 1e-6). */
const noise = 1e-5;

/** Reads a checkpoint with our code and writes it again. */
const passThrough = async (from: string, to: string, shardBytes: number): Promise<void> => {
  const checkpoint = await openCheckpoint(from);
  const tensors = [];
  for (const name of checkpoint.names()) {
    const shape = checkpoint.shape(name);
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
    await checkpoint.readInto(name, data);
    tensors.push({ name, shape, data });
  }
  saveCheckpoint(to, checkpoint.config, tensors, { shardBytes });
  await checkpoint.close();
};

describe.skipIf(isMissing)("Qwen2.5-VL against the reference", () => {
  const fixtures = new Map<string, string>();
  beforeAll(async () => {
    const odd = [
      "--hidden",
      "96",
      "--heads",
      "3",
      "--kv-heads",
      "1",
      "--window",
      "84",
      "--vision-heads",
      "3",
      "--seed",
      "7",
    ];
    fixtures.set(
      "untied",
      await makeFixture("4.49", "untied", [
        ...odd,
        "--dtype",
        "bfloat16",
        "--layout",
        "nested",
        "--shards",
        "3",
        "--prefix",
        "new",
      ]),
    );
    fixtures.set(
      "tied",
      await makeFixture("5.x", "tied", ["--tied", "--dtype", "float16", "--layout", "both"]),
    );
    const adapter = ["--tied", "--adapter-rank", "3", "--adapter-rslora", "--adapter-targets"];
    fixtures.set(
      "old adapter",
      await makeFixture("5.x", "old", [...adapter, "q_proj,v_proj", "--adapter-naming", "transformers-4.49"]),
    );
    fixtures.set(
      "adapter everywhere",
      await makeFixture("5.x", "all", [...adapter, ".*(qkv|attn\\.proj|down_proj|mlp\\.[02])$"]),
    );
  });

  test.each(["untied", "tied"])(
    "%s: positions of a made fixture are ours; saved again, both versions compute the same",
    async (name) => {
      const folder = fixtures.get(name)!;
      const fixture = await openFixture(folder);
      if (fixture.kind !== "model") throw new Error("not a model fixture");
      const { config, close } = await openCheckpoint(fixture.checkpoint);
      await close();
      for (const one of fixture.cases) {
        const made = positionsOf(await one.inputs(), config);
        expect([...made.positions_3BT]).toEqual([...(await one.value("position_ids")).data]);
      }
      await fixture.close();
      for (const shardBytes of [5e9, 200_000]) {
        const saved = join(work, `${name}-${shardBytes}`);
        await passThrough(fixture.checkpoint, saved, shardBytes);
        for (const version of ["4.49", "5.x"] as const) {
          const report = await ask<Logits>(version, "logits", { checkpoint: saved, fixture: folder });
          expect([report.missing, report.unexpected]).toEqual([[], []]);
          for (const worst of Object.values(report.worst)) expect(worst).toBeLessThan(noise);
        }
      }
    },
  );

  test.each(["old adapter", "adapter everywhere"])(
    "%s: read, written and loaded by peft, the logits stay",
    async (name) => {
      const folder = fixtures.get(name)!;
      const checkpoint = await openCheckpoint(join(folder, "checkpoint"));
      const adapter = await readAdapter(join(folder, "adapter"), adaptedModel(checkpoint.config));
      expect(adapter.naming).toBe(name === "old adapter" ? "transformers-4.49" : "current");
      const saved = join(work, `${name} saved`);
      writeAdapter(saved, adapter, adaptedModel(checkpoint.config));
      const report = await ask<Logits>("5.x", "logits", {
        checkpoint: checkpoint.folder,
        fixture: folder,
        adapter: saved,
      });
      for (const worst of Object.values(report.worst)) expect(worst).toBeLessThan(noise);
      const without = await ask<Logits>("5.x", "logits", { checkpoint: checkpoint.folder, fixture: folder });
      for (const worst of Object.values(without.worst)) expect(worst).toBeGreaterThan(0.01);
      await checkpoint.close();
    },
  );

  test("window order and positions are those of 4.49; the variant is that of 5.x", async () => {
    const { config, close, folder } = await openCheckpoint(join(fixtures.get("untied")!, "checkpoint"));
    await close();
    const flat = join(work, "flat");
    await passThrough(folder, flat, 5e9);
    const random = seededRandom("layout");
    const cases = Array.from({ length: 40 }, () => {
      const grids = Array.from(
        { length: 1 + random.integer(3) },
        (): Grid => [1 + random.integer(9), 2 + 2 * random.integer(7), 2 + 2 * random.integer(7)],
      );
      const { video, visionStart, visionEnd } = config.tokens;
      const ids = grids.flatMap(([t, h, w]) => [
        20,
        visionStart,
        ...Array<number>((t * h * w) / 4).fill(video),
        visionEnd,
        21,
        22,
      ]);
      return { grids, ids, seconds: grids.map(() => Math.fround(2 / (0.5 + 7 * random.next()))) };
    });
    type Row = { positions: number[]; windows: number[]; offsets: number[] };
    const old = await ask<Row[]>("4.49", "layout", { checkpoint: flat, cases });
    const now = await ask<Row[]>("5.x", "layout", { checkpoint: flat, cases });
    for (const [at, { grids, ids, seconds }] of cases.entries()) {
      const layout = windowLayout(grids, (config as Qwen25VLConfig).vision);
      expect([...layout.windowIndex_U]).toEqual(old[at]!.windows);
      expect([...layout.windowOffsets_W1]).toEqual(old[at]!.offsets);
      const input = {
        rows: 1,
        columns: ids.length,
        inputIds_BT: ids,
        videoGrids: grids,
        secondsPerGrid: seconds,
      };
      expect([...positionsOf(input, config).positions_3BT]).toEqual(old[at]!.positions);
      expect([...positionsOf(input, config, "transformers-5.23").positions_3BT]).toEqual(now[at]!.positions);
    }
  });

  test("the word-level tokenizer means the same in transformers, 4.49 and 5.x", async () => {
    const folder = join(work, "words");
    mkdirSync(folder);
    for (const [name, json] of Object.entries(
      wordLevelTokenizerJson(["how", "many", "times", "A.", "B.", "wave?"]),
    ))
      writeFileSync(join(folder, name), JSON.stringify(json));
    const texts = [
      "how many  times",
      "<|im_start|>user\nhow<|im_end|>",
      "never seen wave?",
      "<|complete_end|><|absent_end|> A. B.",
      "a<|video_pad|>b",
    ];
    const messages = [
      {
        role: "user" as const,
        content: [{ type: "video" as const }, { type: "text" as const, text: "how many" }],
      },
    ];
    const tokenizer = loadTokenizer(folder);
    const template = chatTemplate(loadChatTemplate(folder), folder);
    for (const version of ["4.49", "5.x"] as const) {
      const reference = await ask<{ ids: number[][]; texts: string[]; chat: string }>(version, "tokens", {
        folder,
        texts,
        messages,
      });
      expect(texts.map((text) => tokenizer.encodeWithSpecial(text))).toEqual(reference.ids);
      expect(reference.ids.map((ids) => tokenizer.decode(ids))).toEqual(reference.texts);
      expect(template.render(messages, { addGenerationPrompt: true })).toBe(reference.chat);
    }
  });
});
