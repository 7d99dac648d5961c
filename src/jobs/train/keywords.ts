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

/** Keywords of samples about one clip: those of its rows, else those of its caption. */
export class CaptionKeywords {
  readonly #extractor: KeywordExtractor;

  private constructor(extractor: KeywordExtractor) {
    this.#extractor = extractor;
  }

  /** @param named extractor as `NAME` or `NAME:key=value,...` */
  static async make(named: string): Promise<CaptionKeywords> {
    return new CaptionKeywords((await keywordExtractors.choose(named)).value);
  }

  /** @throws {DataFormatError} for samples about which nothing can be said */
  async of(samples: readonly Sample[], signal: AbortSignal): Promise<readonly string[]> {
    const stated = samples.find(({ keywords }) => (keywords ?? []).length > 0)?.keywords;
    return stated ?? (await this.#extracted(captionOf(samples), signal));
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

/** Keywords of a group as tokens. */
export class GroupKeywords {
  readonly #keywords: CaptionKeywords;
  readonly #tokenizer: Tokenizer;

  private constructor(keywords: CaptionKeywords, tokenizer: Tokenizer) {
    this.#keywords = keywords;
    this.#tokenizer = tokenizer;
  }

  /** @param named extractor as `NAME` or `NAME:key=value,...` */
  static async make(named: string, tokenizer: Tokenizer): Promise<GroupKeywords> {
    return new GroupKeywords(await CaptionKeywords.make(named), tokenizer);
  }

  /** @throws {DataFormatError} for a group about which nothing can be said */
  async of({ samples }: SampleGroup, signal: AbortSignal): Promise<readonly number[]> {
    return this.#tokenizer.encode((await this.#keywords.of(samples, signal)).join(", "));
  }
}
