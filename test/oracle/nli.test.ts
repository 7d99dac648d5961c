import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { entailmentProviders } from "../../src/grading/entailment-providers.ts";

const python = process.env["VIDEOPERCEIVER_ORACLE_PYTHON"];
if (python === undefined)
  console.log("\nSKIPPED: entailment against transformers: run by npm run test:oracle\n");

const script = fileURLToPath(new URL("./nli_model.py", import.meta.url));
const work = mkdtempSync(join(tmpdir(), "nli-oracle-"));
afterAll(() => rmSync(work, { recursive: true }));
const run = (task: string, input = ""): string =>
  execFileSync(python!, ["-P", script, task, join(work, "model")], {
    input,
    encoding: "utf8",
    env: { ...process.env, HF_HUB_OFFLINE: "1" },
  });

const pairs = [
  ["the red disc hops once", "the disc hops"],
  ["the disc hops", "the red disc hops once"],
  ["nothing happens", "a green ring flashes twice"],
  ["", "a ring"],
  ["words that no vocabulary holds: 7 %", "ring"],
];
/** More tokens than the model reads. */
const long = "the red disc hops once and ".repeat(12);

describe.skipIf(python === undefined)("nli", () => {
  beforeAll(() => {
    run("make");
  }, 120_000);

  test("gives the probabilities of transformers, and the reverse direction another one", async () => {
    const { value } = await entailmentProviders.choose(`nli:${join(work, "model")}`);
    const expected = JSON.parse(run("score", JSON.stringify(pairs))) as number[];
    // Both float32, operations in another order.
    for (const [i, [premise, hypothesis]] of pairs.entries())
      expect(await value.entails(premise!, hypothesis!)).toBeCloseTo(expected[i]!, 4);
    expect(Math.abs(expected[0]! - expected[1]!)).toBeGreaterThan(1e-3);
  }, 120_000);

  test("of a long pair the longer side loses its end, never the other side", async () => {
    const { value } = await entailmentProviders.choose(`nli:${join(work, "model")}`);
    const hypothesis = "a green ring flashes twice";
    const got = await value.entails(long, hypothesis);
    const words = long.trim().split(" ");
    const cut = words.map((_, count) => [words.slice(0, count + 1).join(" "), hypothesis]);
    const short = JSON.parse(run("score", JSON.stringify(cut))) as number[];
    expect(short.some((chance) => Math.abs(chance - got) < 5e-5)).toBe(true);
    expect(Math.abs((await value.entails(long, "the disc hops")) - got)).toBeGreaterThan(1e-4);
  }, 120_000);

  test("a classifier of something else is refused with its labels", async () => {
    const file = join(work, "model", "config.json");
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll("ENTAILMENT", "GOOD").replaceAll("NEUTRAL", "FAIR"));
    const { value } = await entailmentProviders.choose(`nli:${join(work, "model")}`);
    await expect(value.entails("a", "b")).rejects.toThrow(
      /not a model of natural language inference.*label "entailment".*CONTRADICTION, FAIR, GOOD/,
    );
    writeFileSync(file, text);
  });
});
