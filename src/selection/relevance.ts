import type { EndpointEstimate, EndpointSpending } from "../core/endpoint-cost.ts";
import type { Progress } from "../core/progress.ts";
import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { TimeSpan } from "../core/units.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { Resizer } from "../video/request.ts";
import type { Timeline } from "../video/types.ts";
import type { OpenFrameTextScorer } from "./frame-text-scorer.ts";
import type { PeakOptions } from "./peaks.ts";

/** What only the composition root can give to a provider. */
export interface RelevanceContext {
  /** Opens our own checkpoints; needed by `checkpoint`. */
  readonly openScorer?: OpenFrameTextScorer;
  /** Known decisive spans of the clip; needed by `events` when its parameters hold none. */
  readonly spans?: readonly TimeSpan[];
  /** How endpoints are asked: where answers are kept by content, and by how many processes of this machine at once. */
  readonly endpoints?: { readonly answersFolders: readonly string[]; readonly processes: number };
  readonly progress?: Progress;
  readonly signal?: AbortSignal;
  /** Hears one line about something that stops nothing but should be known. */
  readonly onTrouble?: (line: string) => void;
}

/** What scoring takes at most where somebody else is asked. */
export interface RelevanceEstimate extends EndpointEstimate {
  readonly requests: number;
  readonly pictures: number;
}

/** The frames of one clip, in order, and what to compare them with. */
export interface RelevanceRequest {
  /** Consecutive pieces of the sampled frames; read once, so hours of video need no memory. */
  readonly frames: AsyncIterable<FrameBatch>;
  /** The sampled frames in full, so `timeline.length` scores come back. */
  readonly timeline: Timeline;
  readonly keywords: readonly string[];
  /** Empty when nobody said what happens. */
  readonly caption: string;
  readonly context: RelevanceContext;
}

/** A ready provider; close it when it holds sessions. */
export interface RelevanceProvider {
  /** One score a frame of `request.timeline`, higher = more relevant, in the provider's unit. */
  score(request: RelevanceRequest): Promise<Float64Array>;
  /** The method's version and, where weights are involved, which; known after the first `score`. */
  version(): string;
  /** The decisive spans, where they are given to it and not found by it. */
  knownSpans?(context: Pick<RelevanceContext, "spans">): readonly TimeSpan[] | undefined;
  /** What of the parameters decides the scores, where that is not all of them: recorded in their place, without addresses. */
  readonly recorded?: Readonly<Record<string, unknown>>;
  /** What an endpoint was paid since the last call; kept answers cost nothing. Left out: no endpoint is asked. */
  spent?(): EndpointSpending;
  /** What scoring so many frames takes of an endpoint at most; left out: no endpoint is asked. */
  estimate?(frames: number): RelevanceEstimate;
  close?(): Promise<void>;
}

/** A provider's file: `relevance/<name>.ts`. */
export interface RelevanceDefinition extends Plugin<RelevanceProvider> {
  /** Raised whenever the same frames would get other scores; part of every cache key and of the provenance. */
  readonly version: string;
  /** What the numbers are, e.g. "cosine in [-1, 1]". */
  readonly unit: string;
  /** What a frame costs, in words with a number and the machine it was measured on. */
  readonly costPerFrame: string;
  /** Longest side, in pixels, of the frames the provider wants; callers decode at this size. */
  readonly inputPixels: number;
  /** How frames get that size: "pillow" where a model expects the pixels that it was trained on, else "zscale". */
  readonly resizer: Resizer;
  /** How key frames are read off these scores unless somebody says otherwise; `{}` is the paper's rule. */
  readonly keyFrameRule: PeakOptions;
  /** True when keywords or caption change the scores; part of the cache key only then. */
  readonly usesText: boolean;
  /** False when parameters do not pin down the scores (weights in a folder that may change): never cached. */
  readonly remembers?: boolean;
}

/** Declares a provider. */
export const defineRelevance: Define<RelevanceDefinition> = definer("relevance provider");

/** Every relevance provider, by file name. */
export const relevanceProviders: Registry<RelevanceDefinition> = folderRegistry<RelevanceDefinition>(
  "relevance provider",
  new URL("./relevance/", import.meta.url),
);
