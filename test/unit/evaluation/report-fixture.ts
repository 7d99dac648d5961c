import { crc32, deflateSync } from "node:zlib";
import { type Random, seededRandom } from "../../../src/core/random.ts";
import accuracy from "../../../src/evaluation/metrics/accuracy.ts";
import macroAccuracy from "../../../src/evaluation/metrics/macro-accuracy.ts";
import parseFailRate from "../../../src/evaluation/metrics/parse-fail-rate.ts";
import type { NamedMetric } from "../../../src/evaluation/metrics.ts";
import type { EvaluationRecord } from "../../../src/evaluation/records.ts";
import type { ExampleKind, ExamplePair, ReportModel } from "../../../src/evaluation/report/model.ts";
import {
  compareRows,
  type RowSelection,
  resultRow,
  rowDifference,
} from "../../../src/evaluation/report/summarise.ts";
import type { StripPicture } from "../../../src/pages/strip.ts";
import { recordOf } from "../../contract/record-fixture.ts";

const chunk = (type: string, data: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
};

/** An RGB picture as a PNG data URI. */
const png = (size: number, colour: (x: number, y: number) => readonly [number, number, number]): string => {
  const rows = Buffer.alloc(size * (size * 3 + 1));
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      colour(x, y).forEach((value, c) => {
        rows[y * (size * 3 + 1) + 1 + x * 3 + c] = value;
      });
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const file = Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", new Uint8Array()),
  ]);
  return `data:image/png;base64,${file.toString("base64")}`;
};

/** A disc that drifts and flashes white in frame 9 of 16. */
const metrics: readonly NamedMetric[] = Object.entries({
  accuracy,
  "macro-accuracy": macroAccuracy,
  "parse-fail-rate": parseFailRate,
}).map(([name, { summary, create }]) => ({ name, summary, value: create({}) }));

const examplePair = (
  id: string,
  kind: ExampleKind,
  hue: readonly [number, number, number],
  random: Random,
): ExamplePair => {
  const images = Array.from({ length: 16 }, (_, t) =>
    png(56, (x, y) => {
      const ground = 60 + 18 * Math.sin(x / 5) * Math.cos(y / 7) + 6 * random.next();
      const disc = (x - 10 - 2.3 * t) ** 2 + (y - 30 + 6 * Math.sin(t / 3)) ** 2 < 60;
      const other = Math.abs(x - 44 + t) < 6 && Math.abs(y - 14) < 6;
      if (disc) return t === 8 ? [255, 255, 255] : hue;
      return other ? [90, 190, 120] : [ground, ground + 8, ground + 22];
    }),
  );
  const frame = (t: number, replaced: boolean): StripPicture => ({
    image: replaced ? 7 : t,
    timeSeconds: (t * 6) / 25,
    isKey: t === 8,
    shownFromSeconds: replaced ? 1.68 : null,
  });
  const steps = images.map((_, t) => t);
  return {
    id,
    kind,
    caption:
      "A red disc drifts to the right over a grey ground and flashes white once; a green square moves left.",
    keywords: ["disc", "flashes"],
    question: "What does the red disc do for a moment?",
    options: ["it hops", "it flashes", "it vanishes", "it changes its colour"],
    answer: "B",
    images,
    complete: steps.map((t) => frame(t, false)),
    absent: steps.map((t) => frame(t, t === 8)),
    scores: steps.map(
      (t) => 0.18 + 0.05 * random.next() + (t === 8 ? 0.55 : Math.abs(t - 8) === 1 ? 0.12 : 0),
    ),
    relevance: "checkpoint",
    answers: [
      {
        subject: "Blind",
        complete: { text: "it hops", correct: false },
        absent: { text: "it hops", correct: false },
      },
      {
        subject: "SFT",
        complete: { text: "it flashes", correct: true },
        absent: { text: "it vanishes", correct: false },
      },
      {
        subject: "SFT + contrastive",
        complete: { text: "it flashes", correct: true },
        absent: { text: "it hops", correct: false },
      },
      {
        subject: "+ Comparative GRPO",
        complete: { text: "it flashes", correct: true },
        absent: { text: "", correct: false },
      },
    ],
  };
};

