import { z } from "zod";
import { ConfigError, DataFormatError } from "../core/errors.ts";
import { nearestName } from "../core/nearest.ts";
import { answerKinds } from "../grading/grade-answer.ts";
import { asUserMessages } from "./chat-messages.ts";
import type { EventSpan } from "./sample.ts";
import type { SourceRow, UnreadRow } from "./sources.ts";
import { secondsOfClock } from "./subtitles.ts";

/** What a column can mean, with the names under which it is found by itself, best first. */
const meanings = {
  clip: "clip video videopath videofile clippath clipfile file filename filepath path videoname clipname videoid vid name",
  caption: "caption captions description sentence text label title query summary annotation",
  question: "question prompt problem instruction",
  answer: "answer solution response target",
  id: "id sampleid questionid qid problemid",
  options: "options choices candidates",
  kind: "kind answerkind",
  skill: "skill",
  split: "split",
  keywords: "keywords",
  start: "start starttime startseconds startsec startsecond begin",
  end: "end endtime endseconds endsec endsecond stop",
  events: "events spans",
} as const;

/** Meaning of a column. */
export type ColumnMeaning = keyof typeof meanings;

const columnMeanings = Object.keys(meanings) as ColumnMeaning[];

const column = (what: string): z.ZodOptional<z.ZodString> =>
  z.string().min(1).optional().describe(`column with ${what}`);

type ColumnSchema = z.ZodOptional<z.ZodString>;

/** Parameters of a source that is a table: which column means what; sensible names are found by themselves. */
export const tableParams: Record<ColumnMeaning, ColumnSchema> & { separator: z.ZodDefault<z.ZodString> } = {
  clip: column("the clip's path or name"),
  caption: column("what happens in the clip"),
  question: column("a question"),
  answer: column("its answer"),
  id: column("the row's name"),
  options: column("the options of a choice question"),
  kind: column(`the kind of answer: ${answerKinds.join(", ")}`),
  skill: column("the family of questions"),
  split: column("the part of the data set"),
  keywords: column("keywords"),
  start: column("the second in which the event starts"),
  end: column("the second in which it ends"),
  events: column('events: "1.2-1.6 falls; 3-3.4 rises", or a list of { start, end, what }'),
  separator: z
    .string()
    .min(1)
    .default("|")
    .describe("between the options, and between the keywords, of a cell"),
};

/** Which column of a table has which meaning. */
export type ColumnChoice = Readonly<Partial<Record<ColumnMeaning, string>>>;

const plain = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/**
 * The columns of a table: those that were named, others by their names.
 *
 * @param names the columns that there are
 * @throws {ConfigError} for a named column that is not there
 * @throws {DataFormatError} when none says which clip a row is about
 */
export const chooseColumns = (names: readonly string[], named: ColumnChoice, where: string): ColumnChoice => {
  const chosen: Partial<Record<ColumnMeaning, string>> = {};
  for (const meaning of columnMeanings) {
    const wanted = named[meaning];
    if (wanted === undefined) continue;
    if (!names.includes(wanted)) {
      const nearest = nearestName(wanted, names);
      throw new ConfigError(`no column "${wanted}"`, {
        where,
        expected: names.join(", "),
        ...(nearest !== undefined && { hint: `did you mean "${nearest}"?` }),
      });
    }
    chosen[meaning] = wanted;
  }
  const taken = new Set(Object.values(chosen));
  for (const meaning of columnMeanings) {
    if (chosen[meaning] !== undefined) continue;
    const found = meanings[meaning]
      .split(" ")
      .map((known) => names.find((name) => plain(name) === known && !taken.has(name)))
      .find((name) => name !== undefined);
    if (found === undefined) continue;
    chosen[meaning] = found;
    taken.add(found);
  }
  if (chosen.clip === undefined && chosen.id !== undefined) {
    const { id, ...rest } = chosen;
    return { ...rest, clip: id };
  }
  if (chosen.clip === undefined)
    throw new DataFormatError("no column names the clips", {
      where,
      expected: `a column such as ${meanings.clip.split(" ").slice(0, 4).join(", ")}`,
      got: names.slice(0, 12).join(", "),
      hint: "name it: --columns clip=NAME,caption=NAME",
    });
  return chosen;
};

/** What pandas writes for a value that is missing. */
const missing: ReadonlySet<string> = new Set(["nan", "NaN", "<NA>"]);

/** What a list of one holds; nothing of an empty one. */
const alone = (value: unknown): unknown => (Array.isArray(value) && value.length < 2 ? value[0] : value);

/** @throws {DataFormatError} for what is no text: nothing is made of it */
const text = (cell: unknown, column?: string): string => {
  const value = alone(cell);
  if (value === undefined || value === null) return "";
  if (typeof value === "object")
    throw new DataFormatError("not one text", {
      ...(column !== undefined && { where: JSON.stringify(column) }),
      got: JSON.stringify(value).slice(0, 80),
    });
  const said = String(value).trim();
  return missing.has(said) ? "" : said;
};

const parts = (value: unknown, separator: string): string[] =>
  (Array.isArray(value) ? value.map((one) => text(one)) : text(value).split(separator)).flatMap(
    (part) => part.trim() || [],
  );

const eventInList = z.object({
  start: z.number().optional(),
  startSeconds: z.number().optional(),
  end: z.number().optional(),
  endSeconds: z.number().optional(),
  what: z.string().optional(),
});

