/**
 * Labelled captions for the keyword extractor: those we wrote, with their text, and real ones of the shared data, of
 * which only the place, the SHA-256 and the labels are committed.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readJsonRows, sha256 } from "../src/core/files.ts";

/** A caption with its keywords as a person labelled them (rules in docs/keywords.md). */
export interface LabelledCaption {
  readonly caption: string;
  readonly keywords: readonly { readonly action: string; readonly object?: string }[];
  readonly half: "tuning" | "held-out";
}

/** A committed label of a caption that lies in the shared data. */
interface PlacedLabel extends Omit<LabelledCaption, "caption"> {
  /** Path below the shared data. */
  readonly file: string;
  /** Row, key or line (and sentence) within it, for people. */
  readonly id: string;
  readonly sha256: string;
}

/** Real captions, and how many labels found no text. */
export interface RealCaptions {
  readonly rows: readonly LabelledCaption[];
  /** Labels whose file lacks or holds no text with their SHA-256, as "file: id". */
  readonly missing: readonly string[];
}

const linesOf = async <Row>(name: string): Promise<Row[]> => {
  const file = fileURLToPath(new URL(`../test/data/${name}`, import.meta.url));
  const rows: Row[] = [];
  for await (const { value } of readJsonRows(file)) rows.push(value as Row);
  return rows;
};

/** The captions that we wrote. */
export const ownCaptions = (): Promise<LabelledCaption[]> => linesOf("captions.jsonl");

/** The real captions, joined with the files below `shared` (its folder `data`) by SHA-256. */
export const realCaptions = async (shared: string): Promise<RealCaptions> => {
  const texts = new Map<string, ReadonlyMap<string, string>>();
  const rows: LabelledCaption[] = [];
  const missing: string[] = [];
  for (const label of await linesOf<PlacedLabel>("real-captions.jsonl")) {
    const path = join(shared, label.file);
    let found = texts.get(path);
    if (found === undefined) {
      found = existsSync(path) ? textsOf(path) : new Map();
      texts.set(path, found);
    }
    const caption = found.get(label.sha256);
    if (caption === undefined) missing.push(`${label.file}: ${label.id}`);
    else rows.push({ caption, keywords: label.keywords, half: label.half });
  }
  return { rows, missing };
};

/** Every text of a file that may be a caption, by SHA-256: strings of JSON, fields of lines, and their sentences. */
const textsOf = (path: string): Map<string, string> => {
  const content = readFileSync(path, "utf8");
  const found = new Map<string, string>();
  const add = (text: string): void => {
    for (const piece of [text, ...text.trim().split(/(?<=[.!?])\s+/)]) found.set(sha256(piece), piece);
  };
  const walk = (value: unknown): void => {
    if (typeof value === "string") add(value);
    else if (typeof value === "object" && value !== null)
      for (const inner of Object.values(value)) walk(inner);
  };
  if (path.endsWith(".json")) walk(JSON.parse(content));
  else
    for (const line of content.split("\n"))
      if (path.endsWith(".jsonl") && line !== "") walk(JSON.parse(line));
      else for (const field of line.split(/##|\/\//)) add(field);
  return found;
};

/** Hits among what was said and what was labelled. */
export interface Score {
  hit: number;
  said: number;
  labelled: number;
  captions: number;
}

/** Counts one caption; each label counts once. */
export const addToScore = (score: Score, said: readonly string[], labelled: readonly string[]): void => {
  const left = [...labelled];
  for (const item of said) {
    const at = left.indexOf(item);
    if (at < 0) continue;
    left.splice(at, 1);
    score.hit++;
  }
  score.said += said.length;
  score.labelled += labelled.length;
  score.captions++;
};

/** "pick up cup" of an action with its object. */
export const keywordText = ({ action, object }: { action: string; object?: string }): string =>
  object === undefined ? action : `${action} ${object}`;
