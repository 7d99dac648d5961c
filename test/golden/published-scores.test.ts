import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { silentProgress } from "../../src/core/progress.ts";
import { benchmarkRegistry } from "../../src/evaluation/benchmarks.ts";
import { type ScoreResult, score } from "../../src/jobs/score.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";

const folder = mkdtempSync(join(tmpdir(), "published-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (path: string): string => sharedFile(`data/benchmarks/${path}`);
const scored = async (
  benchmark: string,
  annotations: string,
  predictions: string,
  mode: "strict" | "official",
  metrics: readonly string[] = [],
): Promise<ScoreResult> =>
  await score(
    { benchmark, annotations, predictions, mode, metrics },
    { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} },
  );
const skills = (result: ScoreResult): Record<string, string> =>
  Object.fromEntries(result.skills.map(({ skill, accuracy }) => [skill, (accuracy.value * 100).toFixed(1)]));
const metric = (result: ScoreResult, name: string): number =>
  result.metrics.find((one) => one.name === name)!.value!.value;

describe.skipIf(sharedMissing("published scores"))("published scores, to the last printed digit", () => {
  test("VRU-Accident: accuracies of the response files; 348 answers are none", async () => {
    const responses = file("vru-accident/responses/Qwen25_VL");
    const result = await scored("vru-accident", responses, responses, "official");
    const printed = readFileSync(file("vru-accident/results/Qwen25_VL_VQA_Acc.txt"), "utf8");
    const published = [...printed.matchAll(/- (.+): (\d+)\/1000/g)].map(([, skill, right]) => [
      skill!,
      (Number(right) / 10).toFixed(1),
    ]);
    expect(published).toHaveLength(6);
    expect(skills(result)).toEqual(Object.fromEntries(published));
    expect((result.accuracy.value * 100).toFixed(2)).toBe("48.82");
    expect(result).toMatchObject({ scored: 6000, missing: 348, unusable: 348, unknown: 0 });
    expect(result.verified).not.toBeNull();
  });
  test("VRU-Accident: options written in other ways are read and named, and stay in the denominator", async () => {
    const result = await scored(
      "vru-accident",
      file("vru-accident"),
      file("vru-accident/responses/Qwen25_VL"),
      "strict",
    );
    expect(result).toMatchObject({ scored: 3660, unknown: 2340, missing: 348 });
    expect(result.irregular.map(({ what, ids }) => [what, ids.length])).toEqual([
      ['options that do not split at ", X. " (read by looser marks)', 51],
      ["a further letter inside an option", 11],
    ]);
    expect(result.records.every(({ options }) => options?.length === 4)).toBe(true);
  });
  test("VRU-Accident captions: the numbers of rouge-score and NLTK for the first three of DoTA", async () => {
    const result = await scored(
      "vru-accident-captions",
      file("vru-accident/DoTA_Dense_Caption.json"),
      file("vru-accident/responses/Qwen25_VL/DoTA_Dense_Captioning_response.json"),
      "strict",
    );
    const metrics = await Promise.all(
      ["meteor-nltk", "rouge:1", "rouge:2", "rouge:L"].map(async (name) => {
        const { metricRegistry } = await import("../../src/evaluation/metrics.ts");
        return (await metricRegistry.choose(name)).value;
      }),
    );
    const first = result.records.slice(0, 3);
    expect(first.map((record) => metrics.map((one) => one([record])!.toFixed(4)))).toEqual([
      ["0.2965", "0.4232", "0.1306", "0.2321"],
      ["0.2702", "0.4868", "0.1062", "0.2170"],
      ["0.2873", "0.4458", "0.1246", "0.2477"],
    ]);
    expect(result.verified).toBeNull();
  });
  test("TempCompass: averages of Video-LLaVA, rating by rating", async () => {
    const result = await scored(
      "tempcompass",
      file("tempcompass/multi-choice.json"),
      file("tempcompass/predictions_video-llava_multi-choice.json"),
      "official",
    );
    expect(skills(result)).toEqual({
      action: "76.0",
      attribute_change: "41.0",
      direction: "35.2",
      order: "37.7",
      speed: "35.6",
    });
    const rated = JSON.parse(
      readFileSync(file("tempcompass/auto_eval_video-llava_multi-choice.json"), "utf8"),
    ) as Record<string, Record<string, readonly { rating: number }[]>>;
    for (const { questionId, correctOfficial } of result.records) {
      const [video, aspect, at] = questionId.split("/");
      expect(correctOfficial ? 1 : 0, questionId).toBe(rated[video!]![aspect!]![Number(at)]!.rating);
    }
  });
  test("QVHighlights: R1 and mAP at every published overlap", async () => {
    const golden = JSON.parse(
      readFileSync(file("qvhighlights/sample_val_preds_metrics_raw.json"), "utf8"),
    ) as { full: Record<"MR-R1" | "MR-mAP", Record<string, number>> };
    const names = (from: "MR-R1" | "MR-mAP", name: string): string[] =>
      Object.keys(golden.full[from]).map((iou) => `${name}:${iou === "average" ? "mean" : iou}`);
    const result = await scored(
      "qvhighlights",
      file("qvhighlights/highlight_val_release.jsonl"),
      file("qvhighlights/sample_val_preds.jsonl"),
      "strict",
      [...names("MR-R1", "recall-at-iou"), ...names("MR-mAP", "mean-average-precision")],
    );
    for (const [from, name] of [
      ["MR-R1", "recall-at-iou"],
      ["MR-mAP", "mean-average-precision"],
    ] as const)
      for (const [iou, published] of Object.entries(golden.full[from]))
        expect(
          Number((100 * metric(result, `${name}:${iou === "average" ? "mean" : iou}`)).toFixed(2)),
          `${name} ${iou}`,
        ).toBe(published);
  }, 60_000);
});

describe.skipIf(sharedMissing("real annotation files"))("real annotation files read whole", () => {
  const files: readonly [benchmark: string, path: string, questions: number, odd: Record<string, number>][] =
    [
      [
        "moment-video",
        "moment-video/annotation_all.json",
        1000,
        { 'answer type "TR" (taken as closed)': 1, "the reference has no brackets (read all the same)": 1 },
      ],
      [
        "moment-video",
        "moment-video/annotation_all.csv",
        1000,
        { 'answer type "TR" (taken as closed)': 1, "the reference has no brackets (read all the same)": 1 },
      ],
      ["tomato", "tomato", 981, {}],
      ["next-qa", "next-qa/nextqa_val.csv", 4996, {}],
      ["next-qa", "next-qa/nextgqa_val.csv", 3358, {}],
      ["egoschema", "egoschema/subset_answers.json", 500, {}],
      ["videommmu", "videommmu/perception_video.json", 300, {}],
      ["mvbench", "mvbench/one_record.json", 1, {}],
      ["charades-sta", "charades-sta/charades_sta_test.txt", 3720, {}],
      ["activitynet-captions", "activitynet-captions/val.json", 17505, {}],
      ["tacos", "tacos/val.json", 4436, {}],
    ];
  test.each(files)("%s from %s", async (name, path, questions, odd) => {
    const samples = await (await benchmarkRegistry.make(name)).value.samples(file(path));
    expect(samples).toHaveLength(questions);
    const counts: Record<string, number> = {};
    for (const { irregular = [] } of samples)
      for (const what of irregular) counts[what] = (counts[what] ?? 0) + 1;
    expect(counts).toMatchObject(odd);
  });
  test("Moment-Video's closed questions have their right option in every place once", async () => {
    const { value } = await benchmarkRegistry.choose("moment-video:permutations=true");
    const asked = await value.samples(file("moment-video/annotation_all.json"));
    const trials = Map.groupBy(
      asked.filter(({ rotation }) => rotation !== undefined),
      ({ rotation }) => rotation!.of,
    );
    expect(asked.length - [...trials.values()].flat().length + trials.size).toBe(1000);
    expect(trials.size).toBeGreaterThanOrEqual(235);
    for (const [id, rows] of trials) {
      const texts = rows.map(({ options, answer }) => options![answer!.charCodeAt(0) - 65]);
      const places = rows.map(({ answer }) => answer);
      expect([new Set(texts).size, new Set(places).size], id).toEqual([1, rows[0]!.options!.length]);
    }
  });
  test("byte-order mark and other line ends change nothing", async () => {
    const { value } = await benchmarkRegistry.make("next-qa");
    const plain = file("next-qa/nextqa_val.csv");
    const marked = join(folder, "marked.csv");
    writeFileSync(marked, `\uFEFF${readFileSync(plain, "utf8").replaceAll(/\r?\n/g, "\r\n")}`);
    expect(await value.samples(marked)).toEqual(await value.samples(plain));
  });
});
