import { existsSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ChatCompletion } from "./chat-completion.ts";
import { makeFolder, readJsonFile, writeFileAtomic } from "./files.ts";

const kept: z.ZodType<ChatCompletion> = z.object({
  text: z.string(),
  finishReason: z.enum(["stop", "length", "refused"]),
  refusal: z.string().optional(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  first: z.array(z.object({ token: z.string(), logprob: z.number() })).optional(),
}) as z.ZodType<ChatCompletion>;

/** Answers of endpoints, kept by what was asked. Failures and refusals are never kept, so that they can be asked again. */
export class KeptAnswers {
  readonly #folder: string | undefined;
  /** @param folder undefined: nothing is kept */
  constructor(folder: string | undefined) {
    this.#folder = folder;
    if (folder !== undefined) makeFolder(folder);
  }
  /** The kept answer; undefined for none, and for a file that was damaged. */
  get(key: string): ChatCompletion | undefined {
    if (this.#folder === undefined) return undefined;
    const file = join(this.#folder, `${key}.json`);
    if (!existsSync(file)) return undefined;
    try {
      return kept.safeParse(readJsonFile(file)).data;
    } catch {
      return undefined;
    }
  }
  /** Keeps an answer, unless it is a refusal. */
  put(key: string, completion: ChatCompletion): void {
    if (this.#folder !== undefined && completion.finishReason !== "refused")
      writeFileAtomic(join(this.#folder, `${key}.json`), JSON.stringify(completion));
  }
}