/** Skills of the scripted world with their chance levels. */
export const skills: readonly { readonly name: string; readonly label: string; readonly chance: number }[] = [
  { name: "motion-recognition", label: "Motion recognition", chance: 0.2 },
  { name: "location", label: "Location-related motion", chance: 0.25 },
  { name: "camera", label: "Camera motion", chance: 0.25 },
  { name: "objects", label: "Motion-related objects", chance: 0.17 },
  { name: "order", label: "Action order", chance: 0.5 },
  { name: "count", label: "Repetition count", chance: 0.25 },
];

const record = (
  subject: string,
  intervention: string,
  clip: number,
  skill: string,
  correct: boolean,
  draw: number,
): EvaluationRecord =>
  recordOf({
    questionId: `${clip}/${skill}`,
    videoId: `clip-${clip}`,
    skill,
    subject,
    intervention: { name: intervention, params: {} },
    draw,
    rawOutput: correct ? "B" : "A",
    parsedAnswer: correct ? "B" : "A",
    outcome: correct ? "right" : "wrong",
    correct,
    scoreStrict: correct ? 1 : 0,
  });

/** Rows of the fixture: name, subject, gain over chance on complete, on absent, on random removal. */
const subjects = [
  { name: "Blind", subject: "blind", note: "no pictures", gains: { complete: 0.02 } },
  {
    name: "SFT",
    subject: "sft",
    note: "3.0 min, 2,540 steps",
    gains: { complete: 0.36, absent: 0.08, "random-removal": 0.33 },
  },
  {
    name: "SFT + contrastive",
    subject: "sft-contrast",
    note: "1.5 min, 900 steps",
    gains: { complete: 0.38, absent: 0.07, "random-removal": 0.35 },
  },
  {
    name: "+ Comparative GRPO",
    subject: "grpo",
    note: "1.5 min, 610 steps",
    gains: { complete: 0.39, absent: 0.07, "random-removal": 0.36 },
  },
] as const;

