import { basename, join } from "node:path";
import { z } from "zod";
import { BenchmarkError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { questionText } from "../../dataset/question.ts";
import { ClipPictures, givenPositions, type PictureForm } from "../clip-pictures.ts";
import { promptAsText } from "../prompt.ts";
import type { ModelFrames } from "../seeing-model.ts";
import { type AnswerRequest, defineSubject, type SubjectPlugin } from "../subject.ts";

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
      const lookOf = ({ sample, shownSample }: AnswerRequest): ModelFrames => {
        const found = looks.get(join(means.clipFolder, (shownSample ?? sample).clip.file));
        if (found === undefined)
          throw new BenchmarkError("a clip that was never looked at", { where: sample.clip.file });
        return found;
      };
      // Clips of one benchmark may differ in size, so each has its own form.
      const sources = new Map<string, ClipPictures>();
      const picturesOf = (request: AnswerRequest): ClipPictures => {
        const look = lookOf(request);
        const key = `${look.width}x${look.height}`;
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
      return {
        name: name ?? basename(folder),
        recipe: {
          name: "checkpoint",
          params: { folder: basename(folder), adapter: adapter ?? null, ...asked },
        },
        decoding,
        looks: true,
        prompt,
        ownFrames: {
          of: (info) => {
            const look = model.look(info, asked);
            looks.set(info.file, look);
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
          const answers = [];
          for (const request of batch) {
            signal?.throwIfAborted();
            const started = nowMilliseconds();
            const look = shows(request) ? lookOf(request) : { width: 28, height: 28, framesPerSecond: 1 };
            const shown = shows(request) ? await picturesOf(request).shown(request, signal) : [];
            const share = shown.length / Math.max(1, request.view.shown_T.length);
            const pictures = {
              ...look,
              frames: shown.map(({ picture }) => picture.pixels),
              framesPerSecond: look.framesPerSecond * (givenPositions(request).length === 0 ? 1 : share),
            };
            const text = await model.answer(pictures, prompt(request.sample), decoding, signal);
            if (shows(request)) picturesOf(request).done(request);
            answers.push({
              text,
              finishReason: "stop" as const,
              latencyMilliseconds: Math.round(nowMilliseconds() - started),
            });
          }
          return answers;
        },
        [Symbol.asyncDispose]: () => model[Symbol.asyncDispose](),
      };
    },
});
export default plugin;
