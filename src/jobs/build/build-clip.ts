import { type AbsentBuilder, absentBuilders } from "../../absent/builders.ts";
import { makePair } from "../../absent/make-pair.ts";
import type { Pair } from "../../absent/pair.ts";
import { fileSource, type PairSource } from "../../absent/pair-source.ts";
import { type FrameChooser, frameChooser } from "../../absent/scored-frames.ts";
import { type TwinView, twinView } from "../../absent/twin-view.ts";
import { DataFormatError, VideoError, VideoPerceiverError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import type { Made } from "../../core/registry.ts";
import { type QuestionBuilder, questionBuilders } from "../../dataset/questions.ts";
import type { AbsentReference, ClipReference } from "../../dataset/sample.ts";
import { type Rejection, rowOfSample } from "../../dataset/schema.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import { type ChosenRelevance, chooseRelevance } from "../../selection/relevance-choice.ts";
import type { Timeline } from "../../video/types.ts";
import { type Clips, openClips } from "../clips.ts";
import { openScorer } from "../open-scorer.ts";
import { type ClipEvents, clipEvents, eventsGone } from "./clip-events.ts";
import { samplesOfRow } from "./clip-samples.ts";
import { pairPreview, previewFrames } from "./preview.ts";
import { printOfClip } from "./print-file.ts";
import type {
  BuildOrder,
  BuiltClip,
  BuiltRow,
  ClipSettings,
  PairView,
  PlannedClip,
  PlannedRow,
} from "./protocol.ts";
import { rememberFrames, type SeenClip } from "./seen-frames.ts";
import { storeClip } from "./store-clip.ts";

/** What a worker holds open while it makes one clip after the other. */
export interface ClipTools extends AsyncDisposable {
  readonly order: BuildOrder;
  readonly clips: Clips;
  readonly builder: Made<AbsentBuilder>;
  readonly questions: readonly Made<QuestionBuilder>[];
  readonly chooser: FrameChooser;
  /** The provider of a name; opened once. */
  relevance(name: string): Promise<ChosenRelevance>;
}

/**
 * Opens what the order names.
 *
 * @throws {UnknownNameError} for an unknown provider, builder or question builder
 * @throws {ConfigError} for bad parameters
 */
export const openClipTools = async (order: BuildOrder, warn: (line: string) => void): Promise<ClipTools> => {
  const { settings, reading } = order;
  const builder = await absentBuilders.choose(settings.builder);
  const questions = await Promise.all(settings.questions.map((name) => questionBuilders.choose(name)));
  const chooser = await frameChooser(settings.scored);
  const known = new Map<string, Promise<ChosenRelevance>>();
  const relevance = (name: string): Promise<ChosenRelevance> => {
    const found = known.get(name) ?? chooseRelevance(name);
    known.set(name, found);
    return found;
  };
  if (settings.relevance !== "auto") await relevance(settings.relevance);
  const clips = openClips({ ...reading, workers: 1 }, warn);
  return {
    order,
    clips,
    builder,
    questions,
    chooser,
    relevance,
    [Symbol.asyncDispose]: async () => {
      for (const one of known.values()) await (await one).made.value.close?.();
      await clips[Symbol.asyncDispose]();
    },
  };
};

/** A row's pair, or that it was there already. */
interface RowPair {
  readonly absent: AbsentReference;
  readonly view: TwinView;
  readonly sampled: Timeline;
  readonly scores: readonly number[];
  readonly keywords: readonly string[];
  /** What found the key frames; nothing where the pair was brought along. */
  readonly relevance: Pair["relevance"] | undefined;
}

/** Which provider scores a row's clip. */
const relevanceOf = ({ relevance }: ClipSettings, { events }: ClipEvents): string => {
  if (relevance !== "auto") return relevance;
  return events.length > 0 ? "events" : "motion";
};

const broughtPair = async (row: SourceRow, absent: AbsentReference, timeline: Timeline): Promise<RowPair> => {
  const last = timeline.length;
  const outside = absent.replacements.find(({ index, from }) => index >= last || from >= last);
  if (outside !== undefined)
    throw new DataFormatError("a twin of another clip", {
      expected: `frames 0 to ${last - 1}`,
      got: `frame ${Math.max(outside.index, outside.from)}`,
    });
  const view = await twinView(absent);
  return { absent, view, sampled: timeline, scores: [], keywords: row.keywords ?? [], relevance: undefined };
};

const newPair = async (
  row: SourceRow,
  source: PairSource,
  found: ClipEvents,
  tools: ClipTools,
  signal: AbortSignal,
): Promise<RowPair> => {
  const { settings } = tools.order;
  const name = relevanceOf(settings, found);
  const byEvents = name === "events";
  const { pair, view } = await makePair(
    source,
    {
      caption: row.caption ?? "",
      ...(row.keywords && { keywords: row.keywords }),
      extractor: settings.extractor,
      relevance: await tools.relevance(name),
      builder: tools.builder,
      seed: Number.parseInt(sha256(`${settings.seed}/${source.clip.sha256}/${row.id}`).slice(0, 8), 16),
      // Known events are read off the clock: every frame of them goes, and none is decoded for it.
      sampled:
        byEvents && settings.scored === "auto"
          ? source.timeline
          : tools.chooser(source.timeline, source.durationSeconds),
      allowNothing: true,
    },
    {
      openScorer,
      spans: found.events,
      signal,
      ...(tools.clips.scoresFolder !== undefined && { scoresFolder: tools.clips.scoresFolder }),
    },
  );
  const { keyFrames, replacements, builder, keywords, scores, relevance } = pair;
  return {
    absent: { keyFrames, replacements, builder },
    view,
    sampled: pair.timeline,
    scores,
    keywords,
    relevance,
  };
};

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

/** The print of a clip; asked for after its frames were scored, so that they are seen already. */
type Print = (alsoNeeded: readonly number[]) => Promise<string | undefined>;

const finishRow = async (
  { row, sourceNumber }: PlannedRow,
  reference: ClipReference,
  printOf: Print,
  clip: SeenClip,
  tools: ClipTools,
  signal: AbortSignal,
): Promise<BuiltRow> => {
  const { settings } = tools.order;
  const { timeline, durationSeconds } = clip.source;
  const found = clipEvents(row, timeline, durationSeconds);
  const made =
    row.absent === undefined
      ? await newPair(row, clip.source, found, tools, signal)
      : await broughtPair(row, row.absent, timeline);
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
      provenance: {
        ...row.provenance,
        clip: row.clip.file,
        ...(print !== undefined && { print }),
        ...(made.relevance && { relevance: made.relevance }),
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
  return { id: row.id, source: placeOf(row), sourceNumber, samples: samples.map(rowOfSample), view };
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

/**
 * Makes the pairs and samples of one clip. What cannot be made is told with its reason; nothing is put in its place.
 *
 * @throws whatever is nobody's fault but the program's
 */
export const buildClip = async (
  planned: PlannedClip,
  tools: ClipTools,
  signal: AbortSignal,
): Promise<BuiltClip> => {
  const { order, clips } = tools;
  const { position, path, rows } = planned;
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
    const { timeline, durationSeconds } = clip.source;
    const content = clip.source.clip.sha256;
    const file = storeClip(path, content, order.out, order.settings.store);
    reference = { file, sha256: content, timeline, ...(durationSeconds > 0 && { durationSeconds }) };
  } catch (error) {
    for (const { row } of rows) refuse(row, "clip", error);
    return { ...nothing, rejected };
  }
  const finished: BuiltRow[] = [];
  const print = printer(clip, tools, signal);
  for (const planned of rows) {
    const { row } = planned;
    try {
      if (row.clip.sha256 !== undefined && row.clip.sha256 !== reference.sha256)
        throw new VideoError("the clip is not the one that the row means", {
          expected: `SHA-256 ${row.clip.sha256}`,
          got: reference.sha256,
        });
      finished.push(await finishRow(planned, reference, print, clip, tools, signal));
    } catch (error) {
      refuse(row, "pair", error);
    }
  }
  return {
    position,
    sha256: reference.sha256,
    print: (finished.length > 0 ? await print([]) : undefined) ?? null,
    durationSeconds: clip.source.durationSeconds,
    rows: finished,
    rejected,
  };
};
