import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { basename, join, resolve } from "node:path";
import { cacheRoot } from "../core/cache-root.ts";
import { ConfigError, VideoPerceiverError } from "../core/errors.ts";
import { makeFolder, writeFileAtomic } from "../core/files.ts";
import { checkOutput } from "../core/output-place.ts";
import type { MadeBy } from "../core/registry.ts";
import { type ExportFormat, type ExportPlace, type ExportWriter, exportFormats } from "../dataset/export.ts";
import { exportRecord, openExportFolder } from "../dataset/export-folder.ts";
import { type ExportedMedia, ExportMedia, mediaFolder } from "../dataset/export-media.ts";
import { KeptFilms } from "../dataset/kept-films.ts";
import { readDescription, readSamples } from "../dataset/read.ts";
import type { Sample } from "../dataset/sample.ts";
import type { DatasetDescription, Rejection } from "../dataset/schema.ts";
import { LineFile } from "../dataset/write.ts";
import { CacheFolder } from "../frames/cache-folder.ts";
import type { VideoService } from "../video/service.ts";
import { type ClipsOptions, openClips } from "./clips.ts";
import type { JobContext } from "./job-context.ts";
import { timeLeftOf } from "./time-left.ts";

export interface ExportJob {
  readonly dataset: string;
  /** `NAME` or `NAME:key=value,...` of an export format. */
  readonly format: string;
  readonly out: string;
  /** Replace an export that is in the folder. */
  readonly force: boolean;
  /** How clips are read, and whether films are kept for the next format; `auto` without keeping when left out. */
  readonly reading?: ClipsOptions;
  /** What decodes and encodes, instead of one that this job opens; its owner closes it. */
  readonly video?: VideoService;
}

/** What an export holds; `export.json` in its folder. */
export interface ExportSummary {
  readonly schema: "videoperceiver/export@1";
  readonly format: MadeBy;
  /** The data set by content. */
  readonly dataset: { readonly recipe: MadeBy; readonly contentHash: string };
  readonly counts: { readonly samples: number; readonly written: number; readonly leftOut: number };
  readonly splits: readonly string[];
}

/** Samples whose films are written at the same time; they are told to the format in their order. */
const ahead = 2 * availableParallelism();

/** A sample whose films are being written. */
interface Waiting {
  readonly sample: Sample;
  readonly media: Promise<ExportedMedia | string>;
}

/** Where films lie between exports; undefined where nothing is to be kept, or can be. */
const keptFilms = (
  { cache, cacheSize }: ClipsOptions,
  warn: (line: string) => void,
): KeptFilms | undefined => {
  if (!cache) return undefined;
  try {
    return new KeptFilms(new CacheFolder(join(cacheRoot(), "films"), cacheSize), warn);
  } catch {
    // The frames' folder has the same parent, and its trouble is told.
    return undefined;
  }
};

/** Names the data set for files that name one. */
const shortName = (folder: string): string =>
  basename(resolve(folder))
    .replace(/[^\w-]+/g, "_")
    .replace(/^_+|_+$/g, "") || "dataset";

/** Whether a format writes the worse side that a sample names: an answer about the same clip. */
const isCarried = ({ rejected }: Sample, carriesWorse = false): boolean =>
  carriesWorse && rejected?.answer !== undefined && rejected.clip === undefined;

/** Takes the samples in order; `each` hears what became of one. */
const writeSamples = async (
  job: ExportJob,
  { needs, refuses, carriesWorse }: ExportFormat,
  writer: ExportWriter,
  media: ExportMedia,
  each: (sample: Sample, leftOut?: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  const waiting: Waiting[] = [];
  const next = async (): Promise<void> => {
    const { sample, media: coming } = waiting.shift()!;
    const films = await coming;
    if (typeof films === "string") {
      each(sample, films);
      return;
    }
    try {
      const { rejected, ...rest } = sample;
      const carried = isCarried(sample, carriesWorse) ? { ...rest, rejected } : rest;
      const { leftOut } = await writer.add({
        sample: carried as Sample,
        split: sample.split ?? "train",
        ...films,
      });
      each(sample, leftOut);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      each(sample, error.message);
    }
  };
  const filmsOf = async (sample: Sample): Promise<ExportedMedia | string> => {
    if (!/^[A-Za-z0-9][\w.-]*$/.test(sample.split ?? "train"))
      return `its part "${sample.split}" cannot be the name of a file`;
    const reason = refuses(sample);
    if (reason !== undefined) return reason;
    try {
      return await media.of(sample, needs);
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof VideoPerceiverError)) throw error;
      return error.message;
    }
  };
  try {
    for await (const sample of readSamples(job.dataset)) {
      signal.throwIfAborted();
      waiting.push({ sample, media: filmsOf(sample) });
      if (waiting.length >= ahead) await next();
    }
    while (waiting.length > 0) await next();
  } finally {
    await Promise.allSettled(waiting.map(({ media: coming }) => coming));
  }
};

