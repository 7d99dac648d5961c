import type { VisionShape } from "../../../model/family.ts";
import type { LanguageShape } from "../../../model/language-shape.ts";
import type { FeedArray } from "../../contract.ts";
import type { SignalShape } from "../../objective-signals.ts";

/** A batch as the graphs of the embedded engine take it: what their shapes depend on, and the numbers to feed. */
export interface ModelBatch {
  readonly language: LanguageShape;
  /** Undefined: no pictures, or `language.visualTokens` of them are fed ready. */
  readonly vision: VisionShape | undefined;
  readonly feeds: Readonly<Record<string, FeedArray>>;
  /** What the sizes of an objective on this batch depend on. */
  readonly signals: SignalShape;
}