/** A realistic report: simulated answers with luck shared by the questions of a clip, everything else made from them. */
export const reportFixture = (seed = 1, clips = 300): ReportModel => {
  const random = seededRandom("report fixture", seed);
  const luck = Array.from({ length: clips }, () => 0.25 * (random.next() - 0.5));
  const records: EvaluationRecord[] = [];
  for (const { subject, gains } of subjects)
    for (const [intervention, gain] of Object.entries(gains))
      for (let clip = 0; clip < clips; clip++)
        for (const { name, chance } of skills)
          for (let draw = 0; draw < (intervention === "random-removal" ? 3 : 1); draw++)
            records.push(
              record(
                subject,
                intervention,
                clip,
                name,
                random.next() < chance + gain + (gain > 0.05 ? luck[clip]! : 0),
                draw,
              ),
            );
  const rows: RowSelection[] = subjects.map(({ name, note, subject }) => ({ name, note, subject }));
  const [blind, sft, contrast, grpo] = rows as [RowSelection, RowSelection, RowSelection, RowSelection];
  const curve = (start: number, end: number, from: number, steps: number): [number, number][] =>
    Array.from({ length: steps }, (_, i) => [
      from + i,
      end + (start - end) * Math.exp(-i / (steps / 5)) + 0.06 * random.normal() * (start - end),
    ]);
  return {
    title: "Quickstart: a perceiver from nothing",
    summary:
      "6,000 scripted clips were rendered, paired with key-information-absent twins, and a 0.55 M parameter model of the Qwen2.5-VL family was trained on them: contrastive SFT, then Comparative GRPO. All numbers are from 300 held-out clips.",
    madeAt: "2026-11-21T10:00:00Z",
    skills: skills.map(({ name, label, chance }) => ({
      name,
      label,
      chance,
      questions: clips,
      majority: chance + 0.018,
    })),
    rows: rows.map((row) =>
      resultRow(
        records,
        row,
        skills.map(({ name }) => name),
        metrics,
      ),
    ),
    mainRow: grpo.name,
    blindRow: blind.name,
    seeing: rowDifference(records, grpo, blind),
    controls: [],
    differences: compareRows(
      records,
      [
        [contrast, sft],
        [grpo, contrast],
      ],
      1,
    ),
    curves: [
      {
        title: "Next-token loss",
        xLabel: "step",
        yLabel: "nats a token",
        series: [
          { name: "training", points: curve(2.4, 0.31, 0, 3400) },
          { name: "held out", points: curve(2.4, 0.42, 0, 34).map(([x, y]) => [x * 100, y] as const) },
        ],
        marks: [{ x: 2540, label: "contrastive SFT" }],
      },
      {
        title: "Contrastive losses",
        xLabel: "step",
        yLabel: "nats",
        series: [
          { name: "video to video", points: curve(2.9, 0.9, 2540, 900) },
          { name: "text to video", points: curve(2.1, 0.4, 2540, 900) },
          { name: "video to text", points: curve(3.4, 1.2, 2540, 900) },
        ],
      },
      {
        title: "Rewards of Comparative GRPO",
        xLabel: "step",
        yLabel: "share",
        series: [
          { name: "format", points: curve(0.82, 0.99, 0, 610) },
          { name: "quality, complete", points: curve(0.55, 0.62, 0, 610) },
          { name: "quality, absent", points: curve(0.29, 0.27, 0, 610) },
          { name: "exhausted", points: curve(0.41, 0.33, 0, 610) },
        ],
      },
      {
        title: "Held-out accuracy",
        xLabel: "minutes",
        yLabel: "share",
        series: [{ name: "complete", points: curve(0.27, 0.66, 0, 24).map(([x, y]) => [x / 4, y] as const) }],
        marks: [
          { x: 3, label: "contrastive" },
          { x: 4.5, label: "GRPO" },
        ],
      },
    ],
    examples: {
      subject: grpo.name,
      counts: { flip: 412, kept: 590, missed: 798 },
      pairs: [
        examplePair("a", "flip", [214, 60, 60], random),
        examplePair("b", "flip", [70, 110, 220], random),
        examplePair("c", "kept", [220, 190, 60], random),
        examplePair("d", "missed", [160, 70, 200], random),
      ],
    },
    provenance: {
      facts: [
        { name: "Seed", value: "7" },
        { name: "Training clips", value: "6,000" },
        { name: "Held-out clips", value: "300" },
        { name: "Frames a clip", value: "16" },
        { name: "Wall time", value: "10.6 min" },
        { name: "Peak memory", value: "2.9 GB" },
      ],
      settings: [
        {
          stage: "SFT + contrastive",
          name: "contrast.weight",
          value: "0.1",
          origin: "paper",
          what: "weight of the three InfoNCE losses beside the SFT loss",
        },
        {
          stage: "+ Comparative GRPO",
          name: "comparative reward",
          value: "Q(y) − Q(y′)",
          origin: "reconstructed",
          what: "equation (8) from the prose",
        },
        {
          stage: "+ Comparative GRPO",
          name: "lambda",
          value: "0.3",
          origin: "run",
          what: "weight of the comparative advantage beside the base advantage",
        },
        {
          stage: "SFT + contrastive",
          name: "contrast.temperature",
          value: "0.05",
          origin: "ours",
          what: "InfoNCE temperature, the SimCSE value",
        },
      ],
      leftOut: [{ what: "random removal", count: 3, reason: "no room for the control beside the event" }],
      versions: [
        { name: "videoperceiver", value: "0.1.0" },
        { name: "Node", value: "24.21.0" },
        { name: "onnxruntime-node", value: "1.30.0" },
      ],
      machine: [
        { name: "Processor", value: "2 cores" },
        { name: "Memory", value: "8 GB" },
      ],
      configuration: {
        seed: 7,
        world: { count: 6000, difficulty: "learnable" },
        sft: { learningRate: 0.003 },
      },
      command: "npx videoperceiver quickstart --seed 7",
    },
  };
};
