import { basename } from "node:path";
import { z } from "zod";
import { BenchmarkError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { questionText } from "../../dataset/question.ts";
import { ClipPictures, type PictureForm } from "../clip-pictures.ts";
import { promptAsText } from "../prompt.ts";
import type { ModelFrames } from "../seeing-model.ts";
import { rangeOf, stretchKey } from "../stretch.ts";
import { type Answer, type AnswerRequest, defineSubject, type SubjectPlugin } from "../subject.ts";

const params = z.strictObject({
  folder: z.string().min(1).describe("folder of a checkpoint or a run, or a hub name"),
  adapter: z.string().optional().describe("LoRA adapter in PEFT's layout"),
  name: z.string().optional().describe("name in tables; the folder's own when left out"),
  fps: z.number().positive().optional().describe("frames a second; the model's own choice when left out"),
  frames: z.int().min(1).optional().describe("frames of a clip, instead of a rate"),
  maxNewTokens: z.int().min(1).default(64).describe("tokens of an answer at most"),
  temperature: z.number().min(0).default(0).describe("0: always the most probable token"),
});

const shows = ({ view }: AnswerRequest): boolean => view.withoutVideo !== true && view.shown_T.length > 0;

const plugin: SubjectPlugin = defineSubject({
  summary: "a checkpoint in memory, with its own choice of frames",
  source: "ours",
  params,
  argument: "folder",
  create:
    ({ folder, adapter, name, fps, frames, maxNewTokens, temperature }) =>
    async (means) => {
      const model = await means.openModel(folder, adapter);
      const asked = { ...(fps === undefined ? {} : { fps }), ...(frames === undefined ? {} : { frames }) };
      const looks = new Map<string, ModelFrames>();
      const lookOf = ({ sample, shownSample = sample }: AnswerRequest): ModelFrames => {
        const found = looks.get(stretchKey(shownSample.clip.file, rangeOf(shownSample)));
        if (found === undefined)
          throw new BenchmarkError("a clip that was never looked at", { where: shownSample.clip.file });
        return found;
      };
      // Clips of one benchmark may differ in size, so each has its own form.
      const sources = new Map<string, ClipPictures>();
      const picturesOf = (request: AnswerRequest): ClipPictures => {
        const look = lookOf(request);
        const { indices: _, framesPerSecond: __, ...form } = look;
        const key = JSON.stringify(form);
        const take: PictureForm["take"] = (batch, position) => ({
          width: look.width,
          height: look.height,
          pixels: model.resize(batch, position, look).slice(),
        });
        const known = sources.get(key) ?? new ClipPictures(means.frames, means.clipFolder, { take });
        sources.set(key, known);
        return known;
      };
      const prompt = (sample: AnswerRequest["sample"]): string =>
        model.bareQuestions ? questionText(sample) : promptAsText(means.prompt(sample));
      const decoding = { temperature, maxNewTokens, seed: means.seed };
      const picturesFor = async (
        request: AnswerRequest,
        signal: AbortSignal | undefined,
      ): Promise<Parameters<typeof model.answer>[0]> => {
        if (!shows(request)) return { width: 28, height: 28, framesPerSecond: 1, frames: [] };
        const { indices: _, ...look } = lookOf(request);
        const shown = await picturesOf(request).shown(request, signal);
        const share = shown.length / request.view.shown_T.length;
        return {
          ...look,
          frames: shown.map(({ picture }) => picture.pixels),
          framesPerSecond: look.framesPerSecond * share,
        };
      };
      const answerOne = async (request: AnswerRequest, signal: AbortSignal | undefined): Promise<Answer> => {
        try {
          signal?.throwIfAborted();
          const started = nowMilliseconds();
          const pictures = await picturesFor(request, signal);
          const drawn = { ...decoding, seed: decoding.seed + request.draw };
          const text = await model.answer(pictures, prompt(request.sample), drawn, signal);
          const latencyMilliseconds = Math.round(nowMilliseconds() - started);
          return { text, finishReason: "stop", latencyMilliseconds };
        } finally {
          if (shows(request)) picturesOf(request).done(request);
        }
      };
      return {
        name: name ?? basename(folder),
        recipe: {
          name: "checkpoint",
          params: {
            folder: basename(folder),
            adapter: adapter ?? null,
            contentHash: model.contentHash,
            ...asked,
          },
        },
        decoding,
        looks: true,
        prompt,
        ownFrames: {
          of: (info, stretch) => {
            const look = model.look(info, asked);
            looks.set(stretch, look);
            return look.indices;
          },
          recipe: { name: "model", params: { kind: model.kind, ...asked } },
        },
        refuses: ({ toldAs_T }) =>
          toldAs_T === undefined ? undefined : "a checkpoint is told times by the places of its frames",
        plan: (requests) => {
          for (const request of requests.filter(shows)) picturesOf(request).plan([request]);
        },
        answer: async (batch, signal) => {
          const answers: Answer[] = [];
          for (const request of batch) answers.push(await answerOne(request, signal));
          return answers;
        },
        [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
      };
    },
});
export default plugin;
