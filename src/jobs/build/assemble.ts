import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { sha256OfFile } from "../../core/files.ts";
import type { Progress } from "../../core/progress.ts";
import type { MadeBy } from "../../core/registry.ts";
import type { Sample } from "../../dataset/sample.ts";
import { type DatasetDescription, type Rejection, rowInSplit, sampleFromRow } from "../../dataset/schema.ts";
import { type SplitShares, splitOfClip } from "../../dataset/split.ts";
import { DatasetWriter } from "../../dataset/write.ts";
import { readResult } from "./clip-cost.ts";
import type { BuildPlan } from "./plan-clips.ts";
import type { BuiltClip, BuiltRow, ClipStore, PlannedClip } from "./protocol.ts";
import type { RuleCheck } from "./rule-check.ts";
import { storeClip } from "./store-clip.ts";

/** One row as the page and the card see it. */
export interface AssembledRow {
  readonly row: BuiltRow;
  readonly clip: BuiltClip;
  readonly samples: readonly { readonly sample: Sample; readonly rejection: Rejection | undefined }[];
}

/** What is put together, and how. */
export interface AssembleRequest {
  readonly out: string;
  readonly plan: BuildPlan;
  readonly check: RuleCheck;
  readonly store: ClipStore;
  /** Shares of validation and test; rows that name a part stay in it. Left out: other rows are in none. */
  readonly split?: SplitShares;
  readonly recipe: MadeBy;
  /** Sees every clip in order, before its rows. */
  readonly onClip: (clip: BuiltClip) => void;
  /** Sees every row in order, with what the rules say of its samples. */
  readonly onRow: (row: AssembledRow) => void;
  /** Hears of everything that goes, in the order of `rejected.jsonl`; `isRow`: it did not even become a pair. */
  readonly onRejection: (rejection: Rejection, isRow: boolean) => void;
  readonly card: (description: DatasetDescription) => string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** Samples of a row, whose lines stand in the result. */
const samplesOf = (row: BuiltRow): Sample[] =>
  row.samples.map((line) => sampleFromRow(JSON.parse(line), row.source));

/** A clip that nobody wanted before was taken away; it comes back if it is still the same. */
const storeAgain = async (
  { path, name }: Pick<PlannedClip, "path" | "name">,
  file: string,
  sha256: string,
  { out, store }: Pick<AssembleRequest, "out" | "store">,
): Promise<void> => {
  if (existsSync(join(out, file))) return;
  if (!existsSync(path) || (await sha256OfFile(path)) !== sha256)
    throw new ConfigError("a clip is not what it was when its pair was made", {
      where: name,
      expected: `SHA-256 ${sha256}`,
      hint: "build into another folder",
    });
  storeClip(path, sha256, out, store);
};

/** The film that a row's worse answer is about, and where it comes from. */
const filmOf = (
  { rejected }: Sample,
  { id }: BuiltRow,
  position: number,
  { clips }: Pick<BuildPlan, "clips">,
): {
  readonly file: string;
  readonly sha256: string;
  readonly from: Pick<PlannedClip, "path" | "name">;
}[] => {
  const path = clips[position]!.rows.find(({ row }) => row.id === id)?.row.rejected?.clip?.file;
  if (rejected?.clip === undefined || path === undefined) return [];
  const { file, sha256 } = rejected.clip;
  return [{ file, sha256, from: { path, name: basename(path) } }];
};

const removeOthers = (folder: string, kept: ReadonlySet<string>): void => {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) if (!kept.has(name)) rmSync(join(folder, name));
};

/**
 * Puts finished clips together as a data set folder, in the order of the plan: once through for the rules, once more to
 * write what stays. One clip's result is in memory at a time.
 */
export const assembleDataset = async (request: AssembleRequest): Promise<DatasetDescription> => {
  const { out, plan, check, split, signal, progress } = request;
  const count = plan.clips.length;
  for (let position = 0; position < count; position++) {
    signal.throwIfAborted();
    for (const row of readResult(out, position).rows)
      for (const sample of samplesOf(row))
        check.look({ rowId: row.id, sourceNumber: row.sourceNumber, sample });
    progress.update(position, count * 2, "asking the rules");
  }
  check.finish();
  const writer = new DatasetWriter({ folder: out, recipe: request.recipe });
  const reject = (rejection: Rejection, isRow: boolean): void => {
    writer.reject(rejection);
    request.onRejection(rejection, isRow);
  };
  for (const rejection of plan.rejected) reject(rejection, true);
  const kept = new Set<string>();
  for (let position = 0; position < count; position++) {
    signal.throwIfAborted();
    const clip = readResult(out, position);
    request.onClip(clip);
    for (const rejection of clip.rejected) reject(rejection, true);
    for (const row of clip.rows) {
      const samples: { readonly sample: Sample; readonly rejection: Rejection | undefined }[] = [];
      for (const [at, sample] of samplesOf(row).entries()) {
        const rejection = check.rejectionOf(sample.id);
        samples.push({ sample, rejection });
        if (rejection !== undefined) {
          reject(rejection, false);
          continue;
        }
        const { file, sha256 } = sample.clip;
        const part =
          split === undefined || sample.split !== undefined ? undefined : splitOfClip(sha256, split);
        const line = row.samples[at]!;
        writer.addRow(part === undefined ? line : rowInSplit(line, part), sha256, sample.skill);
        for (const one of [
          { file, sha256, from: plan.clips[position]! },
          ...filmOf(sample, row, position, plan),
        ]) {
          if (kept.has(one.file)) continue;
          kept.add(one.file);
          await storeAgain(one.from, one.file, one.sha256, request);
        }
      }
      request.onRow({ row, clip, samples });
    }
    progress.update(count + position, count * 2, "writing");
  }
  removeOthers(join(out, "clips"), new Set([...kept].map((file) => basename(file))));
  progress.update(count * 2, count * 2, "writing");
  return await writer.finish(request.card);
};