const checkedSpan = (startSeconds: number, endSeconds: number, what: string): EventSpan => {
  if (startSeconds >= 0 && endSeconds > startSeconds) return { startSeconds, endSeconds, what };
  throw new DataFormatError("not an event", {
    expected: "an end after its start, in seconds from the first frame",
    got: `${startSeconds} to ${endSeconds}`,
  });
};

const seconds = (value: unknown, what: string): number => {
  const clock = secondsOfClock(text(value));
  if (clock !== undefined) return clock;
  const number = Number(text(value));
  if (text(value) !== "" && Number.isFinite(number)) return number;
  throw new DataFormatError(`bad ${what}`, {
    expected: "seconds, or hours:minutes:seconds",
    got: JSON.stringify(value),
  });
};

/** Events of a cell: a list of objects, its JSON, or `1.2-1.6 what; 3-3.4 what`. */
const eventsOf = (value: unknown, caption: string): EventSpan[] => {
  let list = value;
  const written = Array.isArray(value) ? "" : text(value, "events");
  if (typeof value === "string" && written.startsWith("["))
    try {
      list = JSON.parse(written);
    } catch {
      throw new DataFormatError("bad events", { expected: "a JSON list", got: written.slice(0, 80) });
    }
  if (Array.isArray(list))
    return list.map((one) => {
      const parsed = eventInList.safeParse(one);
      const from = parsed.data?.startSeconds ?? parsed.data?.start;
      const to = parsed.data?.endSeconds ?? parsed.data?.end;
      if (from === undefined || to === undefined)
        throw new DataFormatError("not an event", {
          expected: '{ "start": 1.2, "end": 1.6, "what": "falls" }',
          got: JSON.stringify(one).slice(0, 80),
        });
      return checkedSpan(from, to, parsed.data?.what ?? caption);
    });
  return parts(written, ";").map((part) => {
    const found = /^(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)\s*s?\s*(.*)$/.exec(part);
    if (found === null)
      throw new DataFormatError("not an event", { expected: '"1.2-1.6 what happens"', got: part });
    return checkedSpan(Number(found[1]), Number(found[2]), found[3] || caption);
  });
};

const kindSchema = z.enum(answerKinds);

/** The question of a row; nothing where the row only describes its clip. */
const questionOf = (
  cell: (meaning: ColumnMeaning) => unknown,
  said: (meaning: ColumnMeaning) => string,
  clip: string,
  separator: string,
): Partial<SourceRow> => {
  const [question, answer] = [said("question"), said("answer")];
  if (question === "" && answer === "") return {};
  if (question === "" || answer === "")
    throw new DataFormatError("half a question", {
      expected: "question and answer",
      got: question === "" ? "an answer only" : "a question only",
    });
  const options = parts(cell("options"), separator);
  if (options.length === 1)
    throw new DataFormatError("a choice of one", {
      expected: `two options or more, separated by "${separator}"`,
      got: JSON.stringify(options[0]),
    });
  const kind = said("kind");
  const parsed = kindSchema.safeParse(kind || (options.length > 0 ? "choice" : "open"));
  if (!parsed.success)
    throw new DataFormatError("unknown kind of answer", { expected: answerKinds.join(", "), got: kind });
  return {
    messages: asUserMessages(clip, question),
    answer,
    answerKind: parsed.data,
    ...(options.length > 0 && { options }),
  };
};

/** A record of a table and where it stands. */
export interface TableRecord {
  readonly fields: Readonly<Record<string, unknown>>;
  /** `file:line`. */
  readonly where: string;
  /** The same without folders; the row's name where it has none. */
  readonly name: string;
}

/** The row that a record is. @throws {DataFormatError} for one that is none */
const readRecord = (record: TableRecord, columns: ColumnChoice, separator: string): SourceRow => {
  const { fields, name } = record;
  const cell = (meaning: ColumnMeaning): unknown => {
    const found = columns[meaning];
    return found === undefined ? undefined : fields[found];
  };
  const said = (meaning: ColumnMeaning): string => text(cell(meaning), columns[meaning]);
  const clip = said("clip");
  if (clip === "") throw new DataFormatError("no clip", { expected: `a name in "${columns.clip}"` });
  const caption = said("caption");
  const keywords = parts(cell("keywords"), separator);
  const [skill, split] = [said("skill"), said("split")];
  const events = eventsOf(cell("events"), caption);
  if (said("start") !== "" || said("end") !== "")
    events.push(checkedSpan(seconds(cell("start"), "start"), seconds(cell("end"), "end"), caption));
  const used = new Set(Object.values(columns));
  const others = Object.fromEntries(
    Object.entries(fields).filter(([key, value]) => !used.has(key) && value !== "" && value !== null),
  );
  return {
    id: said("id") || name,
    clip: { file: clip },
    ...questionOf(cell, said, clip, separator),
    ...(caption && { caption }),
    ...(keywords.length > 0 && { keywords }),
    ...(events.length > 0 && { events }),
    ...(skill && { skill }),
    ...(split && { split }),
    provenance: { ...others, source: name, ...(caption && { caption }) },
  };
};

/** The row of a record, or why it is none. */
export const tableRow = (
  record: TableRecord,
  columns: ColumnChoice,
  separator: string,
): SourceRow | UnreadRow => {
  try {
    return readRecord(record, columns, separator);
  } catch (error) {
    if (!(error instanceof DataFormatError)) throw error;
    return { unread: { where: record.where, reason: error.message } };
  }
};
