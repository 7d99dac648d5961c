import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, WeightsError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { adaptedModel } from "../../../src/model/adapted-model.ts";
import { type Adapter, readAdapter } from "../../../src/weights/adapter.ts";
import { mergeAdapter, unmergeAdapter } from "../../../src/weights/merge-adapter.ts";
import { newAdapter } from "../../../src/weights/new-adapter.ts";
import { writeAdapter } from "../../../src/weights/write-adapter.ts";
import { smallConfig } from "../engine/small-model.ts";

const adapterOf = (seed: number, rank: number, alpha: number, rsLora: boolean): Adapter => {
  const random = seededRandom(`merge ${seed}`);
  const options = { targets: ["q_proj", "down_proj"], rank, alpha, rsLora };
  const made = newAdapter(adaptedModel(smallConfig), options, random);
  for (const { b_OR } of made.modules) for (let i = 0; i < b_OR.length; i++) b_OR[i] = random.normal();
  return made;
};
const weightsOf = (adapter: Adapter): Map<string, Float32Array> => {
  const random = seededRandom("weights");
  return new Map(
    adapter.modules.map(({ name, inputs, outputs }) => [
      `${name}.weight`,
      Float32Array.from({ length: inputs * outputs }, () => random.normal()),
    ]),
  );
};

