import { DataFormatError } from "../core/errors.ts";
import { parseJsonRows, readTextFile, sha256 } from "../core/files.ts";
import { parseHandWrittenJson } from "../core/json-text.ts";
import type { MadeBy } from "../core/registry.ts";
import { filesAt } from "./annotation-files.ts";
import type { OwnLayout } from "./benchmarks.ts";
import { foreignRow, readTable, refuseSpreadsheet } from "./formats/read-rows.ts";

/** One answer as it stands in a prediction file. */
export interface Prediction {
  readonly id: string;
  /** Null where the file has the question but no text for it. */
  readonly text: string | null;
  /** Why there is no text. */
  readonly reason?: string;
  readonly finishReason: "stop" | "length" | "timeout" | "error";
  /** What the file says is right, where another program wrote that beside the answer. */
  readonly reference?: string;
  /** What the file says was asked, where the name is only a place. */
  readonly question?: string;
}

/** A question that is answered more than once, or whose answer is no text. */
export interface PredictionFault {
  readonly id: string;
  readonly where: string;
  readonly what: string;
}

/** One way in which the questions were shown to whoever answered. */
export interface PredictedView {
  readonly intervention: MadeBy;
  /** Repetitions: 1, or as many as the records have. */
  readonly draws: number;
  /** By draw, then by question. */
  readonly answers: readonly ReadonlyMap<string, Prediction>[];
}

/** What a prediction file says. */
export interface Predictions {
  readonly file: string;
  /** Hash of the answers as they were read. */
  readonly contentHash: string;
  /** True where the answers stand in the benchmark's own layout. */
  readonly inOwnLayout: boolean;
  /** True where the ids are only the rows' numbers in the benchmark, from 0, as lmms-eval and VLMEvalKit count. */
  readonly byPosition: boolean;
  /** The complete clip first. Plain predictions have this one only. */
  readonly views: readonly PredictedView[];
  /** Whose answers they are, where our own records say so. */
  readonly subject: string | null;
  /** What our own records say of the benchmark that was asked. */
  readonly benchmark: {
    readonly params: Readonly<Record<string, unknown>>;
    readonly split: string | null;
  } | null;
  readonly repeated: readonly PredictionFault[];
  readonly unusable: readonly PredictionFault[];
}

const idFields = ["id", "uid", "question_id", "questionId", "qid"] as const;
// A row's "answer" is the reference where a prediction stands beside it, so it is looked at last.
const textFields = ["rawOutput", "prediction", "pred", "output", "response", "answer"] as const;

const layouts =
  'a JSON object {"<question id>": "text"}, or an array or lines of rows ' +
  `with one of ${idFields.join(", ")} and one of ${textFields.join(", ")}; or what lmms-eval or VLMEvalKit write`;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isName = (value: unknown): value is string | number =>
  typeof value === "number" || (typeof value === "string" && value !== "");

const shortened = (value: unknown): string => JSON.stringify(value)?.slice(0, 60) ?? "nothing";

/** The text of an answer: text and numbers as they are; anything else is none, and why. */
const textOf = (value: unknown): Pick<Prediction, "text" | "reason"> => {
  if (typeof value === "string") return { text: value };
  if (typeof value === "number") return { text: String(value) };
  return { text: null, reason: `an answer that is no text: ${shortened(value)}` };
};

interface Row {
  readonly where: string;
  readonly prediction: Prediction;
  readonly intervention: MadeBy;
  readonly draw: number;
  readonly isPosition: boolean;
}

const completeView: MadeBy = { name: "complete", params: {} };

