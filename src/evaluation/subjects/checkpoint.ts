import { basename } from "node:path";
import { z } from "zod";
import { BenchmarkError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { questionText } from "../../dataset/question.ts";
import { ClipPictures, type PictureForm } from "../clip-pictures.ts";
import { promptAsText } from "../prompt.ts";
import type { ModelFrames, SeeingModel } from "../seeing-model.ts";
import { stretchKey } from "../stretch.ts";
import {
  type Answer,
  type AnswerRequest,
  defineSubject,
  type SubjectMeans,
  type SubjectPlugin,
} from "../subject.ts";

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

/** Which frames a model looks at of every stretch, and the pictures of them at the sizes that it takes. */
class LookedAt {
  readonly #model: SeeingModel;
  readonly #means: SubjectMeans;
  readonly #looks = new Map<string, ModelFrames>();
  /** Clips of one benchmark may differ in size, so each size has its own form. */
  readonly #sources = new Map<string, ClipPictures>();
  constructor(model: SeeingModel, means: SubjectMeans) {
    this.#model = model;
    this.#means = means;
  }
  keep(stretch: string, look: ModelFrames): void {
    this.#looks.set(stretch, look);
  }
  of({ sample, shownSample = sample }: AnswerRequest): ModelFrames {
    const found = this.#looks.get(stretchKey(shownSample.clip.file, shownSample));
    if (found === undefined)
      throw new BenchmarkError("a clip that was never looked at", { where: shownSample.clip.file });
    return found;
  }
  source(request: AnswerRequest): ClipPictures {
    const look = this.of(request);
    const { indices: _, framesPerSecond: __, timesSeconds: ___, ...form } = look;
    const key = JSON.stringify(form);
    const take: PictureForm["take"] = (batch, position) => ({
      width: look.width,
      height: look.height,
      pixels: this.#model.resize(batch, position, look).slice(),
    });
    const { frames, clipFolder } = this.#means;
    const known = this.#sources.get(key) ?? new ClipPictures(frames, clipFolder, { take });
    this.#sources.set(key, known);
    return known;
  }
  /** What the model is given for a request; no frames without a video. */
  async pictures(
    request: AnswerRequest,
    signal: AbortSignal | undefined,
  ): Promise<Parameters<SeeingModel["answer"]>[0]> {
    if (!shows(request)) return { width: 28, height: 28, framesPerSecond: 1, frames: [] };
    const { indices: _, ...look } = this.of(request);
    const shown = await this.source(request).shown(request, signal);
    // Fewer pictures of the same stretch come more slowly.
    const share = shown.length / request.view.shown_T.length;
    const frames = shown.map(({ picture }) => picture.pixels);
    const timesSeconds = look.timesSeconds && shown.map(({ timeSeconds }) => timeSeconds);
    return {
      ...look,
      frames,
      framesPerSecond: look.framesPerSecond * share,
      ...(timesSeconds && { timesSeconds }),
    };
  }
}

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
      const looked = new LookedAt(model, means);
      const prompt = (sample: AnswerRequest["sample"]): string =>
        model.bareQuestions ? questionText(sample) : promptAsText(means.prompt(sample));
      const decoding = { temperature, maxNewTokens, seed: means.seed };
      const answerOne = async (request: AnswerRequest, signal: AbortSignal | undefined): Promise<Answer> => {
        try {
          signal?.throwIfAborted();
          const started = nowMilliseconds();
          const pictures = await looked.pictures(request, signal);
          const drawn = { ...decoding, seed: decoding.seed + request.draw };
          const text = await model.answer(pictures, prompt(request.sample), drawn, signal);
          const latencyMilliseconds = Math.round(nowMilliseconds() - started);
          return { text, finishReason: "stop", latencyMilliseconds };
        } finally {
          if (shows(request)) looked.source(request).done(request);
        }
      };
      const { contentHash } = model;
      return {
        name: name ?? basename(folder),
        recipe: {
          name: "checkpoint",
          params: { folder: basename(folder), adapter: adapter ?? null, contentHash, ...asked },
        },
        decoding,
        looks: true,
        prompt,
        ownFrames: {
          of: (info, stretch, chosen) => {
            const look = model.look(info, { ...asked, ...(chosen && { chosen }) });
            looked.keep(stretch, look);
            return look.indices;
          },
          recipe: { name: "model", params: { kind: model.kind, ...asked } },
        },
        refuses: ({ toldAs_T }) =>
          toldAs_T === undefined ? undefined : "a checkpoint is told times by the places of its frames",
        plan: (requests) => {
          for (const request of requests.filter(shows)) looked.source(request).plan([request]);
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
