import { existsSync } from "node:fs";
import { join } from "node:path";
import { sha256OfFile } from "../core/files.ts";
import { readDescription, readSampleFile } from "./read.ts";
import { contentHashOf } from "./write.ts";

/** One thing that is wrong with a data set. */
export interface DatasetFault {
  readonly where: string;
  readonly what: string;
}

/**
 * Looks for what is wrong with a finished data set: files, hashes, counts, rows, answers outside of their options,
 * events outside of the clip, clips that are missing or, with `clips`, changed. A malformed row throws.
 */
export const validateDataset = async (
  folder: string,
  options: { readonly clips?: boolean; readonly limit?: number } = {},
): Promise<DatasetFault[]> => {
  const limit = options.limit ?? 100;
  const faults: DatasetFault[] = [];
  const add = (where: string, what: string): void => {
    if (faults.length < limit) faults.push({ where, what });
  };
  const description = readDescription(folder);
  if (contentHashOf(description.files) !== description.contentHash)
    add("dataset.json", "contentHash is wrong");
  const clips = new Map<string, string>();
  const ids = new Set<string>();
  let samples = 0;
  for (const { file, sha256, rows } of description.files) {
    const path = join(folder, file);
    if (!existsSync(path)) {
      add(file, "is missing");
      continue;
    }
    if ((await sha256OfFile(path)) !== sha256) add(file, "has another content than dataset.json says");
    if (!/^samples-.*\.jsonl$/.test(file)) continue;
    let count = 0;
    for await (const sample of readSampleFile(path)) {
      count++;
      samples++;
      const where = `${file}: ${sample.id}`;
      if (ids.has(sample.id)) add(where, "the id stands twice");
      ids.add(sample.id);
      for (const { file, sha256 } of [
        sample.clip,
        ...(sample.rejected?.clip ? [sample.rejected.clip] : []),
      ]) {
        const known = clips.get(file);
        if (known !== undefined && known !== sha256) add(where, "two hashes for one clip");
        clips.set(file, sha256);
      }
      if (sample.answerKind === "choice" && !(sample.options ?? []).includes(sample.answer))
        add(where, "the answer is not among the options");
      if (new Set(sample.options ?? []).size !== (sample.options ?? []).length)
        add(where, "an option stands twice");
      const last = sample.clip.timeline.at(-1)!.timeSeconds;
      for (const event of sample.events ?? [])
        if (event.startSeconds > last) add(where, `an event starts after the last frame (${last} s)`);
      const frames = sample.clip.timeline.length;
      for (const { index, from } of sample.absent?.replacements ?? [])
        if (index >= frames || from >= frames) add(where, "a replacement names a frame that is not there");
    }
    if (count !== rows) add(file, `has ${count} rows, dataset.json says ${rows}`);
  }
  if (samples !== description.counts.samples)
    add("dataset.json", `says ${description.counts.samples} samples, there are ${samples}`);
  for (const [file, sha256] of clips) {
    const path = join(folder, file);
    if (!existsSync(path)) add(file, "is missing");
    else if (options.clips === true && (await sha256OfFile(path)) !== sha256)
      add(file, "has another content");
  }
  return faults;
};
