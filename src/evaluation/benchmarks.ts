import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { TimeSpan } from "../core/units.ts";
import type { ClipReference, Sample } from "../dataset/sample.ts";
import type { OfficialRule } from "../grading/official.ts";
import type { NamedMetric } from "./metrics.ts";
import type { AskedPrompt } from "./prompt.ts";
import type { OptionTurn } from "./rotation.ts";

/**
 * A row of a data set as a benchmark gives it. An answer may be kept secret (null), and a clip may be known by its name
 * alone: prediction files need no pictures.
 */
export interface BenchmarkSample extends Omit<Sample, "answer" | "clip"> {
  readonly answer: string | null;
  readonly clip: Pick<ClipReference, "file"> & Partial<ClipReference>;
  /** What all statistics are clustered by, where that is not the clip: edited versions of one video share it. */
  readonly cluster?: string;
  /** The clip's size as seen, pixels, once somebody has looked at it. */
  readonly size?: { readonly width: number; readonly height: number };
  /** The stretch of the clip that the question is about; frames are chosen inside it. Left out: all of it. */
  readonly range?: TimeSpan;
  /**
   * Each of `frames` stands in the clip so often, one behind the other. Whoever is sent pictures gets the first of each; a
   * model that takes several frames in a temporal step gets all of them, so that no step mixes two pictures.
   */
  readonly framesEach?: number;
  /** Which question it is with its options turned; left out: the options stand as the annotation has them. */
  readonly rotation?: OptionTurn;
  /** What results are broken down by besides skills, e.g. `{ speed: "slow" }`. */
  readonly groups?: Readonly<Record<string, string>>;
  /** What is odd about its annotation and how it was taken; named and counted with every score. */
  readonly irregular?: readonly string[];
}

/** One answer as a benchmark's own prediction file gives it. */
export interface OwnAnswer {
  readonly id: string;
  /** The answer's text; anything else is no answer. */
  readonly answer: unknown;
  readonly where: string;
  /** What the file says was asked, where names are places in a list: an item that is not there moves all behind it. */
  readonly question?: string;
}

/** The layout in which a benchmark's own scripts write answers, besides the plain one that every benchmark reads. */
export interface OwnLayout {
  /** Which files of a folder hold answers. */
  readonly files: RegExp;
  /** The answers of one JSON value (a document, or a line); undefined for another layout. */
  read(value: unknown, where: string): readonly OwnAnswer[] | undefined;
  /** A question as such files write it; left out: its text. */
  asked?(sample: BenchmarkSample): string;
  /** How such answers are officially judged, where that is not the benchmark's rule for raw text. */
  readonly officialRule?: OfficialRule;
}

/** Skills that stand side by side in the benchmark's own table, and the metric that is their mean. */
export interface TableGroup {
  readonly label: string;
  readonly skills: readonly string[];
  /** Name of one of the benchmark's metrics: the plain mean of the skills' accuracies. */
  readonly mean: string;
}

/** A benchmark as its annotations define it; how pictures reach a model is the subject's matter. */
export interface Benchmark {
  /** What is reported: names of `metrics/`, and metrics of the benchmark's own. */
  readonly metrics: readonly (string | NamedMetric)[];
  /** How the benchmark's own script reads a choice; none: official scores do not exist. */
  readonly officialRule?: OfficialRule;
  /** Which published score it reproduced, and with what; left out: none, its scores are unverified. */
  readonly verified?: string;
  readonly ownLayout?: OwnLayout;
  /** The scorer whose number (1: right) says which open answers are right; left out: they are compared as texts. */
  readonly judgedBy?: { readonly scorer: string; readonly part: string };
  /** The table of its paper: which skills, in which order; left out: reports show skills by name. */
  readonly table?: readonly TableGroup[];
  /** What a question says to a model, as its authors ask it; the usual form when left out. */
  readonly prompt?: (sample: BenchmarkSample) => AskedPrompt;
  /** Every sample of an annotation file or data folder. @throws {DataFormatError} naming the place */
  samples(path: string): Promise<readonly BenchmarkSample[]>;
}

/** A benchmark plug-in. */
export type BenchmarkPlugin = Plugin<Benchmark>;

/** Declares a benchmark. */
export const defineBenchmark: Define<BenchmarkPlugin> = definer("benchmark");

/** Every benchmark in `benchmarks/`, by file name. */
export const benchmarkRegistry: Registry<BenchmarkPlugin> = folderRegistry(
  "benchmark",
  new URL("./benchmarks/", import.meta.url),
);

/** The name of the clip, or of what it was cut from: the cluster of all statistics. */
export const clusterOf = ({ cluster, clip }: Pick<BenchmarkSample, "cluster" | "clip">): string =>
  cluster ?? clip.sha256 ?? clip.file;
