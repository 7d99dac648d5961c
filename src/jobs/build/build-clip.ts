import { fileSource, type PairSource } from "../../absent/pair-source.ts";
import { sparsifiedRecord } from "../../absent/sparsify.ts";
import { UnansweredError } from "../../core/endpoint.ts";
import { DataFormatError, VideoError, VideoPerceiverError } from "../../core/errors.ts";
import type { ClipReference, Sample } from "../../dataset/sample.ts";
import { type Rejection, rowOfSample } from "../../dataset/schema.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import { type ClipEvents, clipEvents, eventsGone } from "./clip-events.ts";
import { samplesOfRow } from "./clip-samples.ts";
import type { ClipTools } from "./clip-tools.ts";
import { pairPreview, previewFrames } from "./preview.ts";
import { printOfClip } from "./print-file.ts";
import type { BuiltClip, BuiltRow, PairView, PlannedClip } from "./protocol.ts";
import { broughtPair, newPair, type RowPair } from "./row-pair.ts";
import { rememberFrames, type SeenClip } from "./seen-frames.ts";
import { storeClip, storedName } from "./store-clip.ts";
import { type TaughtRow, teachRows } from "./teach-rows.ts";

const round = (value: number, digits: number): number => Number(value.toFixed(digits));

/** At most so many points of a curve are shown. */
const curvePoints = 96;

const pairView = async (
  made: RowPair,
  found: ClipEvents,
  clip: SeenClip,
  { order }: ClipTools,
  signal: AbortSignal,
): Promise<PairView> => {
  const { timeline, durationSeconds } = clip.source;
  const step = Math.max(1, Math.ceil(made.scores.length / curvePoints));
  const times = new Map(timeline.map(({ index, timeSeconds }) => [index as number, timeSeconds]));
  const gone = eventsGone(timeline, found.events, (index) => made.view.changes(index));
  return {
    durationSeconds: round(durationSeconds, 3),
    frames: timeline.length,
    relevance: made.relevance?.name ?? "as brought",
    builder: made.absent.builder.name,
    share: round(made.view.changed.length / timeline.length, 4),
    eventsGone: gone === null ? null : round(gone, 4),
    curve: made.scores.flatMap((_, at) => {
      if (at % step !== 0) return [];
      const piece = made.scores.slice(at, at + step);
      return [[round(made.sampled[at]!.timeSeconds, 2), round(Math.max(...piece), 3)] as const];
    }),
    keys: made.absent.keyFrames.map((index) => round(times.get(index)!, 3)),
    preview: await pairPreview(clip, made.view, made.sampled, order.settings.preview, signal),
  };
};

/** The place of a row: where its source says that it stands. */
const placeOf = (row: SourceRow): string => String(row.provenance["source"] ?? row.id);

/** What the clip and the pair of a row are called where they first came from: a sample of a data set says it. */
const firstNames = ({ id, clip, provenance }: SourceRow): { readonly clip: string; readonly row: string } => {
  const said = (name: string, otherwise: string): string => {
    const value = clip.sha256 === undefined ? undefined : provenance[name];
    return typeof value === "string" ? value : otherwise;
  };
  return { clip: said("clip", clip.file), row: said("row", id) };
};

/** A clip as the data set names it. */
const referenceOf = (
  path: string,
  { clip: { sha256 }, timeline, durationSeconds }: PairSource,
  { out, settings }: ClipTools["order"],
): ClipReference => {
  const file = storedName(path, sha256, out, settings.store);
  return { file, sha256, timeline, ...(durationSeconds > 0 && { durationSeconds }) };
};

/** The worse side of a row that is a preference; its film is put into the data set. */
const rejectedSide = async (
  { rejected }: SourceRow,
  { clips, order }: ClipTools,
  signal: AbortSignal,
): Promise<Pick<Sample, "rejected">> => {
  if (rejected?.clip === undefined)
    return rejected === undefined ? {} : { rejected: { answer: rejected.answer! } };
  const { file } = rejected.clip;
  const source = await fileSource(clips.direct, file, (path) => clips.sha256(path), signal);
  const clip = referenceOf(file, source, order);
  storeClip(file, clip.sha256, order.out, order.settings.store);
  return { rejected: { ...rejected, clip } };
};

/** The print of a clip; asked for after its frames were scored, so that they are seen already. */
type Print = (alsoNeeded: readonly number[]) => Promise<string | undefined>;

/** A row that became samples, and whether its scores were computed just now: only then does its time say anything. */
interface FinishedRow {
  readonly built: BuiltRow;
  readonly isScored: boolean;
}

