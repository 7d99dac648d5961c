import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the stand-in reads it. */
export interface StandInRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly response_format?: { readonly type: string };
  readonly logprobs?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: unknown }[];
}

/** What goes wrong with a request; undefined: nothing. */
export type Trouble =
  | "rate-limit"
  | "server-error"
  | "wrong-json"
  | "no-choices"
  | "no-text"
  | "cut-off"
  | "hang"
  | "filtered"
  | "too-long"
  | "bad-request"
  | "unknown-form"
  | "no-logprobs"
  | "reset"
  | "drip"
  | "html"
  | "unknown-model"
  | "too-large"
  | "no-key"
  | "retry-date"
  | "empty-choices"
  | "refusal"
  | "tool-call"
  | "parts"
  | "not-gzip"
  | "endless"
  | undefined;

/** What a stand-in says: a text, or one with the probabilities of its first token. */
export type Said = string | { readonly text: string; readonly yes: number };

/** A server with OpenAI's protocol that behaves as a test says. */
export interface StandIn extends AsyncDisposable {
  readonly baseUrl: string;
  /** Requests in order, troubled ones included. */
  readonly requests: readonly StandInRequest[];
  /** Most requests that were open at the same time. */
  mostAtOnce(): number;
}

/** All text that a user message holds. */
export const textOf = ({ messages }: StandInRequest): string => {
  const content = messages.findLast(({ role }) => role === "user")?.content;
  if (typeof content === "string") return content;
  return (content as { type: string; text?: string }[])
    .flatMap(({ type, text }) => (type === "text" ? [text] : []))
    .join("\n");
};

/** Addresses of the pictures or clips that a user message holds. */
export const mediaOf = ({ messages }: StandInRequest): string[] => {
  const content = messages.findLast(({ role }) => role === "user")?.content;
  if (!Array.isArray(content)) return [];
  return (content as { image_url?: { url: string }; video_url?: { url: string } }[]).flatMap(
    ({ image_url, video_url }) => image_url?.url ?? video_url?.url ?? [],
  );
};

const readBody = async (request: IncomingMessage): Promise<StandInRequest> => {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return JSON.parse(Buffer.concat(pieces).toString()) as StandInRequest;
};

const send = (response: ServerResponse, status: number, body: unknown, headers: object = {}): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};

const usage = { prompt_tokens: 100, completion_tokens: 2, total_tokens: 102 };

/** Most probable first tokens of an answer that is yes with a probability, shared between spellings. */
const firstTokens = (yes: number): object => {
  const top = [
    ["Yes", 0.75 * yes],
    [" yes", 0.25 * yes],
    ["No", 0.9 * (1 - yes)],
    ["NO", 0.1 * (1 - yes)],
    ["Perhaps", 0.5],
  ] as const;
  const top_logprobs = top.flatMap(([token, share]) =>
    share > 0 ? [{ token, logprob: Math.log(share / 1.5) }] : [],
  );
  return { content: [{ token: yes >= 0.5 ? "Yes" : "No", logprob: -0.1, top_logprobs }] };
};

const answerWhole = (response: ServerResponse, message: object, reason: string, logprobs?: object): void =>
  send(response, 200, {
    id: "1",
    object: "chat.completion",
    choices: [
      {
        index: 0,
        message: { role: "assistant", ...message },
        finish_reason: reason,
        ...(logprobs && { logprobs }),
      },
    ],
    usage,
  });

/** Failures that are an answer of HTTP: status, body, headers. */
const httpTroubles: Partial<
  Record<NonNullable<Trouble>, () => readonly [number, unknown, Record<string, string>?]>
> = {
  "server-error": () => [503, { error: { message: "overloaded" } }],
  "bad-request": () => [400, { error: { message: "too many images" } }],
  "wrong-json": () => [200, '{"choices": [{"mess'],
  "no-choices": () => [200, { object: "list", data: [] }],
  "empty-choices": () => [200, { object: "chat.completion", choices: [], usage }],
  "unknown-model": () => [404, { error: { message: "The model `tiny` does not exist." } }],
  "too-large": () => [413, { error: { message: "request entity too large" } }],
  "no-key": () => [401, { error: { message: "Incorrect API key provided: secret-key." } }],
  "retry-date": () => [
    429,
    { error: { message: "slow down until then" } },
    { "retry-after": new Date(Date.now() + 2000).toUTCString() },
  ],
  html: () => [200, "<html><body>Sign in to go on</body></html>", { "content-type": "text/html" }],
  "not-gzip": () => [200, "this was never packed", { "content-encoding": "gzip" }],
  endless: () => [200, `"${"x".repeat(9 << 20)}"`],
};

