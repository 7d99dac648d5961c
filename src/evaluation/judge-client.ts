import { z } from "zod";
import { endpointOf, UnusableAnswer } from "../core/endpoint.ts";
import { ConfigError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import { PatientClient } from "../core/patient-client.ts";
import type { OpenScorer, ScorerItem } from "./scorer.ts";

interface JudgeLimits {
  readonly apiKeyVariable: z.ZodDefault<z.ZodString>;
  readonly attempts: z.ZodDefault<z.ZodInt>;
  readonly deadlineSeconds: z.ZodDefault<z.ZodNumber>;
  readonly concurrency: z.ZodDefault<z.ZodInt>;
}

/** How a language model that judges is asked, as every scorer that has one says it. */
export const judgeLimits: JudgeLimits = {
  apiKeyVariable: z
    .string()
    .default("OPENAI_API_KEY")
    .describe("environment variable that holds the judge's key"),
  attempts: z.int().min(1).default(4).describe("tries a question to the judge"),
  deadlineSeconds: z.number().positive().default(120).describe("time for one question to the judge"),
  concurrency: z.int().min(1).default(4).describe("texts at the same time"),
};

interface JudgeShape extends JudgeLimits {
  readonly judge: z.ZodString;
  readonly maxNewTokens: z.ZodDefault<z.ZodInt>;
}

/** Parameters of a scorer that is nothing but a judge. */
export const judgeParams: z.ZodObject<z.util.Writeable<JudgeShape>, z.core.$strict> = z.strictObject({
  judge: z.string().min(1).describe("BASE_URL#MODEL of the language model that judges"),
  maxNewTokens: z.int().min(1).default(512).describe("tokens of a verdict at most"),
  ...judgeLimits,
});

/** How the judge is asked. */
export interface JudgeRules {
  readonly baseUrl: string;
  readonly model: string;
  readonly apiKey: string | undefined;
  readonly attempts: number;
  readonly deadlineSeconds: number;
}

/** One question to a judge. */
export interface JudgeQuestion {
  readonly system?: string;
  readonly text: string;
  readonly maxTokens: number;
}

/** A language model that is asked about texts, always for its most probable answer. */
export class JudgeClient {
  readonly #client: PatientClient;
  readonly #rules: JudgeRules;
  readonly #what: string;
  /** @param what it is, for messages, e.g. "the judge of events" */
  constructor(rules: JudgeRules, what: string) {
    this.#rules = rules;
    this.#what = what;
    this.#client = new PatientClient({ ...rules, backoffSeconds: 1, requestsPerMinute: undefined });
  }
  /** What `read` makes of the answer; undefined: it is asked again. @throws {ConfigError} when there is none at last */
  async ask<T>(
    { system, text, maxTokens }: JudgeQuestion,
    read: (said: string) => T | undefined,
    expected: string,
    signal?: AbortSignal,
  ): Promise<T> {
    const request = {
      model: this.#rules.model,
      messages: [
        ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
        { role: "user" as const, content: text },
      ],
      temperature: 0,
      max_tokens: maxTokens,
    };
    const outcome = await this.#client.ask(request, signal, ({ text: said, finishReason, refusal }) => {
      if (finishReason === "refused") throw new UnusableAnswer("refused", refusal ?? "refused", false);
      const answer = read(said);
      if (answer === undefined)
        throw new UnusableAnswer(
          "malformed",
          `no such ${expected}: ${said.replaceAll(/\s+/g, " ").slice(0, 80)}`,
          true,
        );
      return answer;
    });
    if ("answer" in outcome) return outcome.answer;
    const { status, reason } = outcome.failure;
    throw new ConfigError(`${this.#what} gave no answer`, {
      where: `${this.#rules.baseUrl}#${this.#rules.model}`,
      got: `${status}: ${reason}`,
    });
  }
}

/** How one benchmark's answers are judged. */
export interface JudgingRule {
  readonly name: string;
  readonly parts: readonly string[];
  readonly system: string;
  /** The question about one text. @throws {ConfigError} for a reference that cannot be judged against */
  question(item: ScorerItem): string;
  /** The numbers of a verdict; undefined: it is asked again. */
  read(said: string, item: ScorerItem): Readonly<Record<string, number>> | undefined;
}

/** A scorer that asks a language model about each text once. Another model or wording is another version. */
export const judgeScorer =
  (
    settings: z.output<typeof judgeParams>,
    { name, parts, system, question, read }: JudgingRule,
  ): OpenScorer =>
  async () => {
    const { judge, attempts, deadlineSeconds, apiKeyVariable, maxNewTokens, concurrency } = settings;
    const { baseUrl, model } = endpointOf(judge, `--scorer ${name}:judge`);
    const apiKey = process.env[apiKeyVariable];
    const client = new JudgeClient(
      { baseUrl, model, apiKey, attempts, deadlineSeconds },
      `the judge ${name}`,
    );
    const nothing = { questionId: "", candidate: "", reference: "\nAnswer: " };
    const wording = sha256(JSON.stringify([system, question(nothing), maxNewTokens])).slice(0, 8);
    return {
      name,
      version: `${model}, wording ${wording}`,
      parts,
      missing: Object.fromEntries(parts.map((part) => [part, 0])),
      metrics: parts.map((part) =>
        parts.length === 1 ? `external:${name}` : `external:name=${name},part=${part}`,
      ),
      batchSize: 1,
      concurrency,
      score: (items, signal) =>
        Promise.all(
          items.map((item) =>
            client.ask(
              { system, text: question(item), maxTokens: maxNewTokens },
              (said) => read(said, item),
              "verdict",
              signal,
            ),
          ),
        ),
      [Symbol.asyncDispose]: async () => {},
    };
  };
