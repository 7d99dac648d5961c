import { createHash } from "node:crypto";
import { appendFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { DataFormatError, messageOf, VideoPerceiverError } from "../../core/errors.ts";
import { parseJsonRows, readJsonRows, readTextFile } from "../../core/files.ts";
import { readDescription } from "../../dataset/read.ts";
import type { Message, Sample } from "../../dataset/sample.ts";
import { sampleFromRow } from "../../dataset/schema.ts";

/** Samples that show the same pictures: they are decoded once for all of them. */
export interface SampleGroup {
  /** Folder that files are relative to. */
  readonly folder: string;
  readonly samples: readonly Sample[];
}

/** A sample that is not trained on, and why. */
export interface DroppedSample {
  readonly file: string;
  readonly id: string;
  readonly reason: string;
}

/** Name of the list of dropped samples in a run folder. */
export const droppedFile = "dropped.jsonl";

/** So many dropped samples are told at once; all are in the file. */
const told = 5;

/** Collects what is dropped, each sample once; with a file a line for each. */
export class Dropped {
  readonly all: DroppedSample[] = [];
  readonly #known = new Set<string>();
  readonly #warn: (line: string) => void;
  #file: string | undefined;

  /** @param warn told of the first few */
  constructor(warn: (line: string) => void) {
    this.#warn = warn;
  }

  add(sample: DroppedSample): void {
    const key = `${sample.file} ${sample.id}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.all.push(sample);
    if (this.all.length <= told) this.#warn(`dropped ${sample.id || sample.file}: ${sample.reason}`);
    if (this.all.length === told) this.#warn(`more are named in ${droppedFile} only`);
    if (this.#file !== undefined) appendFileSync(this.#file, `${JSON.stringify(sample)}\n`);
  }

  /** Writes what is and will be dropped into a run folder, behind what an earlier call wrote there. */
  keepIn(folder: string): void {
    const file = join(folder, droppedFile);
    const before = existsSync(file) ? parseJsonRows(readTextFile(file), file) : [];
    const written = new Set(before.map(({ value }) => JSON.stringify(value)));
    const lines = this.all.map((sample) => JSON.stringify(sample)).filter((line) => !written.has(line));
    appendFileSync(file, lines.map((line) => `${line}\n`).join(""));
    for (const { value } of before) {
      const sample = value as DroppedSample;
      this.#known.add(`${sample.file} ${sample.id}`);
    }
    this.#file = file;
  }
}

/** The parts of messages that show something. */
export const mediaParts = (
  messages: readonly Message[],
): Exclude<Message["content"][number], { type: "text" }>[] =>
  messages.flatMap(({ content }) => content.flatMap((part) => (part.type === "text" ? [] : [part])));

/** What samples share that are trained on together: the pictures, and how they are looked at. */
const picturesKey = (folder: string, { id, clip, frames, messages, absent }: Sample): string => {
  const parts = mediaParts(messages);
  if (parts.length === 0) return JSON.stringify([folder, id]);
  return JSON.stringify([folder, clip.sha256, frames ?? null, parts, absent ?? null]);
};

/** A data set as training reads it. */
export interface TrainingRows {
  readonly groups: readonly SampleGroup[];
  /** Of the part that is looked at and not trained on. */
  readonly heldOut: readonly SampleGroup[];
  /** Those that are trained on. */
  readonly samples: number;
  readonly datasets: readonly { readonly folder: string; readonly contentHash: string }[];
  /** Of all rows that are taken, as they stand in the files. */
  readonly hash: string;
}

/**
 * The samples of data sets, those about the same pictures together, in the order of the files. A row that is none is
 * dropped and named.
 *
 * @param parts which are trained on, and which are looked at; rows that name no part are trained on
 * @throws {ConfigError} for a folder without a data set
 * @throws {DataFormatError} when nothing is left
 */
export const readRows = async (
  folders: readonly string[],
  parts: { readonly train: string; readonly heldOut: string },
  dropped: Dropped,
): Promise<TrainingRows> => {
  const groups = new Map<string, { folder: string; samples: Sample[] }>();
  const heldOut: typeof groups = new Map();
  const datasets: { folder: string; contentHash: string }[] = [];
  let samples = 0;
  const hash = createHash("sha256");
  for (const folder of folders) {
    const { files, contentHash } = readDescription(folder);
    datasets.push({ folder, contentHash });
    for (const { file } of files.filter((one) => /^samples-.*\.jsonl$/.test(one.file)))
      for await (const { value, where } of readJsonRows(join(folder, file))) {
        try {
          const sample = sampleFromRow(value, where);
          const split = sample.split ?? parts.train;
          if (split !== parts.train && split !== parts.heldOut) continue;
          hash.update(JSON.stringify(value)).update("\n");
          const place = split === parts.train ? groups : heldOut;
          const key = picturesKey(folder, sample);
          const group = place.get(key) ?? { folder, samples: [] };
          group.samples.push(sample);
          place.set(key, group);
          if (split === parts.train) samples++;
        } catch (error) {
          if (!(error instanceof VideoPerceiverError)) throw error;
          const id = (value as { readonly id?: unknown } | null)?.id;
          dropped.add({ file: where, id: typeof id === "string" ? id : "", reason: messageOf(error) });
        }
      }
  }
  if (samples === 0)
    throw new DataFormatError("nothing to train on", {
      where: folders.join(", "),
      expected: `samples of the part "${parts.train}"`,
      got: dropped.all.length === 0 ? "none" : `${dropped.all.length} rows that are none`,
      hint: "another part: --set split=NAME",
    });
  const rows = { groups: [...groups.values()], heldOut: [...heldOut.values()] };
  return { ...rows, samples, datasets, hash: hash.digest("hex") };
};
