import type { KeywordUsage } from "../../absent/keywords.ts";
import { makePair } from "../../absent/make-pair.ts";
import type { Pair } from "../../absent/pair.ts";
import type { PairSource } from "../../absent/pair-source.ts";
import {
  type SparsifiedFrames,
  sparsifiedByEvents,
  sparsifiedFrames,
} from "../../absent/sparsified-frames.ts";
import { type TwinView, twinView } from "../../absent/twin-view.ts";
import { DataFormatError } from "../../core/errors.ts";
import { sha256 } from "../../core/files.ts";
import type { AbsentReference } from "../../dataset/sample.ts";
import type { SourceRow } from "../../dataset/sources.ts";
import type { Timeline } from "../../video/types.ts";
import { openScorer } from "../open-scorer.ts";
import type { ClipEvents } from "./clip-events.ts";
import type { ClipTools } from "./clip-tools.ts";
import type { ClipSettings } from "./protocol.ts";

/** A row's pair, or that it was there already. */
export interface RowPair {
  readonly absent: AbsentReference;
  readonly view: TwinView;
  readonly sampled: Timeline;
  readonly scores: readonly number[];
  readonly keywords: readonly string[];
  /** What found the key frames; nothing where the pair was brought along. */
  readonly relevance: Pair["relevance"] | undefined;
  /** Why the caption gave no keywords, or not all. */
  readonly keywordNote: string | undefined;
  readonly keywordUsage: KeywordUsage | undefined;
  /** The frames that are looked at, where they are chosen with the sample. */
  readonly sparsified: SparsifiedFrames | undefined;
  /** Whether the scores were computed for this pair, and not brought along or kept from before. */
  readonly isScored: boolean;
}

/** Which provider scores a row's clip. */
const relevanceOf = ({ relevance }: ClipSettings, { events }: ClipEvents): string => {
  if (relevance !== "auto") return relevance;
  return events.length > 0 ? "events" : "motion";
};

/** The pair that a row brings along. @throws {DataFormatError} when it is of another clip */
export const broughtPair = async (
  row: SourceRow,
  absent: AbsentReference,
  { timeline, durationSeconds }: PairSource,
  { events }: ClipEvents,
  { sparsify }: ClipSettings,
): Promise<RowPair> => {
  const last = timeline.length;
  const outside = absent.replacements.find(({ index, from }) => index >= last || from >= last);
  if (outside !== undefined)
    throw new DataFormatError("a twin of another clip", {
      expected: `frames 0 to ${last - 1}`,
      got: `frame ${Math.max(outside.index, outside.from)}`,
    });
  const view = await twinView(absent);
  return {
    absent,
    view,
    sampled: timeline,
    scores: [],
    keywords: row.keywords ?? [],
    relevance: undefined,
    keywordNote: undefined,
    keywordUsage: undefined,
    sparsified:
      sparsify === undefined
        ? undefined
        : sparsifiedByEvents({ timeline, durationSeconds }, events, sparsify),
    isScored: false,
  };
};

/** The pair of a row by known events, or by what a provider finds. */
export const newPair = async (
  row: SourceRow,
  source: PairSource,
  found: ClipEvents,
  tools: ClipTools,
  signal: AbortSignal,
): Promise<RowPair> => {
  const { settings } = tools.order;
  const name = relevanceOf(settings, found);
  const byEvents = name === "events";
  const made = await makePair(
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
      endpoints: tools.endpoints,
      onTrouble: tools.warn,
      ...(tools.clips.scoresFolder !== undefined && { scoresFolder: tools.clips.scoresFolder }),
    },
  );
  const { pair, view, noKeywords, keywordWarnings, keywordUsage, cached } = made;
  const { keyFrames, replacements, builder, keywords, scores, relevance } = pair;
  const { sparsify } = settings;
  return {
    absent: { keyFrames, replacements, builder },
    view,
    sampled: pair.timeline,
    scores,
    keywords,
    relevance,
    keywordNote: noKeywords ?? keywordWarnings?.join("; "),
    keywordUsage,
    sparsified:
      sparsify === undefined
        ? undefined
        : found.events.length > 0
          ? sparsifiedByEvents(source, found.events, sparsify)
          : sparsifiedFrames(made, sparsify),
    isScored: !cached,
  };
};
