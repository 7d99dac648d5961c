import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { WeightStorage } from "../../../src/engine/model-store.ts";
import type { ModelConfig } from "../../../src/model/config.ts";
import { expectedTensors } from "../../../src/model/parameters.ts";
import { saveCheckpoint } from "../../../src/model/save-checkpoint.ts";
import { elementsOf } from "../../../src/weights/write-safetensors.ts";
import { smallConfig } from "./small-model.ts";

const folder = mkdtempSync(join(tmpdir(), "load-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** 38 million parameters. */
const config: ModelConfig = {
  ...smallConfig,
  storage: "bfloat16",
  text: { ...smallConfig.text, vocabSize: 500_000, hiddenSize: 64, heads: 4, intermediateSize: 16_000 },
  vision: { ...smallConfig.vision, outHiddenSize: 64 },
};

describe("memory of loading", () => {
  beforeAll(() => {
    const tensors = expectedTensors(config).map(({ name, shape }) => ({
      name,
      shape,
      data: () => new Float32Array(elementsOf(shape)).fill(0.5),
    }));
    saveCheckpoint(folder, config, tensors, { shardBytes: 2e7 });
  });

  test.each([
    ["float32", 4],
    ["as-stored", 2],
  ] satisfies [WeightStorage, number][])(
    "%s: at most 1.15 times the tensors that are kept",
    (storage, bytes) => {
      expect(readdirSync(folder).filter((name) => name.endsWith(".safetensors")).length).toBeGreaterThan(1);
      const child = fileURLToPath(new URL("load-memory-child.ts", import.meta.url));
      const said = execFileSync(process.execPath, [child, folder, storage], { encoding: "utf8" });
      const { kept, resident, arrayBuffers } = JSON.parse(said);
      const parameters = expectedTensors(config).reduce((sum, { shape }) => sum + elementsOf(shape), 0);
      expect(kept / (bytes * parameters)).toBeCloseTo(1, 2);
      expect(arrayBuffers).toBeGreaterThan(0.99 * kept);
      expect(arrayBuffers).toBeLessThan(1.15 * kept);
      // Compiled code and the like come on top of the tensors.
      expect(resident).toBeLessThan(1.15 * kept + 16e6);
    },
  );
});