/** Failures of the line itself. @returns whether this is one */
const breakLine = (wrong: Trouble, response: ServerResponse): boolean => {
  if (wrong !== "reset" && wrong !== "drip" && wrong !== "hang") return false;
  if (wrong === "hang") return true;
  response.writeHead(200, { "content-type": "application/json" });
  response.write('{"choices": [');
  if (wrong === "reset") setTimeout(() => response.socket?.resetAndDestroy(), 20);
  else {
    const drops = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(drops));
  }
  return true;
};

const answerInPieces = (response: ServerResponse, text: string, reason: string | null): void => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  const piece = (delta: object, finish: string | null): string =>
    `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  for (const letter of text) response.write(piece({ content: letter }, null));
  if (reason !== null) response.write(piece({}, reason));
  if (reason !== null) response.write(`data: ${JSON.stringify({ choices: [], usage })}\n\n`);
  response.end(reason === null ? "" : "data: [DONE]\n\n");
};

/**
 * Starts a stand-in.
 *
 * @param answer what it says to a request
 * @param trouble what goes wrong with the n-th request, from 0; `tries` says how often this very text came before
 */
export const startStandIn = async ({
  answer,
  delayMilliseconds = 0,
  retryAfterMilliseconds = 20,
  trouble = () => undefined,
}: {
  readonly answer: (request: StandInRequest) => Said | Promise<Said>;
  readonly delayMilliseconds?: number;
  /** What a rate-limited request is told to wait. */
  readonly retryAfterMilliseconds?: number;
  readonly trouble?: (about: {
    readonly number: number;
    readonly text: string;
    readonly tries: number;
  }) => Trouble;
}): Promise<StandIn> => {
  const requests: StandInRequest[] = [];
  const seen = new Map<string, number>();
  let [open, most] = [0, 0];
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await readBody(incoming);
    const text = textOf(request);
    const tries = seen.get(text) ?? 0;
    seen.set(text, tries + 1);
    const wrong = trouble({ number: requests.length, text, tries });
    requests.push(request);
    if (delayMilliseconds > 0) await new Promise((resolve) => setTimeout(resolve, delayMilliseconds));
    if (breakLine(wrong, response)) return;
    if (wrong === "rate-limit")
      return send(
        response,
        429,
        { error: { message: "slow down" } },
        { "retry-after-ms": String(retryAfterMilliseconds) },
      );
    const http = wrong === undefined ? undefined : httpTroubles[wrong]?.();
    if (http !== undefined) return send(response, ...http);
    if (wrong === "unknown-form" && request.response_format !== undefined)
      return send(response, 400, { error: { message: "response_format is not supported" } });
    if (wrong === "no-logprobs" && request.logprobs === true)
      return send(response, 400, { error: { message: "logprobs are not supported by this model" } });
    if (wrong === "no-text") return answerWhole(response, { content: null }, "stop");
    if (wrong === "refusal")
      return answerWhole(response, { content: null, refusal: "I will not describe people." }, "stop");
    if (wrong === "tool-call") {
      const call = { id: "1", type: "function", function: { name: "look", arguments: "{}" } };
      return answerWhole(response, { content: null, tool_calls: [call] }, "tool_calls");
    }
    const whole = await answer(request);
    const said = typeof whole === "string" ? whole : whole.text;
    if (wrong === "parts") return answerWhole(response, { content: [{ type: "text", text: said }] }, "stop");
    if (wrong === "cut-off" && request.stream === true) return answerInPieces(response, said, null);
    if (wrong === "cut-off") {
      response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
      response.write('{"choices":');
      response.destroy();
      return;
    }
    const reason = wrong === "filtered" ? "content_filter" : wrong === "too-long" ? "length" : "stop";
    if (request.stream === true) answerInPieces(response, said, reason);
    else {
      const hasLogprobs = request.logprobs === true && typeof whole !== "string" && wrong !== "no-logprobs";
      answerWhole(response, { content: said }, reason, hasLogprobs ? firstTokens(whole.yes) : undefined);
    }
  };
  const server = createServer((incoming, response) => {
    open++;
    most = Math.max(most, open);
    response.on("close", () => open--);
    handle(incoming, response).catch((error: unknown) => send(response, 500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    requests,
    mostAtOnce: () => most,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