const finishRow = async (
  { row, sourceNumber, facts }: TaughtRow,
  place: number,
  otherCaptions: readonly string[],
  reference: ClipReference,
  printOf: Print,
  clip: SeenClip,
  tools: ClipTools,
  signal: AbortSignal,
): Promise<FinishedRow> => {
  const { settings } = tools.order;
  const { timeline, durationSeconds } = clip.source;
  const found = clipEvents(row, timeline, durationSeconds);
  const made =
    row.absent === undefined
      ? await newPair(row, clip.source, found, tools, signal)
      : await broughtPair(row, row.absent, clip.source, found, settings);
  const isSame = made.absent.replacements.length === 0;
  if (isSame && !settings.untwinned)
    throw new DataFormatError("nothing to take away", {
      got: `no frame of "${made.relevance?.name ?? "the source"}" that could be replaced`,
      hint: "another --relevance, or --untwinned keeps such rows",
    });
  const print = await printOf(previewFrames(made.sampled, made.view, settings.preview.frames));
  const samples = samplesOfRow(
    {
      row,
      clip: reference,
      absent: isSame ? undefined : made.absent,
      events: found.events,
      keywords: made.keywords,
      frames: made.sparsified?.indices,
      otherCaptions,
      facts,
      place,
      rejected: await rejectedSide(row, tools, signal),
      provenance: {
        ...row.provenance,
        ...firstNames(row),
        ...(print !== undefined && { print }),
        ...(made.relevance && { relevance: made.relevance }),
        ...(made.keywordNote !== undefined && { keywordNote: made.keywordNote }),
        ...(made.sparsified && { sparsified: sparsifiedRecord(made.sparsified, settings.sparsify!) }),
        ...(found.cutSeconds > 0 && { eventCutSeconds: round(found.cutSeconds, 3) }),
      },
    },
    tools.questions,
    settings.seed,
  );
  if (samples.length === 0)
    throw new DataFormatError("no question", {
      expected: "a question, a caption or named events",
      got: row.caption === undefined ? "a clip that nobody described" : JSON.stringify(row.caption),
    });
  const view = await pairView(made, found, clip, tools, signal);
  const built = {
    id: row.id,
    source: placeOf(row),
    sourceNumber,
    samples: samples.map(rowOfSample),
    view,
    ...(made.keywordUsage && { keywordUsage: made.keywordUsage }),
  };
  return { built, isScored: made.isScored };
};

/** The clip's print, made once, by the frames that would be scored. */
const printer = (clip: SeenClip, tools: ClipTools, signal: AbortSignal): Print => {
  const { timeline, durationSeconds } = clip.source;
  let known: Promise<string | undefined> | undefined;
  return (alsoNeeded) => {
    known ??= printOfClip(clip, tools.chooser(timeline, durationSeconds), alsoNeeded, signal);
    return known;
  };
};

/** What became of a clip, and what is no part of the result. */
export interface ClipOutcome {
  readonly built: BuiltClip;
  /** Whether the time that it took is a measure of such clips. */
  readonly isMeasure: boolean;
  /** Whether an endpoint, the teacher's or the relevance provider's, was only busy or away. */
  readonly mayAnswerLater: boolean;
}

/**
 * Makes the pairs and samples of one clip. What cannot be made is told with its reason; nothing is put in its place.
 *
 * @throws whatever is nobody's fault but the program's
 */
export const buildClip = async (
  planned: PlannedClip,
  tools: ClipTools,
  signal: AbortSignal,
): Promise<ClipOutcome> => {
  const { order, clips } = tools;
  const { position, path, rows, firstRow } = planned;
  const rejected: Rejection[] = [];
  const refuse = (row: SourceRow, ruleId: string, error: unknown): void => {
    signal.throwIfAborted();
    if (!(error instanceof VideoPerceiverError)) throw error;
    rejected.push({ source: placeOf(row), ruleId, reason: error.message.replaceAll(path, planned.name) });
  };
  const nothing = { position, sha256: null, print: null, durationSeconds: 0, rows: [] };
  let clip: SeenClip;
  let reference: ClipReference;
  try {
    clip = rememberFrames(await fileSource(clips.direct, path, (file) => clips.sha256(file), signal));
    reference = referenceOf(path, clip.source, order);
  } catch (error) {
    for (const { row } of rows) refuse(row, "clip", error);
    return { built: { ...nothing, rejected }, isMeasure: false, mayAnswerLater: false };
  }
  const finished: FinishedRow[] = [];
  const print = printer(clip, tools, signal);
  const told = (row: SourceRow, error: unknown): void => refuse(row, "teacher", error);
  const { rows: taught, usage, ...teacher } = await teachRows(rows, clip.source, tools, told, signal);
  let { mayAnswerLater } = teacher;
  const own = new Set(rows.map(({ row }) => row.caption));
  const otherCaptions = order.captions.filter((caption) => !own.has(caption));
  for (const planned of taught) {
    const { row } = planned;
    try {
      if (row.clip.sha256 !== undefined && row.clip.sha256 !== reference.sha256)
        throw new VideoError("the clip is not the one that the row means", {
          expected: `SHA-256 ${row.clip.sha256}`,
          got: reference.sha256,
        });
      const place = firstRow + rows.findIndex(({ row: { id } }) => id === row.id);
      finished.push(await finishRow(planned, place, otherCaptions, reference, print, clip, tools, signal));
    } catch (error) {
      refuse(row, "pair", error);
      mayAnswerLater ||= error instanceof UnansweredError && error.mayAnswerLater;
    }
  }
  const printed = finished.length > 0 ? await print([]) : undefined;
  if (finished.length > 0) storeClip(path, reference.sha256, order.out, order.settings.store);
  return {
    built: {
      position,
      sha256: reference.sha256,
      print: printed ?? null,
      durationSeconds: clip.source.durationSeconds,
      rows: finished.map(({ built }) => built),
      rejected,
      ...(usage && { teacherUsage: usage }),
    },
    mayAnswerLater,
    isMeasure: finished.length > 0 && finished.every(({ isScored }) => isScored),
  };
};
