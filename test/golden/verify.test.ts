import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verifyFixture } from "../../src/engine/verify.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

const skipped = sharedMissing("the engine against parity fixtures");
const fixtures = skipped ? [] : readdirSync(sharedFile("data/fixtures"));

describe.skipIf(skipped)("verify", () => {
  test.each(fixtures)("%s: every item agrees with transformers", async (name) => {
    const report = await verifyFixture(sharedFile(`data/fixtures/${name}`), { threads: 2 });
    const failed = report.cases.flatMap(({ name: one, items }) =>
      items.filter(({ pass }) => !pass).map((item) => ({ case: one, ...item })),
    );
    expect(failed).toEqual([]);
    expect(report.pass).toBe(true);
    expect(report.cases.flatMap(({ items }) => items).length).toBeGreaterThan(20);
  });

  const models = fixtures.filter((name) => name !== "processor");
  test.each(models)("%s block by block, frozen matrices in 16 bits: the same items agree", async (name) => {
    const options = { threads: 2, execution: "layerwise", weightStorage: "as-stored" } as const;
    const report = await verifyFixture(sharedFile(`data/fixtures/${name}`), options);
    const items = report.cases.flatMap(({ items }) => items);
    expect(items.filter(({ pass }) => !pass)).toEqual([]);
    expect(items.length).toBeGreaterThan(100);
  });

  test("numbers that differ fail: the same fixture on other weights, exact items stay exact", async () => {
    const folder = mkdtempSync(join(tmpdir(), "verify-"));
    try {
      cpSync(sharedFile("data/fixtures/small-tied"), folder, { recursive: true });
      const file = join(folder, "fixture.json");
      const json = JSON.parse(readFileSync(file, "utf8"));
      json.cases = json.cases.filter((one: { name: string }) => one.name === "greedy");
      writeFileSync(file, JSON.stringify(json));
      const weights = join(folder, "checkpoint/model.safetensors");
      const bytes = readFileSync(weights);
      // The last float of the file: one weight of one parameter.
      bytes.writeFloatLE(7, bytes.length - 4);
      writeFileSync(weights, bytes);
      const report = await verifyFixture(folder, { threads: 2 });
      expect(report.pass).toBe(false);
      const items = new Map(report.cases[0]!.items.map((item) => [item.item, item]));
      expect(items.get("logits")!.pass).toBe(false);
      expect(items.get("logits")!.maxRelative).toBeGreaterThan(1e-4);
      expect(items.get("position_ids")).toMatchObject({ pass: true, maxAbs: 0 });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