describe("merging", () => {
  test("adds scale B A in every place, and taking out gives the weights back up to rounding", () => {
    const cases = fc.record({
      seed: fc.nat(100),
      rank: fc.integer({ min: 1, max: 5 }),
      alpha: fc.double({ min: 0.1, max: 32, noNaN: true }),
      rsLora: fc.boolean(),
    });
    fc.assert(
      fc.property(cases, ({ seed, rank, alpha, rsLora }) => {
        const adapter = adapterOf(seed, rank, alpha, rsLora);
        const [before, weights] = [weightsOf(adapter), weightsOf(adapter)];
        mergeAdapter(adapter, (name) => weights.get(name)!);
        for (const { name, a_RI, b_OR, inputs } of adapter.modules) {
          const [old, merged] = [before.get(`${name}.weight`)!, weights.get(`${name}.weight`)!];
          for (const at of [0, inputs + 1, old.length - 1]) {
            const [o, i] = [Math.floor(at / inputs), at % inputs];
            let product = 0;
            for (let r = 0; r < rank; r++) product += b_OR[o * rank + r]! * a_RI[r * inputs + i]!;
            const expected = old[at]! + (alpha / (rsLora ? Math.sqrt(rank) : rank)) * product;
            expect(Math.abs(merged[at]! - expected)).toBeLessThanOrEqual(
              2 ** -23 * (Math.abs(expected) + 1e-6),
            );
          }
        }
        const merged = new Map([...weights].map(([name, data]) => [name, data.slice()]));
        unmergeAdapter(adapter, (name) => weights.get(name)!);
        for (const [name, data] of weights)
          data.forEach((value, i) => {
            const size = Math.abs(merged.get(name)![i]!) + Math.abs(value);
            expect(Math.abs(value - before.get(name)![i]!)).toBeLessThanOrEqual(2 ** -23 * size + 1e-12);
          });
      }),
      { numRuns: 25 },
    );
  });

  test("a new adapter changes nothing", () => {
    const adapter = newAdapter(
      adaptedModel(smallConfig),
      { targets: ["v_proj"], rank: 2, alpha: 4 },
      seededRandom("new"),
    );
    expect(adapter.modules.map(({ name }) => name)).toEqual([
      "model.layers.0.self_attn.v_proj",
      "model.layers.1.self_attn.v_proj",
    ]);
    const [before, weights] = [weightsOf(adapter), weightsOf(adapter)];
    mergeAdapter(adapter, (name) => weights.get(name)!);
    expect(weights).toEqual(before);
    const bound = 1 / Math.sqrt(32);
    for (const { a_RI } of adapter.modules) {
      expect(Math.max(...a_RI)).toBeLessThanOrEqual(bound);
      expect(Math.min(...a_RI)).toBeLessThan(-bound / 2);
    }
  });

  test("modules of the vision tower only when asked for", () => {
    const names = (vision: boolean): string[] =>
      newAdapter(
        adaptedModel(smallConfig),
        { targets: ["down_proj"], rank: 1, alpha: 1, vision },
        seededRandom("n"),
      ).modules.map(({ name }) => name);
    expect(names(false).every((name) => name.startsWith("model."))).toBe(true);
    expect(names(true).filter((name) => name.startsWith("visual."))).toHaveLength(2);
  });

  test("targets by regular expression and all linear modules; ranks and alphas by pattern, as peft reads them back", async () => {
    const model = adaptedModel(smallConfig);
    const names = (targets: string | readonly string[]): string[] =>
      newAdapter(model, { targets, rank: 1, alpha: 1 }, seededRandom("n")).modules.map(({ name }) => name);
    expect(names(".*layers\\.0\\..*(q|k)_proj")).toEqual([
      "model.layers.0.self_attn.q_proj",
      "model.layers.0.self_attn.k_proj",
    ]);
    expect(names(["layers.0.self_attn.q_proj"])).toEqual(["model.layers.0.self_attn.q_proj"]);
    expect(names("all-linear").some((name) => name.includes("head"))).toBe(false);
    expect(names("all-linear").length % 7).toBe(0);
    expect(() => names(".*layers\\.99.*")).toThrow(/q_proj/);
    const made = newAdapter(
      model,
      {
        targets: ["q_proj", "down_proj"],
        rank: 4,
        alpha: 8,
        rankPattern: { "layers\\.0\\.mlp\\.down_proj": 2 },
        alphaPattern: { q_proj: 16 },
        base: "a/base",
      },
      seededRandom("n"),
    );
    const folder = mkdtempSync(join(tmpdir(), "new-adapter-"));
    writeAdapter(join(folder, "adapter"), made, model);
    const read = await readAdapter(join(folder, "adapter"), model);
    rmSync(folder, { recursive: true });
    const shapes = (of: typeof read) =>
      of.modules.map(({ name, rank, alpha }) => `${name} ${rank} ${alpha}`).sort();
    expect(shapes(read)).toEqual(shapes(made));
    expect(read.base).toBe("a/base");
    expect(shapes(read)).toContain("model.layers.0.mlp.down_proj 2 8");
    expect(shapes(read)).toContain("model.layers.1.mlp.down_proj 4 8");
    expect(shapes(read)).toContain("model.layers.0.self_attn.q_proj 4 16");
  });

  test("errors name what is wrong", () => {
    const random = seededRandom("errors");
    expect(() =>
      newAdapter(adaptedModel(smallConfig), { targets: ["query"], rank: 1, alpha: 1 }, random),
    ).toThrow(ConfigError);
    expect(() =>
      newAdapter(adaptedModel(smallConfig), { targets: ["query"], rank: 1, alpha: 1 }, random),
    ).toThrow(/q_proj/);
    expect(() => newAdapter(adaptedModel(smallConfig), { targets: [], rank: 1, alpha: 1 }, random)).toThrow(
      /none/,
    );
    const adapter = adapterOf(1, 2, 4, false);
    expect(() => mergeAdapter(adapter, () => new Float32Array(3))).toThrow(WeightsError);
    const replaced = [{ name: "model.norm.weight", shape: [32], data: new Float32Array(32).fill(2) }];
    const norm = new Float32Array(32);
    mergeAdapter({ ...adapter, modules: [], replaced }, () => norm);
    expect(norm).toEqual(replaced[0]!.data);
    expect(() => unmergeAdapter({ ...adapter, replaced }, () => norm)).toThrow(/model.norm.weight/);
  });
});
