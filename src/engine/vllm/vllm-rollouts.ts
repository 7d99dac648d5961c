/** Roll-outs by a vLLM server: token ids in, token ids and their log-probabilities out. */
import { randomUUID } from "node:crypto";
import PQueue from "p-queue";
import { z } from "zod";
import { ConfigError, EngineError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import { explainZod } from "../../core/registry.ts";
import { batchRules } from "../../model/batch-rules.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { Completion, SampleOptions, SampleRequest } from "../contract.ts";
import type { RolloutMeans, Rollouts } from "../rollouts.ts";
import { mediaFeatures } from "./media-features.ts";
import { ServedAdapters } from "./served-adapters.ts";
import { type ServedPrompt, type ServedRules, servedPrompts } from "./served-prompts.ts";
import { type ServerRules, VllmServer } from "./server.ts";

/** How a server is used. */
export interface VllmOptions extends ServerRules {
  /** Prompts that are with it at the same time. */
  readonly concurrency: number;
  /** What the server calls the folder of adapters. */
  readonly serverFolder: string | undefined;
}

const models = z.object({
  data: z.array(
    z.object({ id: z.string(), parent: z.string().nullish(), max_model_len: z.number().nullish() }),
  ),
});

const answered = z.object({
  choices: z.array(
    z.object({
      index: z.number().int(),
      finish_reason: z.string().nullish(),
      token_ids: z.array(z.number().int()),
      logprobs: z.object({ content: z.array(z.object({ token_id: z.number().int(), logprob: z.number() })) }),
    }),
  ),
});
type Choice = z.output<typeof answered>["choices"][number];

/** What the server is asked about one prompt. */
export const requestOf = async (
  { tokens, media }: ServedPrompt,
  model: string,
  asked: SampleRequest,
  row: number,
  tokensPerSecond: number | undefined,
): Promise<Record<string, unknown>> => {
  const { completions, maxNewTokens, temperature, topK = 0, topP = 1, repetitionPenalty = 1 } = asked;
  return {
    model,
    token_ids: tokens,
    ...(media.length > 0 && { features: await mediaFeatures(media, tokensPerSecond) }),
    sampling_params: {
      n: completions,
      max_tokens: maxNewTokens,
      temperature,
      top_k: topK,
      top_p: topP,
      min_p: 0,
      repetition_penalty: repetitionPenalty,
      // Only what ends a completion here ends it there, whatever the checkpoint's own files say.
      ignore_eos: true,
      stop_token_ids: asked.stopTokens,
      seed: seededRandom(asked.seed, "vllm", asked.numbers?.[row] ?? row).integer(2 ** 31),
      logprobs: 0,
      detokenize: false,
      ...((asked.bannedTokens?.length ?? 0) > 0 && {
        logit_bias: Object.fromEntries(asked.bannedTokens!.map((token) => [token, -100])),
      }),
    },
  };
};

/** A choice as a completion. @throws {EngineError} for one whose numbers do not fit together, or are none */
const completionOf = (
  { token_ids, logprobs: { content }, finish_reason }: Choice,
  stops: readonly number[],
): Completion => {
  const logprobs = content.map(({ logprob }) => logprob);
  const where = "the roll-out server's answer";
  const fits =
    content.length === token_ids.length && content.every(({ token_id }, i) => token_id === token_ids[i]);
  if (!fits || token_ids.length === 0)
    throw new EngineError("log-probabilities of other tokens than were drawn", {
      where,
      expected: `${token_ids.length}, one a token`,
      got: String(content.length),
    });
  // vLLM writes -9999 for what is no number.
  const bad = logprobs.findIndex((value) => !(value <= 1e-3 && value > -9000));
  if (bad >= 0)
    throw new EngineError("a log-probability that is none", {
      where,
      got: `${logprobs[bad]} of token ${bad}`,
    });
  if (finish_reason !== "stop" && finish_reason !== "length")
    throw new EngineError("the roll-out server broke a completion off", { got: String(finish_reason) });
  const isStopped = stops.includes(token_ids.at(-1)!);
  return {
    tokens: isStopped ? token_ids.slice(0, -1) : token_ids,
    logprobs,
    finish: isStopped ? "stop" : "length",
  };
};

const families: readonly string[] = ["qwen2_5_vl", "qwen2_vl"];

/** @throws {ConfigError} when something is trained that cannot be brought to a running server */
const checkTrained = ({ engine, config }: RolloutMeans): void => {
  if (!families.includes(config.family))
    throw new ConfigError("roll-outs by vLLM", { expected: families.join(" or "), got: config.family });
  const { trainable } = engine.capabilities;
  const whole = trainable.find((name) => !/\.lora_[AB]\.weight$/.test(name));
  if (whole !== undefined)
    throw new ConfigError("roll-outs by vLLM with weights that are trained whole", {
      expected: "an adapter alone, which the server loads anew after every update",
      got: whole,
      hint: "--set lora.rank=32, without `trained`",
    });
};

/** Positions in time a second; undefined: the family counts steps. */
const tokensPerSecondOf = ({ family, vision }: ModelConfig): number | undefined =>
  family === "qwen2_vl" ? undefined : (vision as { readonly tokensPerSecond?: number }).tokensPerSecond;

class VllmRollouts implements Rollouts {
  readonly #means: RolloutMeans;
  readonly #options: VllmOptions;
  readonly #server: VllmServer;
  readonly #adapters: ServedAdapters;
  readonly #served: ServedRules;
  readonly #longest: number;
  /** Name of the adapter on the server, of which version of the weights. */
  #shown: { readonly version: number; readonly name: Promise<string> } | undefined;

  constructor(means: RolloutMeans, options: VllmOptions, server: VllmServer, longest: number) {
    const prefix = `videoperceiver-${randomUUID()}`;
    this.#means = means;
    this.#options = options;
    this.#server = server;
    this.#longest = longest;
    const { serverFolder } = options;
    this.#adapters = new ServedAdapters(server, { folder: means.folder, serverFolder, prefix });
    this.#served = {
      rules: batchRules(means.config),
      countsSteps: tokensPerSecondOf(means.config) === undefined,
    };
  }

  /** The adapter of the weights as they are. @param gone one that the server has lost */
  #adapter(signal: AbortSignal | undefined, gone?: string): Promise<string> {
    const { engine, log } = this.#means;
    const { version } = engine;
    const before = this.#shown;
    const make = async (): Promise<string> => {
      const known = await before?.name.catch(() => undefined);
      if (gone !== undefined && known !== gone && before?.version === version && known !== undefined)
        return known;
      if (gone !== undefined) log(`the roll-out server has lost ${gone}: it gets the adapter again`);
      return this.#adapters.publish(engine, signal);
    };
    if (before?.version === version && gone === undefined) return before.name;
    const name = make();
    this.#shown = { version, name };
    // Who waits for it sees its error; a failed one is tried anew by the next request.
    name.catch(() => {
      if (this.#shown?.name === name) this.#shown = undefined;
    });
    return name;
  }

  async #draw(
    prompt: ServedPrompt,
    row: number,
    asked: SampleRequest,
    signal?: AbortSignal,
  ): Promise<Completion[]> {
    const tokensPerSecond = tokensPerSecondOf(this.#means.config);
    const length = prompt.tokens.length + asked.maxNewTokens;
    if (length > this.#longest)
      throw new ConfigError("a prompt that is too long for the roll-out server", {
        where: `prompt ${row}`,
        expected: `at most ${this.#longest} tokens (--max-model-len)`,
        got: `${prompt.tokens.length} and ${asked.maxNewTokens} new ones`,
      });
    let name = await this.#adapter(signal);
    for (let tries = 1; ; tries++) {
      const body = await requestOf(prompt, name, asked, row, tokensPerSecond);
      const answer = await this.#server.ask("/inference/v1/generate", body, signal);
      if (!("unknown" in answer)) return this.#read(answer.body, asked);
      if (tries === 3 || !answer.unknown.includes(name))
        throw new EngineError("the roll-out server draws no completions", {
          got: answer.unknown,
          hint: "start it with --enable-scale-out, vLLM 0.32 or newer",
        });
      name = await this.#adapter(signal, name);
    }
  }

  #read(body: unknown, { completions, stopTokens }: SampleRequest): Completion[] {
    const parsed = answered.safeParse(body);
    if (!parsed.success)
      throw new EngineError("an answer of another form than vLLM 0.32's", { got: explainZod(parsed.error) });
    const choices = parsed.data.choices.toSorted((a, b) => a.index - b.index);
    if (choices.length !== completions)
      throw new EngineError("another number of completions than was asked for", {
        expected: String(completions),
        got: String(choices.length),
      });
    return choices.map((choice) => completionOf(choice, stopTokens));
  }

  async sample(request: SampleRequest, { signal, watch }: SampleOptions = {}): Promise<Completion[][]> {
    if (watch !== undefined) throw new EngineError("completions of a server cannot be watched");
    const prompts = servedPrompts(request.batch, request.nextPositions, this.#served);
    const queue = new PQueue({ concurrency: this.#options.concurrency });
    const ended = new AbortController();
    const stop = signal === undefined ? ended.signal : AbortSignal.any([signal, ended.signal]);
    try {
      return await Promise.all(
        prompts.map((prompt, row) => queue.add(() => this.#draw(prompt, row, request, stop))),
      );
    } finally {
      // The first failure ends the others.
      queue.clear();
      ended.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#adapters.end();
  }
}

/**
 * Begins to use a server that serves the checkpoint of the run.
 *
 * @throws {ConfigError} when more than an adapter is trained
 * @throws {EngineError} when the server is not there
 */
export const openVllm = async (means: RolloutMeans, options: VllmOptions): Promise<Rollouts> => {
  checkTrained(means);
  const server = new VllmServer(options);
  const answer = await server.ask("/v1/models");
  const parsed = models.safeParse("unknown" in answer ? undefined : answer.body);
  const base = parsed.data?.data.find(({ parent }) => parent === null || parent === undefined);
  if (base === undefined)
    throw new EngineError("no vLLM server", {
      where: options.url,
      expected: "a list of models at /v1/models",
    });
  return new VllmRollouts(means, options, server, base.max_model_len ?? Number.POSITIVE_INFINITY);
};
