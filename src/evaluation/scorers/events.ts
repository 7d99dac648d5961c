import { z } from "zod";
import { endpointOf } from "../../core/endpoint.ts";
import { DataFormatError } from "../../core/errors.ts";
import { readJsonFile, sha256 } from "../../core/files.ts";
import { explainZod } from "../../core/registry.ts";
import { entailmentProviders } from "../../grading/entailment-providers.ts";
import { EventJudge, judgeWording } from "../event-judge.ts";
import { judgeLimits } from "../judge-client.ts";
import { captionSentences } from "../overlap/treebank.ts";
import { defineScorer, type ScorerItem, type ScorerPlugin } from "../scorer.ts";

const params = z.strictObject({
  entailment: z
    .string()
    .default("words")
    .describe("who says whether a text holds an event, where no judge does: words, nli:FOLDER, http:URL"),
  threshold: z.number().min(0).max(1).default(0.5).describe("an event counts from this probability on"),
  judge: z
    .string()
    .optional()
    .describe(
      "BASE_URL#MODEL of a language model that finds events and compares them; left out: sentences are events",
    ),
  references: z
    .string()
    .optional()
    .describe('JSON file of the references\' events by question: {"id": ["...", "..."]}'),
  ...judgeLimits,
});

const eventLists = z.record(z.string(), z.array(z.string().trim().min(1)));

const readReferences = (file: string): z.output<typeof eventLists> => {
  const read = eventLists.safeParse(readJsonFile(file));
  if (read.success) return read.data;
  throw new DataFormatError("not a file of events", {
    where: file,
    expected: '{"<question id>": ["<event>", ...]}',
    got: explainZod(read.error),
  });
};

const shareOf = (hits: readonly boolean[]): number =>
  hits.length === 0 ? 1 : hits.filter(Boolean).length / hits.length;

/** How events are found and compared. */
interface EventReader {
  readonly model: string;
  /** What it is asked in words; empty where no model reads them. */
  readonly wording: string;
  events(text: string, signal: AbortSignal | undefined): Promise<string[]>;
  entailed(text: string, events: readonly string[], signal: AbortSignal | undefined): Promise<boolean[]>;
}

const judgeReader = (settings: z.output<typeof params>, judge: string): EventReader => {
  const { baseUrl, model } = endpointOf(judge, "--scorer events:judge");
  const { attempts, deadlineSeconds, apiKeyVariable } = settings;
  const asked = new EventJudge({
    ...{ baseUrl, model, attempts, deadlineSeconds },
    apiKey: process.env[apiKeyVariable],
  });
  return {
    model,
    wording: judgeWording,
    events: (text, signal) => asked.events(text, signal),
    entailed: (text, events, signal) => asked.entailed(text, events, signal),
  };
};

const sentenceReader = async ({ entailment, threshold }: z.output<typeof params>): Promise<EventReader> => {
  const { value: model } = await entailmentProviders.choose(entailment);
  return {
    model: `${model.name} from ${threshold}, sentences`,
    wording: "",
    events: async (text) => captionSentences(text),
    entailed: async (text, events) => {
      const hits: boolean[] = [];
      for (const event of events) hits.push((await model.entails(text, event)) >= threshold);
      return hits;
    },
  };
};

/**
 * How many of a description's events the reference holds (precision), and how many of the reference's the description
 * tells (recall). A text without events scores 1 on its side.
 */
const plugin: ScorerPlugin = defineScorer({
  summary: "events of descriptions: which of them the other text holds (DREAM-1K's precision and recall)",
  source:
    "Tarsier (arXiv 2407.00634), AutoDQ; our questions to the judge, and neutral events count as not held",
  argument: "entailment",
  params,
  create: (settings) => async () => {
    const { judge, references, concurrency, threshold } = settings;
    const given = references === undefined ? {} : readReferences(references);
    const reader = judge === undefined ? await sentenceReader(settings) : judgeReader(settings, judge);
    const found = new Map<string, Promise<string[]>>();
    const eventsOf = (text: string, signal: AbortSignal | undefined): Promise<string[]> => {
      const known = found.get(text) ?? reader.events(text, signal);
      found.set(text, known);
      known.catch(() => found.delete(text));
      return known;
    };
    const heldShare = async (
      text: string,
      events: readonly string[],
      signal?: AbortSignal,
    ): Promise<number> => shareOf(events.length === 0 ? [] : await reader.entailed(text, events, signal));
    const scoreOne = async ({ questionId, candidate, reference }: ScorerItem, signal?: AbortSignal) => {
      const said = await eventsOf(candidate, signal);
      const wanted = given[questionId] ?? (await eventsOf(reference, signal));
      return {
        precision: await heldShare(reference, said, signal),
        recall: await heldShare(candidate, wanted, signal),
      };
    };
    return {
      name: "events",
      version: sha256(JSON.stringify([reader.model, threshold, given, reader.wording])).slice(0, 16),
      parts: ["precision", "recall"],
      missing: { precision: 0, recall: 0 },
      metrics: ["event-coverage:f1", "event-coverage:precision", "event-coverage:recall"],
      batchSize: 1,
      concurrency,
      score: async (items, signal) => Promise.all(items.map((item) => scoreOne(item, signal))),
      [Symbol.asyncDispose]: async () => {},
    };
  },
});
export default plugin;
