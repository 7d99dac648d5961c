import type OpenAI from "openai";
import { UnusableAnswer } from "./endpoint.ts";
import { DataFormatError } from "./errors.ts";

/** What one request gave. */
export interface ChatCompletion {
  readonly text: string;
  readonly finishReason: "stop" | "length" | "refused";
  /** Why there is no answer, where it was refused. */
  readonly refusal?: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Most probable first tokens with their log-probabilities, where they were asked for. */
  readonly first?: readonly { readonly token: string; readonly logprob: number }[];
}

/** A request without `stream`, which the caller decides. */
export type CompletionRequest = Omit<OpenAI.ChatCompletionCreateParamsNonStreaming, "stream">;

const ended = (reason: string | null | undefined): ChatCompletion["finishReason"] =>
  reason === "length" ? "length" : reason === "content_filter" ? "refused" : "stop";

const refused = (refusal: string | null | undefined): Pick<ChatCompletion, "refusal"> =>
  typeof refusal === "string" && refusal !== "" ? { refusal } : {};

/** Tokens as a server counts them; 0 where it says no number. */
const counted = (tokens: unknown): number =>
  typeof tokens === "number" && Number.isFinite(tokens) ? tokens : 0;

const noCompletion = (got: unknown): DataFormatError =>
  new DataFormatError("the answer is no chat completion", {
    expected: "choices[0].message.content as text",
    got: JSON.stringify(got)?.slice(0, 80) ?? "nothing",
  });

/** A whole answer. @throws {DataFormatError} for what is no chat completion, and {UnusableAnswer} for one without text */
const readWhole = (response: Partial<OpenAI.ChatCompletion> | undefined): ChatCompletion => {
  const choice = Array.isArray(response?.choices) ? response.choices[0] : undefined;
  const { content, refusal } = choice?.message ?? {};
  if (choice === undefined) throw noCompletion(response);
  if (typeof content !== "string" && typeof refusal !== "string")
    throw new UnusableAnswer("empty", "the endpoint answered without text", true);
  const first = choice.logprobs?.content?.[0]?.top_logprobs;
  return {
    text: content ?? "",
    finishReason: refusal ? "refused" : ended(choice.finish_reason),
    ...refused(refusal),
    promptTokens: counted(response?.usage?.prompt_tokens),
    completionTokens: counted(response?.usage?.completion_tokens),
    ...(first === undefined ? {} : { first }),
  };
};

/** An answer that comes in pieces. @throws {DataFormatError} for one that ends before it says why */
const readPieces = async (pieces: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<ChatCompletion> => {
  let [text, refusal] = ["", ""];
  let reason: string | null | undefined;
  let usage: { prompt_tokens?: number; completion_tokens?: number } | null | undefined;
  let first: ChatCompletion["first"];
  for await (const piece of pieces) {
    const choice = piece.choices?.[0];
    text += choice?.delta?.content ?? "";
    refusal += choice?.delta?.refusal ?? "";
    reason = choice?.finish_reason ?? reason;
    usage = piece.usage ?? usage;
    first ??= choice?.logprobs?.content?.[0]?.top_logprobs;
  }
  if (reason === undefined || reason === null)
    throw new DataFormatError("the answer broke off", {
      expected: "a piece with finish_reason",
      got: JSON.stringify(text.slice(-40)),
    });
  return {
    text,
    finishReason: refusal === "" ? ended(reason) : "refused",
    ...refused(refusal),
    promptTokens: counted(usage?.prompt_tokens),
    completionTokens: counted(usage?.completion_tokens),
    ...(first === undefined ? {} : { first }),
  };
};

/** Asks once. @throws whatever the client throws, {DataFormatError} for an answer that is none, {UnusableAnswer} for one without text */
export const completeOnce = async (
  client: OpenAI,
  request: CompletionRequest,
  stream: boolean,
  signal: AbortSignal,
): Promise<ChatCompletion> => {
  if (!stream)
    return readWhole(await client.chat.completions.create({ ...request, stream: false }, { signal }));
  const options = { include_usage: true };
  return readPieces(
    await client.chat.completions.create({ ...request, stream: true, stream_options: options }, { signal }),
  );
};
