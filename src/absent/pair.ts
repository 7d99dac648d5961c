import type { Recipe } from "../core/registry.ts";
import type { Timeline } from "../video/types.ts";

/** A file by name (relative to the pair's folder) and content. */
export interface FileReference {
  readonly file: string;
  readonly sha256: string;
}

/** Frame `index` of the absent clip shows what frame `from` of the complete clip shows. */
export interface Replacement {
  readonly index: number;
  readonly from: number;
}

/** A complete clip and its key-information-absent twin, as `pair.json` stores it. No `absent` file: a virtual pair. */
export interface Pair {
  readonly schema: "videoperceiver/pair@1";
  readonly complete: FileReference;
  readonly absent?: FileReference;
  readonly timeline: Timeline;
  readonly keywords: readonly string[];
  readonly relevance: Recipe & { readonly version: string };
  /** One score a scored frame; same length as `timeline`. */
  readonly scores: readonly number[];
  readonly keyFrames: readonly number[];
  readonly replacements: readonly Replacement[];
  readonly builder: Recipe;
  readonly seed: number;
}