const rowOf = (value: unknown, where: string): Row => {
  const wrong = (got: unknown): DataFormatError =>
    new DataFormatError("not a prediction", { where, expected: layouts, got: shortened(got) });
  if (!isObject(value)) throw wrong(value);
  const foreign = foreignRow(value);
  if (foreign !== undefined) {
    const { id, isPosition, answer, reference, failure } = foreign;
    const { text, reason } = failure === undefined ? textOf(answer) : { text: null, reason: failure };
    const prediction = {
      id,
      text,
      finishReason: failure === undefined ? ("stop" as const) : ("error" as const),
      ...(reason === undefined ? {} : { reason }),
      ...(reference === null ? {} : { reference }),
    };
    return { where, prediction, intervention: completeView, draw: 0, isPosition };
  }
  const id = idFields.map((field) => value[field]).find((one) => one !== undefined && one !== null);
  if (!isName(id)) throw wrong(value);
  const field = textFields.find((one) => one in value);
  if (field === undefined) throw wrong(value);
  const given = value["finishReason"];
  const lost = given === "error" || given === "timeout" || given === "missing";
  const failed = { text: null, reason: String(value["error"] ?? given) };
  const { text, reason } = lost ? failed : textOf(value[field]);
  const finishReason = given === "error" || given === "timeout" || given === "length" ? given : "stop";
  const recorded = value["intervention"];
  const draw = value["draw"];
  return {
    where,
    prediction: { id: String(id), text, finishReason, ...(reason === undefined ? {} : { reason }) },
    intervention:
      isObject(recorded) && typeof recorded["name"] === "string"
        ? (recorded as unknown as MadeBy)
        : completeView,
    isPosition: false,
    draw: typeof draw === "number" && Number.isInteger(draw) && draw >= 0 ? draw : 0,
  };
};

/** One JSON value of a file and its place. */
interface PlacedValue {
  readonly where: string;
  readonly value: unknown;
}

/** A row that is not in the layout of the others: an answer without text, named by its id or else by its place. */
const unreadable = ({ where, value }: PlacedValue): Row => {
  const id = isObject(value) ? idFields.map((field) => value[field]).find(isName) : undefined;
  const reason = `not in the layout of the other rows: ${shortened(value)}`;
  return {
    where,
    prediction: { id: String(id ?? where), text: null, finishReason: "stop", reason },
    ...{ intervention: completeView, draw: 0, isPosition: false },
  };
};

/** The one JSON document of a file, or its JSON lines. */
const documentsOf = (file: string, text: string): PlacedValue[] => {
  const lines = text.split(/\r\n|[\r\n]/).filter((line) => line.trim() !== "");
  if (lines.length === 0)
    throw new DataFormatError("no predictions", { where: file, expected: layouts, got: "an empty file" });
  // A damaged later line is named as a line where the first one is a whole row.
  if (/^\s*\{.*\}\s*,\s*$/s.test(lines[0]!) || (lines.length > 1 && /^\s*\{.*\}\s*$/s.test(lines[0]!)))
    return parseJsonRows(text, file);
  return [{ where: file, value: parseHandWrittenJson(text, file) }];
};

const rowsOfTable = (file: string): PlacedValue[] => {
  const rows = readTable(file).map((value, at) => ({ where: `${file}, row ${at + 1}`, value }));
  if (rows.length > 0) return rows;
  throw new DataFormatError("no predictions", { where: file, expected: layouts, got: "an empty table" });
};

/** The rows of a document: of a list, or of an object by question. */
const spread = ({ where: file, value: document }: PlacedValue): PlacedValue[] => {
  if (Array.isArray(document)) return document.map((value, i) => ({ where: `${file}, row ${i + 1}`, value }));
  const isRow =
    isObject(document) &&
    idFields.some((field) => field in document) &&
    textFields.some((field) => field in document);
  if (!isObject(document) || isRow) return [{ where: file, value: document }];
  return Object.entries(document).map(([id, answer]) => {
    const isNested = isObject(answer) && textFields.some((field) => field in answer);
    return { where: `${file}, ${JSON.stringify(id)}`, value: isNested ? { ...answer, id } : { id, answer } };
  });
};

/** The rows of documents in a benchmark's own layout, of which a list may hold the lines; undefined for another layout. */
const rowsInOwnLayout = (documents: readonly PlacedValue[], own: OwnLayout): Row[] | undefined => {
  const read = documents.flatMap((document) => {
    const answers = own.read(document.value, document.where);
    if (answers !== undefined || !Array.isArray(document.value)) return [{ document, answers }];
    return spread(document).map((one) => ({ document: one, answers: own.read(one.value, one.where) }));
  });
  if (!read.some(({ answers }) => answers !== undefined && answers.length > 0)) return undefined;
  return read.flatMap(
    ({ document, answers }) =>
      answers?.map(({ id, answer, where, question }) => {
        const row = rowOf({ id, answer }, where);
        return question === undefined ? row : { ...row, prediction: { ...row.prediction, question } };
      }) ?? [unreadable(document)],
  );
};

