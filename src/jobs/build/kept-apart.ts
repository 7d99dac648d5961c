import { existsSync, statSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { ConfigError } from "../../core/errors.ts";
import { readJsonFile, readTextFile } from "../../core/files.ts";
import { filesBelow, isClipName } from "../../dataset/clip-files.ts";
import { bareName } from "../../dataset/filters/not-in.ts";
import { isRecord, jsonRecords, looksLikeJson } from "../../dataset/json-records.ts";
import { type PrintedClip, printOfSample } from "../../dataset/near-clips.ts";
import { readSamples } from "../../dataset/read.ts";
import type { JobContext } from "../job-context.ts";
import { printFile } from "./print-file.ts";
import type { ClipReading } from "./protocol.ts";

/** Clips that must not get in. */
export interface KeptApart {
  readonly hashes: Set<string>;
  readonly names: Set<string>;
  readonly prints: PrintedClip[];
}

const isHash = (text: string): boolean => /^[0-9a-f]{64}$/.test(text);

/** Fields whose value names a clip, in the annotation files that there are. */
const clipField = /^(video|video_?(id|name|path|file)|videos|vid|clip|file|path|youtube_?id|q_uid|key)$/i;

const addName = (text: string, into: KeptApart): void => {
  if (isHash(text)) into.hashes.add(text);
  // A bare number names a clip in too many sets to mean one.
  else if (text.length >= 4 && !/^\d{1,5}$/.test(bareName(text))) into.names.add(bareName(text));
};

/** Names of clips anywhere in a value: fields that name clips, and keys of objects of objects. */
const walk = (value: unknown, into: KeptApart): void => {
  if (Array.isArray(value)) for (const one of value) walk(one, into);
  if (!isRecord(value)) return;
  for (const [key, one] of Object.entries(value)) {
    if (key === "sha256" && typeof one === "string") into.hashes.add(one);
    if (clipField.test(key))
      for (const text of Array.isArray(one) ? one : [one]) if (typeof text === "string") addName(text, into);
    walk(one, into);
  }
};

const addTable = (text: string, into: KeptApart): void => {
  for (const line of text.split(/\r\n|\n|\r/)) {
    const [first = ""] = line.trim().split(/[\s,;\t]|##|\/\//);
    const cell = first.replace(/^"|"$/g, "");
    if (cell !== "") addName(cell, into);
    const video = line.trim().split("//")[1]?.split(" ")[0];
    if (video !== undefined && video !== "") addName(video, into);
  }
};

const addFolder = async (
  place: string,
  into: KeptApart,
  reading: ClipReading,
  context: JobContext,
): Promise<void> => {
  if (existsSync(join(place, "dataset.json"))) {
    const printed = new Set<string>();
    for await (const sample of readSamples(place)) {
      into.hashes.add(sample.clip.sha256);
      const name = sample.provenance["clip"];
      if (typeof name === "string") addName(name, into);
      const print = printed.has(sample.clip.sha256) ? undefined : printOfSample(sample);
      if (print === undefined) continue;
      printed.add(sample.clip.sha256);
      into.prints.push(print);
    }
    return;
  }
  const files = [...filesBelow(place)].filter(isClipName).map((name) => join(place, name));
  await addClips(files, place, into, reading, context);
};

/** Clips by content, look and name. */
const addClips = async (
  files: readonly string[],
  place: string,
  into: KeptApart,
  reading: ClipReading,
  context: JobContext,
): Promise<void> => {
  const progress = context.progress(`reading ${basename(place)}`, "clips");
  let read = 0;
  for await (const { file, sha256, print, durationSeconds } of printFile(files, reading, context)) {
    into.hashes.add(sha256);
    addName(basename(file), into);
    if (print !== undefined) into.prints.push({ name: basename(file), print, durationSeconds });
    progress.update(++read, files.length);
  }
};

/**
 * Reads what must stay apart: a data set folder, a folder of clips or a clip (by content, look and name), an annotation file, or
 * a list of names or hashes.
 *
 * @throws {ConfigError} for a place that is not there, or that names no clip
 */
export const readKeptApart = async (
  places: readonly string[],
  reading: ClipReading,
  context: JobContext,
): Promise<KeptApart> => {
  const all: KeptApart = { hashes: new Set(), names: new Set(), prints: [] };
  for (const place of places)
    if (!existsSync(place)) throw new ConfigError("no such file for --not-in", { where: place });
  for (const place of places) {
    const before = all.hashes.size + all.names.size;
    if (statSync(place).isDirectory()) await addFolder(place, all, reading, context);
    else if (isClipName(place)) await addClips([place], place, all, reading, context);
    else if (/\.(jsonl|ndjson)$/i.test(place)) {
      for (const record of jsonRecords(place)) if (!("unread" in record)) walk(record.value, all);
    } else if (extname(place).toLowerCase() === ".json") {
      const value = readJsonFile(place);
      walk(value, all);
      if (isRecord(value))
        for (const [key, one] of Object.entries(value)) if (isRecord(one)) addName(key, all);
    } else {
      const text = readTextFile(place);
      if (looksLikeJson(text)) throw new ConfigError("name JSON files .json or .jsonl", { where: place });
      addTable(text, all);
    }
    if (all.hashes.size + all.names.size === before)
      throw new ConfigError("--not-in names no clip", {
        where: place,
        expected: "a data set, a clip or folder of clips, annotations, or a list of names or hashes",
      });
  }
  return all;
};
