import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { isoTime } from "../../core/clock.ts";
import { writeFileAtomic } from "../../core/files.ts";
import type { EvaluationRecord } from "../../evaluation/records.ts";
import type {
  Curve,
  CurveSeries,
  ExamplePair,
  ReportModel,
  StripFrame,
} from "../../evaluation/report/model.ts";
import { renderReport } from "../../evaluation/report/render.ts";
import { compareRows, type RowSelection, resultRow } from "../../evaluation/report/summarise.ts";
import { skillBaselines } from "../../evaluation/statistics/baselines.ts";
import { pixelsOf } from "../../frames/frame-batch.ts";
import type { PairedClip, PairQuality } from "../../jobs/quickstart/pairs.ts";
import { questionOf, type Stage, type StageContext } from "../../jobs/quickstart/training.ts";
import { comparativeDefaults } from "../../objectives/comparative-defaults.ts";
import { readRun } from "../../runs/read-run.ts";

/** What the report is made from. */
export interface ReportInput {
  readonly context: StageContext;
  readonly stages: readonly { readonly stage: Stage; readonly title: string }[];
  readonly records: readonly EvaluationRecord[];
  /** Samples of each training clip. */
  readonly training: readonly Pick<PairedClip, "samples">[];
  readonly held: readonly PairedClip[];
  /** Held-out clips with the pairs that were detected (the tested ones are the scripted truth). */
  readonly examples: readonly PairedClip[];
  readonly quality: PairQuality;
  readonly dropped: readonly { readonly file: string; readonly reason: string }[];
  readonly versions: readonly { readonly name: string; readonly value: string }[];
  readonly seconds: readonly { readonly name: string; readonly value: number }[];
  readonly command: string;
}

const blindTitle = "Blind (no pictures)";

const label = (skill: string): string =>
  skill.replaceAll("-", " ").replace(/^./, (letter) => letter.toUpperCase());

/** Means of consecutive rows, so that a chart has at most about `most` points. */
const thinned = (
  points: readonly (readonly [number, number])[],
  most = 160,
): (readonly [number, number])[] => {
  const size = Math.max(1, Math.ceil(points.length / most));
  const result: (readonly [number, number])[] = [];
  for (let at = 0; at < points.length; at += size) {
    const piece = points.slice(at, at + size);
    const mean = (axis: 0 | 1): number => piece.reduce((sum, point) => sum + point[axis], 0) / piece.length;
    result.push([Math.round(mean(0)), mean(1)]);
  }
  return result;
};

const curvesOf = ({ stages, context }: ReportInput): Curve[] => {
  const series = (folder: string, metric: string, name: string): CurveSeries[] => {
    const rows = readRun(folder).metrics.filter((row) => row[metric] !== undefined);
    const points = rows.map((row) => [row.step, row[metric]!] as const).filter(([, y]) => Number.isFinite(y));
    return points.length === 0 ? [] : [{ name, points: thinned(points) }];
  };
  const all = (metric: string): CurveSeries[] =>
    stages.flatMap(({ stage, title }) => series(stage.folder, metric, title));
  const contrast = stages.find(({ stage }) => stage.name === "sft-contrast")!;
  const grpo = stages.find(({ stage }) => stage.name === "comparative-grpo")!;
  const curves: Curve[] = [
    { title: "Next-token loss", xLabel: "step of the stage", yLabel: "nats", series: all("crossEntropy") },
    {
      title: "Contrastive losses at the middle block",
      xLabel: "step",
      yLabel: "nats",
      series: ["v2v", "t2v", "v2t"].flatMap((metric) => series(contrast.stage.folder, metric, metric)),
    },
    {
      title: "Comparative GRPO: quality of answers",
      xLabel: "step",
      yLabel: "share right",
      series: [
        ...series(grpo.stage.folder, "quality", "complete clip"),
        ...series(grpo.stage.folder, "qualityAbsent", "absent twin"),
        ...series(grpo.stage.folder, "baseline", "moving baseline of the difference"),
      ],
    },
    {
      title: "Comparative GRPO: refeed",
      xLabel: "step",
      yLabel: "share of pairs",
      series: [
        ...series(grpo.stage.folder, "exhaustedShare", "exhausted"),
        ...series(grpo.stage.folder, "rescuedShare", "rescued by a refeed"),
      ],
    },
    {
      title: "Relevance encoder",
      xLabel: "step",
      yLabel: "nats",
      series: series(join(context.out, "relevance"), "contrast", "clip-text contrast"),
    },
  ];
  return curves.filter((curve) => curve.series.length > 0);
};