interface FileRows {
  readonly rows: readonly Row[];
  readonly values: readonly PlacedValue[];
  readonly isOwn: boolean;
}

/** The rows of a file: in the benchmark's own layout where it is that, else in the plain one. */
const rowsOfFile = (file: string, own: OwnLayout | undefined): FileRows => {
  refuseSpreadsheet(file);
  const isTable = /\.[tc]sv$/i.test(file);
  const documents = isTable ? rowsOfTable(file) : documentsOf(file, readTextFile(file));
  const owned = own === undefined ? undefined : rowsInOwnLayout(documents, own);
  if (owned !== undefined) return { rows: owned, values: [], isOwn: true };
  const values = documents.length === 1 && !isTable ? spread(documents[0]!) : documents;
  return { rows: values.map(({ value, where }) => rowOf(value, where)), values, isOwn: false };
};

/** The views of rows: the first answer of a question counts, further ones are faults. */
const viewsOf = (rows: readonly Row[]): Pick<Predictions, "views" | "repeated"> => {
  const views = new Map<string, { intervention: MadeBy; answers: Map<string, Prediction>[] }>();
  const repeated: PredictionFault[] = [];
  for (const { where, prediction, intervention, draw } of rows) {
    const key = JSON.stringify(intervention);
    const view = views.get(key) ?? { intervention, answers: [] };
    views.set(key, view);
    while (view.answers.length <= draw) view.answers.push(new Map());
    const answers = view.answers[draw]!;
    const before = answers.get(prediction.id);
    if (before === undefined) answers.set(prediction.id, prediction);
    else
      repeated.push({
        id: prediction.id,
        where,
        what:
          before.text === prediction.text ? "the same answer again" : "another answer to the same question",
      });
  }
  const isComplete = ({ intervention }: { intervention: MadeBy }): number =>
    intervention.name === "complete" ? 0 : 1;
  return {
    views: [...views.values()]
      .sort((a, b) => isComplete(a) - isComplete(b))
      .map((view) => ({ ...view, draws: view.answers.length })),
    repeated,
  };
};

/**
 * Reads predictions: a JSON object `{ id: text }`, an array of rows, lines of rows, our own records with all the views
 * that they were answered under, or the benchmark's own layout; of a folder every file in that layout. A row's answer is never mistaken for the reference that may stand beside it.
 *
 * Answers that are no text (null, lists) and questions answered twice do not stop the reading; they are named.
 *
 * @throws {DataFormatError} for an empty file, another layout, or records of several subjects
 */
export const readPredictions = (file: string, own?: OwnLayout): Predictions => {
  const files = filesAt(file, own?.files ?? /\.jsonl?$/, "predictions").map((one) => rowsOfFile(one, own));
  const rows = files.flatMap((one) => one.rows);
  if (rows.length === 0)
    throw new DataFormatError("no predictions", { where: file, expected: layouts, got: "no row" });
  const values = files.flatMap((one) => one.values);
  const recorded = values.flatMap(({ value }) =>
    isObject(value) &&
    typeof value["schema"] === "string" &&
    value["schema"].startsWith("videoperceiver/record@")
      ? [value]
      : [],
  );
  const subjects = [...new Set(recorded.map((record) => String(record["subject"])))];
  if (subjects.length > 1)
    throw new DataFormatError("records of several subjects", {
      where: file,
      expected: "one subject's answers",
      got: subjects.slice(0, 4).join(", "),
    });
  const [first] = recorded;
  const { benchmarkParams, split } = first ?? {};
  return {
    file,
    contentHash: sha256(JSON.stringify(rows.map(({ where: _, ...row }) => row))),
    byPosition: rows.every(({ isPosition }) => isPosition),
    inOwnLayout: files.every(({ isOwn }) => isOwn),
    ...viewsOf(rows),
    subject: subjects[0] ?? null,
    benchmark:
      first === undefined
        ? null
        : {
            params: isObject(benchmarkParams) ? benchmarkParams : {},
            split: typeof split === "string" ? split : null,
          },
    unusable: rows.flatMap(({ where, prediction: { id, text: given, reason = "" } }) =>
      given === null ? [{ id, where, what: reason }] : [],
    ),
  };
};
