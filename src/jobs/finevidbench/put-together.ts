import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { sha256, writeFileAtomic } from "../../core/files.ts";
import { datasetFilters } from "../../dataset/filter.ts";
import { NearClips, type Nearness } from "../../dataset/near-clips.ts";
import type { Rejection } from "../../dataset/schema.ts";
import { LineFile } from "../../dataset/write.ts";
import { auditSamples } from "../../evaluation/audit/audit.ts";
import { meanChance } from "../../evaluation/chance.ts";
import {
  type FineVidBenchRow,
  fineVidBenchSample,
  fineVidBenchTasks,
} from "../../evaluation/finevidbench-layout.ts";
import { RejectionCounts } from "../build/card.ts";
import type { BuildPlan } from "../build/plan-clips.ts";
import { resultFile } from "../build/protocol.ts";
import { benchmarkCard, type TaskCount } from "./card.ts";
import { benchmarkPage, type PageClip } from "./page.ts";
import type { BenchmarkClip, FineVidBenchSettings } from "./protocol.ts";
import { type LabelledClip, type SceneRows, sceneRows } from "./scene-rows.ts";

/** File of the questions, inside the benchmark's folder. */
export const questionsFile = "finevidbench.jsonl";

/** What `benchmark.json` says. */
export interface BenchmarkDescription {
  readonly schema: "videoperceiver/finevidbench@1";
  /** What it is, in a sentence: nothing here is FineVidBench's own. */
  readonly note: string;
  readonly counts: { readonly questions: number; readonly clips: number; readonly rejected: number };
  readonly tasks: readonly TaskCount[];
  readonly recipe: { readonly sources: BuildPlan["sources"]; readonly settings: FineVidBenchSettings };
  /** SHA-256 of the questions, which name their films by content. */
  readonly contentHash: string;
}

/** Finished clips, and what the benchmark is put together by. */
export interface FinishedClips {
  readonly out: string;
  readonly plan: BuildPlan;
  readonly settings: FineVidBenchSettings;
  readonly synonyms: string | undefined;
  readonly signal: AbortSignal;
}

/** The benchmark, and why clips and questions are not in it. */
export interface BenchmarkCounts {
  readonly description: BenchmarkDescription;
  readonly rejections: RejectionCounts;
  readonly teacher: { readonly tokens: number; readonly cost: number };
}

/** Says of a clip that an earlier one is the same, or looks the same. */
class Copies {
  readonly #hashes = new Map<string, string>();
  readonly #near: NearClips;
  /** @param nearness how alike clips are that count as copies */
  constructor(nearness: Nearness) {
    this.#near = new NearClips(nearness);
  }
  of({ sha256: hash, print, name, durationSeconds }: BenchmarkClip): string | undefined {
    const same = this.#hashes.get(hash!);
    if (same !== undefined) return `the same file as ${same}`;
    const printed = print === null ? undefined : { name, print, durationSeconds };
    const alike = printed && this.#near.find(printed);
    if (alike !== undefined) return `looks the same as ${alike.name}`;
    this.#hashes.set(hash!, name);
    if (printed !== undefined) this.#near.add(printed);
    return undefined;
  }
}

/** Counts, balance and chance of what was asked. */
const taskCounts = (rows: readonly FineVidBenchRow[], seed: number): TaskCount[] => {
  const samples = rows.map(fineVidBenchSample);
  const known = auditSamples(samples, seed);
  const prior = known.guessers.find(({ name }) => name.startsWith("text prior"))?.skills ?? [];
  return [...fineVidBenchTasks.scene, ...fineVidBenchTasks.fragment].flatMap((task): TaskCount[] => {
    const own = rows.filter((row) => row.task === task);
    if (own.length === 0) return [];
    const answers = new Map<string, number>();
    for (const { answer, options } of own) {
      const key = options === undefined ? `${answer.split(",").length} frames` : answer;
      answers.set(key, (answers.get(key) ?? 0) + 1);
    }
    return [
      {
        task,
        questions: own.length,
        answers: Object.fromEntries([...answers].sort(([a], [b]) => (a < b ? -1 : 1))),
        textPrior: prior.find(({ skill }) => skill === task)?.accuracy ?? null,
        chance: meanChance(
          samples
            .filter(({ skill }) => skill === task)
            .map(({ answerKind, answer, options }) => ({
              answerKind,
              gold: answer,
              options: options ?? null,
            })),
        )!,
      },
    ];
  });
};

