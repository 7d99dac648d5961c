import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { installedWordNet } from "../../src/absent/language/wordnet.ts";
import { metricRegistry } from "../../src/evaluation/metrics.ts";
import { addMeteorCounts, meteorCounts, meteorJava } from "../../src/evaluation/overlap/meteor-java.ts";
import { meteorJavaTokens } from "../../src/evaluation/overlap/meteor-words.ts";
import { ParaphraseTable } from "../../src/evaluation/overlap/paraphrases.ts";
import { recordOf } from "../contract/record-fixture.ts";

interface Scores {
  readonly scores: readonly number[];
  readonly corpus: number;
}
/** Made by scripts/make-golden/meteor.ts. */
const expected = JSON.parse(readFileSync(new URL("expected/meteor-1.5.json", import.meta.url), "utf8")) as {
  readonly pairs: readonly (readonly [reference: string, hypothesis: string])[];
  readonly table: readonly (readonly [string, string])[];
  readonly bare: Scores;
  readonly withTable: Scores;
};
const folder = mkdtempSync(join(tmpdir(), "meteor-"));
afterAll(() => rmSync(folder, { recursive: true }));
const tableFile = join(folder, "paraphrases.gz");
writeFileSync(tableFile, gzipSync(expected.table.map(([a, b]) => `0.5\n${a}\n${b}\n`).join("")));

describe("METEOR 1.5 equals the Java program", () => {
  const tokens = expected.pairs.map((pair) => pair.map(meteorJavaTokens) as [string[], string[]]);
  test.each(["bare", "withTable"] as const)("every pair of texts and all together, %s", (which) => {
    const paraphrases = which === "bare" ? undefined : new ParaphraseTable(tableFile);
    paraphrases?.cover(tokens.flat(2));
    const language = { wordNet: installedWordNet(), ...(paraphrases && { paraphrases }) };
    const counts = tokens.map(([reference, hypothesis]) => meteorCounts(reference, hypothesis, language));
    // Sums are made in another order: the last digit may differ.
    counts.forEach((count, at) => {
      expect(meteorJava(count), expected.pairs[at]!.join(" | ")).toBeCloseTo(expected[which].scores[at]!, 13);
    });
    expect(meteorJava(addMeteorCounts(counts))).toBeCloseTo(expected[which].corpus, 13);
  });
  test("the table changes scores, and so do its stages: the golden numbers can tell", () => {
    const changed = expected.bare.scores.filter((score, at) => score !== expected.withTable.scores[at]);
    expect(changed.length).toBeGreaterThan(10);
  });
  test.each(["bare", "withTable"] as const)("the metric over records, %s", async (which) => {
    const argument = which === "bare" ? "" : `:${tableFile}`;
    const { value: metric } = await metricRegistry.choose(`meteor-1.5${argument}`);
    const records = expected.pairs.map(([gold, rawOutput], at) =>
      recordOf({ questionId: String(at), answerKind: "open", gold, rawOutput, parsedAnswer: null }),
    );
    // Texts that come later bring words that the table was not read for.
    expect(metric(records.slice(0, 30))).not.toBeNull();
    expect(metric(records)).toBeCloseTo(expected[which].corpus, 13);
    const { value: mean } = await metricRegistry.choose(
      which === "bare" ? "meteor-1.5:of=texts" : `meteor-1.5:paraphrases=${tableFile},of=texts`,
    );
    const { scores } = expected[which];
    expect(mean(records)).toBeCloseTo(scores.reduce((sum, score) => sum + score, 0) / scores.length, 13);
  });
  test("a missing or damaged table is named", async () => {
    const { value: without } = await metricRegistry.choose(`meteor-1.5:${join(folder, "none.gz")}`);
    const record = recordOf({ answerKind: "open", gold: "a cat", rawOutput: "a dog" });
    expect(() => without([record])).toThrow(/no table of paraphrases: .*none\.gz/);
    const damaged = join(folder, "damaged.gz");
    writeFileSync(damaged, gzipSync("0.5\na man\n\n"));
    const { value: broken } = await metricRegistry.choose(`meteor-1.5:${damaged}`);
    expect(() => broken([record])).toThrow(/no entry of a table of paraphrases: .*damaged\.gz/);
    writeFileSync(damaged, "no gzip");
    const { value: unpacked } = await metricRegistry.choose(`meteor-1.5:${damaged}`);
    expect(() => unpacked([record])).toThrow(/cannot unpack the table/);
  });
});
