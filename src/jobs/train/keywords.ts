import { type KeywordExtractor, keywordExtractors } from "../../absent/keywords.ts";
import { DataFormatError } from "../../core/errors.ts";
import type { Sample } from "../../dataset/sample.ts";
import type { Tokenizer } from "../../text/tokenizer.ts";
import type { SampleGroup } from "./rows.ts";

/** The text that says most of what happens: the longest open answer. */
const captionOf = (samples: readonly Sample[]): string =>
  samples
    .filter(({ answerKind }) => answerKind === "open")
    .map(({ answer }) => answer)
    .reduce((longest, answer) => (answer.length > longest.length ? answer : longest), "");

/** Keywords of a group as tokens: those of its rows, else those of its caption. */
export class GroupKeywords {
  readonly #extractor: KeywordExtractor;
  readonly #tokenizer: Tokenizer;

  private constructor(extractor: KeywordExtractor, tokenizer: Tokenizer) {
    this.#extractor = extractor;
    this.#tokenizer = tokenizer;
  }

  /** @param named extractor as `NAME` or `NAME:key=value,...` */
  static async make(named: string, tokenizer: Tokenizer): Promise<GroupKeywords> {
    return new GroupKeywords((await keywordExtractors.choose(named)).value, tokenizer);
  }

  /** @throws {DataFormatError} for a group about which nothing can be said */
  async of({ samples }: SampleGroup, signal: AbortSignal): Promise<readonly number[]> {
    const stated = samples.find(({ keywords }) => (keywords ?? []).length > 0)?.keywords;
    const words = stated ?? (await this.#extracted(captionOf(samples), signal));
    return this.#tokenizer.encode(words.join(", "));
  }

  async #extracted(caption: string, signal: AbortSignal): Promise<readonly string[]> {
    if (caption === "")
      throw new DataFormatError("no keywords to contrast with", {
        expected: "keywords in the row, or an open answer that they are in",
      });
    const outcome = await this.#extractor.extract(caption, signal);
    if (outcome.status === "ok" && outcome.keywords.length > 0) return outcome.keywords;
    const reason = outcome.status === "ok" ? "none" : outcome.reason;
    throw new DataFormatError("no keywords to contrast with", { where: caption, got: reason });
  }
}
