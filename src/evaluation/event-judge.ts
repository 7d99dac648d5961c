import { z } from "zod";
import { JudgeClient, type JudgeRules } from "./judge-client.ts";

/** Most events of a text, as DREAM-1K's protocol has it. */
const mostEvents = 10;

const extraction = (text: string): string =>
  [
    "List the events of the video description below.",
    `At most ${mostEvents} events, each at most ten words. An event is one action or motion of somebody or something.`,
    "Name who acts instead of using pronouns. Leave out scenery, appearance, cuts and camera moves. No event twice.",
    'Answer with JSON only: {"events": ["...", "..."]}.',
    "",
    `Description: ${text}`,
  ].join("\n");

const classification = (text: string, events: readonly string[]): string =>
  [
    "Below are a video description and a list of events.",
    'Say of each event, in order, how the description relates to it: "entailment" (the description says that it happens),',
    '"contradiction" (it says that it does not, or something that excludes it) or "neutral" (it leaves it open).',
    `Answer with JSON only: {"relations": [${events.map(() => '"..."').join(", ")}]}.`,
    "",
    `Description: ${text}`,
    `Events: ${JSON.stringify(events)}`,
  ].join("\n");

/** The judge's questions about empty texts: other words are another judge, and their verdicts are not mixed. */
export const judgeWording: string = [extraction(""), classification("", [""])].join("\n\n");

const told = z.object({ events: z.array(z.string().trim().min(1)) });
const judged = z.object({ relations: z.array(z.enum(["entailment", "neutral", "contradiction"])) });

/** The JSON object that an answer holds. */
const objectIn = (text: string): unknown => {
  const found = /\{[\s\S]*\}/.exec(text)?.[0];
  try {
    return found === undefined ? undefined : JSON.parse(found);
  } catch {
    return undefined;
  }
};

/** A language model that reads events out of a text, and says which of them another text holds. */
export class EventJudge {
  readonly #client: JudgeClient;
  constructor(rules: JudgeRules) {
    this.#client = new JudgeClient(rules, "the judge of events");
  }
  #ask<T>(text: string, read: (said: unknown) => T | undefined, signal?: AbortSignal): Promise<T> {
    return this.#client.ask({ text, maxTokens: 512 }, (said) => read(objectIn(said)), "JSON", signal);
  }
  /** Events of a text, ten at most. @throws {ConfigError} when there is no answer of that form */
  async events(text: string, signal?: AbortSignal): Promise<string[]> {
    return await this.#ask(
      extraction(text),
      (said) => told.safeParse(said).data?.events.slice(0, mostEvents),
      signal,
    );
  }
  /** Which events a text entails. @throws {ConfigError} when there is no answer of that form */
  async entailed(text: string, events: readonly string[], signal?: AbortSignal): Promise<boolean[]> {
    return await this.#ask(
      classification(text, events),
      (said) => {
        const relations = judged.safeParse(said).data?.relations;
        return relations?.length === events.length ? relations.map((one) => one === "entailment") : undefined;
      },
      signal,
    );
  }
}
