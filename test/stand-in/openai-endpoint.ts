import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the stand-in reads it. */
export interface StandInRequest {
  readonly model: string;
  readonly stream?: boolean;
  readonly response_format?: { readonly type: string };
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
  | undefined;

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

const answerWhole = (response: ServerResponse, text: string | null, reason: string): void =>
  send(response, 200, {
    id: "1",
    object: "chat.completion",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: reason }],
    usage,
  });

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
  readonly answer: (request: StandInRequest) => string | Promise<string>;
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
    if (wrong === "hang") return;
    if (wrong === "rate-limit")
      return send(
        response,
        429,
        { error: { message: "slow down" } },
        { "retry-after-ms": String(retryAfterMilliseconds) },
      );
    if (wrong === "server-error") return send(response, 503, { error: { message: "overloaded" } });
    if (wrong === "bad-request") return send(response, 400, { error: { message: "too many images" } });
    if (wrong === "unknown-form" && request.response_format !== undefined)
      return send(response, 400, { error: { message: "response_format is not supported" } });
    if (wrong === "wrong-json") return send(response, 200, '{"choices": [{"mess');
    if (wrong === "no-choices") return send(response, 200, { object: "list", data: [] });
    if (wrong === "no-text") return answerWhole(response, null, "stop");
    const said = await answer(request);
    if (wrong === "cut-off" && request.stream === true) return answerInPieces(response, said, null);
    if (wrong === "cut-off") {
      response.writeHead(200, { "content-type": "application/json", "content-length": "500" });
      response.write('{"choices":');
      response.destroy();
      return;
    }
    const reason = wrong === "filtered" ? "content_filter" : wrong === "too-long" ? "length" : "stop";
    if (request.stream === true) answerInPieces(response, said, reason);
    else answerWhole(response, said, reason);
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