/** The folder's README.md. */
const readmeOf = (
  format: ExportFormat,
  place: ExportPlace,
  { splits, counts, format: { name } }: ExportSummary,
): string =>
  `${format.readmeHead?.(splits) ?? ""}# ${place.name}, exported for ${name}

${counts.written} of ${counts.samples} samples${counts.leftOut > 0 ? `; why the other ${counts.leftOut} are missing stands in \`left-out.jsonl\`` : ""}.

${format.readme(place, splits)}
`;

/**
 * Writes a data set for another project's trainer: rows, films (twins as real MP4 files), a README that says how to use
 * it. The folder appears when all is there; an export that was ended goes on with the films that it had.
 *
 * @throws {ConfigError} for an unknown format, a folder that is no data set, a place that is taken
 */
export const exportDataset = async (job: ExportJob, context: JobContext): Promise<ExportSummary> => {
  const { value: format, recipe } = await exportFormats.choose(job.format);
  const description: DatasetDescription = readDescription(job.dataset);
  checkOutput(job.out, "folder");
  const { folder, finalFolder, finish, release } = openExportFolder(job.out, job.force);
  const left = new LineFile(join(folder, "left-out.jsonl"));
  let writer: ExportWriter | undefined;
  try {
    for (const name of format.folders ?? []) makeFolder(join(folder, name));
    const reading = job.reading ?? { decoder: "auto", cache: false, cacheSize: 0 };
    await using opened = job.video === undefined ? openClips(reading, context.warn) : null;
    const video = job.video ?? opened!.direct;
    const { signal } = context;
    const kept = keptFilms(reading, context.warn);
    const media = new ExportMedia({ dataset: job.dataset, folder, video, kept, signal });
    const place: ExportPlace = { folder, finalFolder, name: shortName(job.dataset), video, signal };
    writer = format.open(place);
    const { samples: total } = description.counts;
    const progress = timeLeftOf(context.progress("export", "samples"));
    let written = 0;
    let preferences = 0;
    const splits = new Set<string>();
    await writeSamples(
      job,
      format,
      writer,
      media,
      (sample, reason) => {
        if (reason === undefined) {
          written++;
          if (sample.rejected !== undefined && !isCarried(sample, format.carriesWorse)) preferences++;
          splits.add(sample.split ?? "train");
        } else {
          const rejection: Rejection = { source: sample.id, ruleId: `export-${recipe.name}`, reason };
          left.add(JSON.stringify(rejection));
        }
        progress.update(written + left.rows, total, left.rows > 0 ? `${left.rows} left out` : undefined);
      },
      signal,
    );
    if (preferences > 0)
      context.warn(
        `${preferences} samples say themselves what is worse (\`rejected\`), which this export does not carry: their answers are written alone`,
      );
    const summary: ExportSummary = {
      schema: "videoperceiver/export@1",
      format: recipe,
      dataset: { recipe: description.recipe, contentHash: description.contentHash },
      counts: { samples: total, written, leftOut: left.rows },
      splits: [...splits].sort(),
    };
    if (written === 0)
      throw new ConfigError("nothing of the data set can be exported", {
        where: job.dataset,
        expected: `samples that ${recipe.name} can carry`,
        got: `${left.rows} samples left out`,
        hint: "see left-out.jsonl in the folder that was left behind",
      });
    await writer.finish();
    left.close();
    if (format.needs === "pictures" || format.keepsFilms === false)
      rmSync(join(folder, mediaFolder), { recursive: true, force: true });
    else media.sweep();
    writeFileAtomic(join(folder, "README.md"), readmeOf(format, place, summary));
    writeFileAtomic(join(folder, exportRecord), `${JSON.stringify(summary, null, 2)}\n`);
    finish();
    return summary;
  } catch (error) {
    writer?.discard();
    left.discard();
    release();
    throw error;
  }
};