const sweep = (folder: string, kept: ReadonlySet<string>): void => {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (!kept.has(name)) rmSync(join(folder, name), { force: true });
};

/** Puts finished clips together as a benchmark, in the order of the plan. `benchmark.json` appears last. */
export const putBenchmarkTogether = async ({
  out,
  plan,
  settings,
  synonyms,
  signal,
}: FinishedClips): Promise<BenchmarkCounts> => {
  const rejections = new RejectionCounts();
  const rejected: Rejection[] = [];
  const reject = (one: Rejection): void => {
    rejections.add(one);
    rejected.push(one);
  };
  for (const one of plan.rejected) reject(one);
  const read = (position: number): BenchmarkClip =>
    JSON.parse(readFileSync(join(out, resultFile(position)), "utf8")) as BenchmarkClip;
  const { params } = await datasetFilters.load("near-duplicate");
  const copies = new Copies(params.parse({}) as unknown as Nearness);
  const labelled: LabelledClip[] = [];
  const teacher = { tokens: 0, cost: 0 };
  for (const { position } of plan.clips) {
    signal.throwIfAborted();
    const { rows: _, strip: __, rejected: why, ...clip } = read(position);
    teacher.tokens += (clip.teacherUsage?.promptTokens ?? 0) + (clip.teacherUsage?.completionTokens ?? 0);
    teacher.cost += clip.teacherUsage?.cost ?? 0;
    const copy = clip.sha256 === null ? undefined : copies.of({ ...clip, rows: [], rejected: [] });
    if (copy !== undefined) reject({ source: clip.name, ruleId: "no-duplicates", reason: copy });
    else {
      for (const one of why) reject(one);
      if (clip.sha256 !== null) labelled.push(clip);
    }
  }
  const scene: ReadonlyMap<number, SceneRows> = sceneRows(labelled, settings, synonyms);
  const lines = new LineFile(join(out, questionsFile));
  const all: FineVidBenchRow[] = [];
  const films = new Set<string>();
  const shown: PageClip[] = [];
  for (const { position, name } of labelled) {
    signal.throwIfAborted();
    const { rows: fragments, strip, actions } = read(position);
    const made = scene.get(position)!;
    for (const one of made.rejected) reject(one);
    const rows = [...made.rows, ...fragments];
    for (const row of rows) {
      lines.add(JSON.stringify(row));
      films.add(basename(row.video));
    }
    all.push(...rows);
    if (strip !== undefined) shown.push({ name, strip, actions, rows });
  }
  lines.close();
  sweep(join(out, "clips"), films);
  writeFileAtomic(join(out, "rejected.jsonl"), rejected.map((one) => `${JSON.stringify(one)}\n`).join(""));
  const description: BenchmarkDescription = {
    schema: "videoperceiver/finevidbench@1",
    note: "made from a person's own clips in the form of FineVidBench (arXiv 2504.07745); its scores are not FineVidBench's",
    counts: {
      questions: all.length,
      clips: new Set(all.map(({ source }) => source!.sha256)).size,
      rejected: rejected.length,
    },
    tasks: taskCounts(all, settings.seed),
    recipe: { sources: plan.sources, settings },
    contentHash: sha256(readFileSync(join(out, questionsFile))),
  };
  const title = basename(out);
  writeFileAtomic(join(out, "card.md"), benchmarkCard(title, description, rejections));
  writeFileAtomic(join(out, "index.html"), benchmarkPage(title, description, shown, rejected));
  writeFileAtomic(join(out, "benchmark.json"), `${JSON.stringify(description, null, 2)}\n`);
  return { description, rejections, teacher };
};