const pictureSide = 84;

/** Key frames as they were found, beside the twin that was tested: the one without the scripted event. */
const exampleOf = async (
  { pair: found }: PairedClip,
  clip: PairedClip,
  records: readonly EvaluationRecord[],
): Promise<ExamplePair | undefined> => {
  const { frames, pair, samples } = clip;
  const sample = samples.find(
    ({ provenance, answerKind }) => provenance["aboutEvent"] === true && answerKind === "choice",
  );
  if (sample === undefined) return undefined;
  const raw = { width: frames.width, height: frames.height, channels: 3 } as const;
  const images = await Promise.all(
    frames.frames.map(async (_, position) => {
      const png = await sharp(pixelsOf(frames, position), { raw })
        .resize(pictureSide, Math.round((pictureSide * frames.height) / frames.width), { kernel: "nearest" })
        .png()
        .toBuffer();
      return `data:image/png;base64,${png.toString("base64")}`;
    }),
  );
  const places = new Map(frames.frames.map(({ index }, position) => [index as number, position]));
  const from = new Map(pair.replacements.map((replacement) => [replacement.index, replacement.from]));
  const strip = (absent: boolean): StripFrame[] =>
    frames.frames.map(({ index, timeSeconds }, position) => {
      const source = absent ? from.get(index) : undefined;
      return {
        image: source === undefined ? position : (places.get(source) ?? position),
        index,
        timeSeconds,
        isKey: found.keyFrames.includes(index),
        replacedFrom: source ?? null,
      };
    });
  const own = records.filter((record) => record.questionId === sample.id);
  const subjects = [...new Set(own.map(({ subject }) => subject))];
  const said = (subject: string, intervention: string): { text: string; correct: boolean } | undefined => {
    const record = own.find((row) => row.subject === subject && row.intervention.name === intervention);
    return record && { text: record.rawOutput, correct: record.correct };
  };
  return {
    id: sample.id,
    caption: samples.find(({ skill }) => skill === "dense-caption")?.answer ?? "",
    keywords: pair.keywords,
    question: questionOf(sample),
    ...(sample.options === undefined ? {} : { options: sample.options }),
    answer: sample.answer,
    images,
    complete: strip(false),
    absent: strip(true),
    scores: found.scores,
    relevance: `${found.relevance.name} (found in the pictures; the twin that was tested lacks the scripted event)`,
    answers: subjects.flatMap((subject) => {
      const [complete, absent] = [said(subject, "complete"), said(subject, "absent")];
      return complete === undefined || absent === undefined ? [] : [{ subject, complete, absent }];
    }),
  };
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** Everything that the report shows. */
export const reportModel = async (input: ReportInput): Promise<ReportModel> => {
  const { context, stages, records, training, held, quality } = input;
  const { recipe } = context;
  const closed = (
    clips: readonly Pick<PairedClip, "samples">[],
  ): { skill: string; answer: string; options?: readonly string[] }[] =>
    clips.flatMap(({ samples }) =>
      samples
        .filter(({ answerKind }) => answerKind === "choice")
        .map(({ skill = "all", answer, options }) => ({
          skill,
          answer,
          ...(options === undefined ? {} : { options }),
        })),
    );
  const baselines = skillBaselines(closed(training), closed(held));
  const skills = baselines.map(({ skill }) => skill);
  const last = stages.at(-1)!;
  const rows: RowSelection[] = [
    {
      name: blindTitle,
      note: `${last.title}, asked without the clip`,
      subject: last.title,
      complete: "blind",
      absent: "-",
      randomRemoval: "-",
    },
    ...stages.map(({ stage, title }) => ({
      name: title,
      note: `${stage.result.steps} steps, ${(stage.result.seconds / 60).toFixed(1)} min`,
      subject: title,
    })),
  ];
  const pairsOf = (
    ...names: readonly (readonly [number, number])[]
  ): (readonly [RowSelection, RowSelection])[] =>
    names.map(([of, against]) => [rows[of]!, rows[against]!] as const);
  const examples: ExamplePair[] = [];
  for (const clip of input.examples) {
    const own = held.find(({ sha256 }) => sha256 === clip.sha256);
    const example = own && (await exampleOf(clip, own, records));
    if (example !== undefined) examples.push(example);
  }
  const defaults = Object.entries(comparativeDefaults).map(([name, { value, origin, what }]) => ({
    name,
    value: String(value),
    origin,
    what,
  }));
  const { contrast } = recipe.sft;
  return {
    title: "VideoPerceiver quickstart",
    summary:
      `A model of Qwen2.5-VL's shape, trained from nothing on ${training.length} rendered clips of a scripted world, ` +
      `tested on ${held.length} clips that it has never seen. On absent twins the frames of the event are gone; on ` +
      "random removals as many other frames are.",
    madeAt: isoTime(),
    skills: baselines.map(({ skill, questions, chance, majority }) => ({
      name: skill,
      label: label(skill),
      questions,
      chance,
      majority,
    })),
    rows: rows.map((row) => resultRow(records, row, skills)),
    mainRow: last.title,
    blindRow: blindTitle,
    comparisons: compareRows(records, pairsOf([3, 2], [4, 3], [4, 2]), recipe.seed),
    curves: curvesOf(input),
    pairs: examples,
    provenance: {
      facts: [
        { name: "seed", value: String(recipe.seed) },
        { name: "clips", value: `${training.length} for training, ${held.length} held out` },
        {
          name: "frames",
          value: `${recipe.framesPerSecond} a second, ${held[0]!.frames.frames.length} a clip, ${held[0]!.frames.width} x ${held[0]!.frames.height} pixels`,
        },
        {
          name: "key frames found in training clips",
          value: `${percent(quality.hitRate)} lie in an event (random frames would: ${percent(quality.eventShare)}); ${percent(quality.keyShare)} of frames are key; ${percent(quality.eventGone)} of twins show nothing of the event`,
        },
        ...input.seconds.map(({ name, value }) => ({
          name: `time: ${name}`,
          value: `${value.toFixed(0)} s`,
        })),
      ],
      defaults: [
        {
          name: "contrastive weight",
          value: String(contrast.weight),
          origin: "paper",
          what: "weight of the three InfoNCE losses",
        },
        {
          name: "contrastive block",
          value: String(contrast.block),
          origin: "ours",
          what: `of ${recipe.model.layers}; the paper's 16 is of 28`,
        },
        {
          name: "temperature",
          value: String(contrast.temperature),
          origin: "ours",
          what: "divides cosines in the contrastive losses",
        },
        {
          name: "dropout of the second view",
          value: String(contrast.dropout),
          origin: "ours",
          what: "on visual tokens that enter the language model",
        },
        {
          name: "builder of absent twins",
          value: recipe.pairs.builder,
          origin: recipe.pairs.builder === "previous-frame" ? "paper" : "ours",
          what: "what replaces key frames in training",
        },
        ...defaults,
      ],
      leftOut: input.dropped.map(({ file, reason }) => ({ what: file, count: 1, reason })),
      versions: input.versions,
      machine: [
        { name: "processor", value: `${cpus().length} x ${cpus()[0]?.model ?? "unknown"}` },
        { name: "memory", value: `${(totalmem() / 2 ** 30).toFixed(0)} GiB` },
        {
          name: "peak memory of this process",
          value: `${(process.resourceUsage().maxRSS / 2 ** 20).toFixed(2)} GiB`,
        },
      ],
      configuration: recipe,
      command: input.command,
    },
  };
};

/** Writes the report. @returns its file */
export const writeReport = async (input: ReportInput): Promise<{ file: string; model: ReportModel }> => {
  const model = await reportModel(input);
  const file = join(input.context.out, "report.html");
  writeFileAtomic(file, renderReport(model));
  return { file, model };
};
