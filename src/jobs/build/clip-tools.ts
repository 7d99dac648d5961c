import { type AbsentBuilder, absentBuilders } from "../../absent/builders.ts";
import { keywordExtractors } from "../../absent/keywords.ts";
import { type FrameChooser, frameChooser } from "../../absent/scored-frames.ts";
import type { EndpointSpending } from "../../core/endpoint-cost.ts";
import type { Made } from "../../core/registry.ts";
import { type QuestionBuilder, questionBuilders } from "../../dataset/questions.ts";
import { type Teacher, teachers } from "../../dataset/teacher.ts";
import { type ChosenRelevance, chooseRelevance } from "../../selection/relevance-choice.ts";
import { type Clips, openClips } from "../clips.ts";
import { addCost, noCost } from "./clip-cost.ts";
import { answersFolder, type BuildOrder } from "./protocol.ts";

/** What a worker holds open while it makes one clip after the other. */
export interface ClipTools extends AsyncDisposable {
  readonly order: BuildOrder;
  readonly clips: Clips;
  readonly builder: Made<AbsentBuilder>;
  readonly questions: readonly Made<QuestionBuilder>[];
  readonly chooser: FrameChooser;
  /** Asks the teacher about a clip; undefined: there is none. */
  readonly teach: ReturnType<Teacher["open"]> | undefined;
  /** How endpoints are asked: where their answers are kept, and how many processes ask. */
  readonly endpoints: { readonly answersFolders: readonly string[]; readonly processes: number };
  /** Tells a person one line, once. */
  warn(line: string): void;
  /** The provider of a name; opened once. */
  relevance(name: string): Promise<ChosenRelevance>;
  /** What the providers' endpoints were paid since the last call. */
  spentOnRelevance(): Promise<EndpointSpending>;
}

/** The teacher that somebody named. @throws {UnknownNameError} for an unknown one, {ConfigError} for bad parameters */
export const chosenTeacher = async (text: string | undefined): Promise<Teacher | undefined> =>
  text === undefined ? undefined : (await teachers.choose(text)).value;

/**
 * Opens what the order names.
 *
 * @throws {UnknownNameError} for an unknown provider, builder or question builder
 * @throws {ConfigError} for bad parameters
 */
export const openClipTools = async (order: BuildOrder, warn: (line: string) => void): Promise<ClipTools> => {
  const { settings, reading } = order;
  const builder = await absentBuilders.choose(settings.builder);
  await keywordExtractors.choose(settings.extractor);
  const questions = await Promise.all(settings.questions.map((name) => questionBuilders.choose(name)));
  const chooser = await frameChooser(settings.scored);
  const known = new Map<string, Promise<ChosenRelevance>>();
  const relevance = (name: string): Promise<ChosenRelevance> => {
    const found = known.get(name) ?? chooseRelevance(name);
    known.set(name, found);
    return found;
  };
  if (settings.relevance !== "auto") await relevance(settings.relevance);
  const clips = openClips({ ...reading, workers: 1 }, warn);
  const endpoints = {
    answersFolders: [answersFolder(order.out), clips.answersFolder].filter((folder) => folder !== undefined),
    processes: order.processes,
  };
  const teach = (await chosenTeacher(order.teacher))?.open(endpoints);
  const told = new Set<string>();
  return {
    order,
    clips,
    builder,
    questions,
    chooser,
    teach,
    endpoints,
    warn: (line) => {
      if (!told.has(line)) warn(line);
      told.add(line);
    },
    relevance,
    spentOnRelevance: async () => {
      const opened = await Promise.all(known.values());
      return opened.map(({ made }) => made.value.spent?.() ?? noCost).reduce(addCost, noCost);
    },
    [Symbol.asyncDispose]: async () => {
      for (const one of known.values()) await (await one).made.value.close?.();
      await clips[Symbol.asyncDispose]();
    },
  };
};
