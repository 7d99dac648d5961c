import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { lmmsEvalFiles } from "../../../src/evaluation/formats/lmms-eval.ts";
import { vlmEvalKitFiles } from "../../../src/evaluation/formats/vlmevalkit.ts";
import { type ScoreResult, score } from "../../../src/jobs/score.ts";

let folder: string;
let annotations: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "formats-"));
  annotations = join(folder, "order.json");
  const rows = Array.from({ length: 6 }, (_, i) => ({
    video: `v${i >> 1}.mp4`,
    question: `What is "first", number ${i}?\tSay it.`,
    candidates: ["jump, then run", 'a "fall"', "sit"],
    answer: ["jump, then run", 'a "fall"', "sit"][i % 3],
  }));
  writeFileSync(annotations, JSON.stringify(rows));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, text: string): string => {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
};
const scored = (predictions: string): Promise<ScoreResult> =>
  score(
    { benchmark: "mvbench", annotations, predictions, mode: "strict" },
    { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} },
  );
const said = ["A", "B", "A", "(A)", 'B. a "fall"\nbecause it falls', ""];

describe("lmms-eval", () => {
  test("samples are read by their numbers, and what was read is written so that it is read again", async () => {
    const lines = said.map((text, doc_id) =>
      JSON.stringify({ doc_id, target: "ABC"[doc_id % 3], resps: [[text]], filtered_resps: [text] }),
    );
    const first = await scored(write("samples.jsonl", lines.join("\n")));
    expect(first).toMatchObject({ matchedByPosition: true, missing: 0, accuracy: { value: 4 / 6 } });
    const [results, samples] = lmmsEvalFiles(first.records, "20261128_120000");
    expect([results!.name, samples!.name]).toEqual([
      "20261128_120000_results.json",
      "20261128_120000_samples_mvbench.jsonl",
    ]);
    expect(JSON.parse(results!.text)).toMatchObject({
      results: { mvbench: { "acc,none": 4 / 6 } },
      "n-samples": { mvbench: { original: 6, effective: 6 } },
    });
    const again = await scored(write("again.jsonl", samples!.text));
    expect(again).toMatchObject({ matchedByPosition: false, accuracy: first.accuracy });
    expect(again.records.map(({ rawOutput }) => rawOutput)).toEqual(said);
  });
  test("numbers of another order are refused where a reference tells", async () => {
    const lines = said.map((text, doc_id) =>
      JSON.stringify({ doc_id, target: "CAB"[doc_id % 3], filtered_resps: [text] }),
    );
    await expect(scored(write("other.jsonl", lines.join("\n")))).rejects.toThrow(
      "do not belong to these annotations",
    );
  });
  test("numbers beyond the benchmark are not taken for places", async () => {
    const lines = said.map((text, at) => JSON.stringify({ doc_id: at + 1, filtered_resps: [text] }));
    await expect(scored(write("beyond.jsonl", lines.join("\n")))).rejects.toThrow("counted from 0; got");
  });
});

describe("VLMEvalKit", () => {
  test("tables are written with quotes, tabs and line ends, and read again", async () => {
    const plain = Object.fromEntries(said.map((text, at) => [`order/${at}`, text]));
    const first = await scored(write("plain.json", JSON.stringify(plain)));
    const [table, accuracies] = vlmEvalKitFiles(first.records);
    expect(table!.name).toBe("plain/plain_mvbench.tsv");
    expect(accuracies!.text).toBe("split,Overall,order\nnone,66.6667,66.6667\n");
    const again = await scored(write("table.tsv", table!.text));
    expect(again.records.map(({ rawOutput }) => rawOutput)).toEqual(said);
    expect(again.accuracy).toEqual(first.accuracy);
  });
  test("rows with an index alone are read by number, from TSV with a mark and CRLF and from JSON", async () => {
    const tsv = [
      "index\tprediction\tanswer",
      ...said.map(
        (text, at) =>
          `${at}\t${JSON.stringify(text).replaceAll('\\"', '""').replaceAll("\\n", "\n")}\t${"ABC"[at % 3]}`,
      ),
    ];
    for (const file of [
      write("index.tsv", `\uFEFF${tsv.join("\r\n")}`),
      write(
        "index.json",
        JSON.stringify(said.map((prediction, index) => ({ index, prediction, answer: "ABC"[index % 3] }))),
      ),
    ])
      expect(await scored(file)).toMatchObject({ matchedByPosition: true, accuracy: { value: 4 / 6 } });
  });
  test("tables of commas, whatever their columns' order", async () => {
    const csv = said.map(
      (text, at) => `${JSON.stringify(text).replaceAll('\\"', '""').replaceAll("\\n", "\n")},${at}`,
    );
    expect(await scored(write("index.csv", `prediction,index\r\n${csv.join("\r\n")}\r\n`))).toMatchObject({
      matchedByPosition: true,
      accuracy: { value: 4 / 6 },
    });
  });
  test("an empty table and a spreadsheet are named", async () => {
    await expect(scored(write("empty.tsv", "index\tprediction\n"))).rejects.toThrow("an empty table");
    await expect(scored(write("answers.xlsx", "PK"))).rejects.toThrow("a spreadsheet");
  });
});
