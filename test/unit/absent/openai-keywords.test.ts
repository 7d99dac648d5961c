import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { captionWords } from "../../../src/absent/caption-words.ts";
import { type KeywordExtractor, keywordExtractors } from "../../../src/absent/keywords.ts";

type Reply = (response: ServerResponse, request: Record<string, unknown>) => void;

let server: Server;
let folder: string;
let replies: Reply[] = [];
let received: Record<string, unknown>[] = [];

const json = (
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
};
const completion =
  (content: unknown): Reply =>
  (response) =>
    json(response, 200, {
      choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content } }],
      usage: { prompt_tokens: 100, completion_tokens: 10 },
    });
const error =
  (status: number, headers: Record<string, string> = {}): Reply =>
  (response) =>
    json(response, status, { error: { message: `made up ${status}` } }, headers);
const good = completion('{"keywords":["flip pancake","catch pancake"]}');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "keywords-"));
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      received.push(JSON.parse(body));
      (replies.shift() ?? error(418))(response, JSON.parse(body));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  replies = [];
  received = [];
});

const extractor = async (params: object = {}): Promise<KeywordExtractor> => {
  const { port } = server.address() as AddressInfo;
  const made = await keywordExtractors.make("openai", {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    model: "stand-in",
    backoffSeconds: 0.001,
    requestsPerMinute: 60_000,
    ...params,
  });
  return made.value;
};

describe("openai keywords", () => {
  it("asks for structured output and records what it cost", async () => {
    replies = [good];
    const prices = { pricePerMillionPromptTokens: 2, pricePerMillionCompletionTokens: 10 };
    const outcome = await (await extractor(prices)).extract("A man flips a pancake and catches it.");
    expect(outcome).toEqual({
      status: "ok",
      keywords: ["flip pancake", "catch pancake"],
      usage: { promptTokens: 100, completionTokens: 10, cost: 0.0003 },
    });
    expect(received[0]).toMatchObject({
      model: "stand-in",
      temperature: 0,
      response_format: { type: "json_schema", json_schema: { strict: true } },
    });
  });

  it("is recorded with the model and without address, key and prices", async () => {
    replies = [good];
    const { port } = server.address() as AddressInfo;
    const named = `openai:baseUrl=http://127.0.0.1:${port}/v1,model=stand-in`;
    const words = await captionWords(
      "A man flips a pancake and catches it.",
      undefined,
      named,
      true,
      undefined,
    );
    expect(words.keywordSource).toEqual({
      name: "openai",
      params: { model: "stand-in" },
      version: "2/stand-in",
    });
  });

  it("waits out 429 and 500 and then answers", async () => {
    replies = [error(429, { "retry-after-ms": "5" }), error(500), good];
    expect((await (await extractor()).extract("A man flips a pancake and catches it.")).status).toBe("ok");
    expect(received).toHaveLength(3);
  });

  it.each([
    ["429 for ever", [error(429), error(429)], "rate-limited", 2],
    ["500 for ever", [error(500), error(503)], "server-error", 2],
    ["a refusal", [error(401)], "refused", 1],
    ["prose", [completion("Sure! flip pancake"), completion("sorry")], "malformed", 2],
    ["half a JSON", [completion('{"keywords":["flip'), completion('{"keywords":["flip')], "malformed", 2],
    ["other fields", [completion('{"words":[1]}'), completion('{"keywords":"flip"}')], "malformed", 2],
    ["nothing", [completion(""), completion(null)], "empty", 2],
    [
      "no choices",
      [(r: ServerResponse) => json(r, 200, { choices: [] }), (r: ServerResponse) => json(r, 200, {})],
      "malformed",
      2,
    ],
    ["an endless answer", [completion(`{"keywords":["flip"]}${" ".repeat(2 << 20)}`)], "malformed", 1],
    [
      "no body",
      [(r: ServerResponse) => r.writeHead(200, { "content-type": "application/json" }).end()],
      "malformed",
      1,
    ],
    [
      "a flood of keywords",
      [completion(JSON.stringify({ keywords: new Array(5000).fill("flip") }))],
      "malformed",
      1,
    ],
    [
      "a keyword as long as a book",
      [completion(JSON.stringify({ keywords: ["x".repeat(1e6)] }))],
      "malformed",
      1,
    ],
    ["no action", [completion('{"keywords":[]}')], "empty", 1],
    [
      "a dropped connection",
      [(r: ServerResponse) => r.destroy(), (r: ServerResponse) => r.destroy()],
      "unreachable",
      2,
    ],
    [
      "bytes that are no JSON",
      [
        (r: ServerResponse) => r.writeHead(200, { "content-type": "application/json" }).end("{"),
        (r: ServerResponse) => r.writeHead(200, { "content-type": "application/json" }).end("{"),
      ],
      "malformed",
      2,
    ],
  ] as [string, Reply[], string, number][])(
    "records %s as one outcome and invents nothing",
    async (_, given, status, attempts) => {
      replies = [...given];
      const outcome = await (await extractor({ attempts })).extract("A man flips a pancake.");
      expect(outcome).toMatchObject({ status, attempts });
      expect(outcome).not.toHaveProperty("keywords");
      expect(received).toHaveLength(given.length);
    },
  );

  it("repeats neither the key nor control characters of a server's complaint", async () => {
    process.env["STAND_IN_KEY"] = "sk-secret";
    try {
      replies = [(r) => json(r, 401, { error: { message: "bad key\u001b[2J sk-secret" } })];
      const outcome = await (await extractor({ apiKeyVariable: "STAND_IN_KEY" })).extract(
        "A man flips a pancake and catches it.",
      );
      expect(outcome).toEqual({ status: "refused", reason: "401 bad key [2J [key]", attempts: 1 });
    } finally {
      delete process.env["STAND_IN_KEY"];
    }
  });

  it("does not begin a wait that ends after the deadline", async () => {
    replies = [error(429, { "retry-after": "86400" })];
    const outcome = await (await extractor({ deadlineSeconds: 5 })).extract(
      "A man flips a pancake and catches it.",
    );
    expect(outcome).toMatchObject({ status: "rate-limited", attempts: 1 });
    expect(received).toHaveLength(1);
  });

  it("gives up at the deadline when the endpoint says nothing", async () => {
    replies = [() => {}];
    const outcome = await (await extractor({ deadlineSeconds: 0.1 })).extract(
      "A man flips a pancake and catches it.",
    );
    expect(outcome).toEqual({ status: "deadline", reason: "no answer in 0.1 s", attempts: 1 });
  });

  it("keeps answers by content and asks once", async () => {
    replies = [good, good];
    const kept = await extractor({ cacheFolder: folder });
    const same = "He flips and catches the pancake.";
    expect((await kept.extract(same)).status).toBe("ok");
    expect(await kept.extract(same)).toMatchObject({ status: "ok", cached: true });
    expect(received).toHaveLength(1);
    await kept.extract("She flips and catches the pancake.");
    expect(received).toHaveLength(2);
  });

  it("drops and records what the caption does not say, of a kept answer as well", async () => {
    replies = [completion('{"keywords":["flip pancake","spill milk","toss pancake"]}')];
    const kept = await extractor({ cacheFolder: join(folder, "dropped") });
    const outcome = {
      status: "ok",
      keywords: ["flip pancake"],
      dropped: [
        { keyword: "spill milk", missing: ["spill", "milk"] },
        { keyword: "toss pancake", missing: ["toss"] },
      ],
    };
    expect(await kept.extract("A man flips a pancake.")).toMatchObject(outcome);
    expect(await kept.extract("A man flips a pancake.")).toMatchObject({ ...outcome, cached: true });
    expect(received).toHaveLength(1);
  });

  it("gives no keywords when the caption says none of those named, and still what they cost", async () => {
    replies = [completion('{"keywords":["spill milk"]}')];
    const outcome = await (await extractor()).extract("A man flips a pancake.");
    expect(outcome).toMatchObject({
      status: "ungrounded",
      reason: 'the caption says none of the 1 keywords that the model names, e.g. "spill milk" (spill, milk)',
      attempts: 1,
      usage: { promptTokens: 100 },
      dropped: [{ keyword: "spill milk", missing: ["spill", "milk"] }],
    });
    expect(outcome).not.toHaveProperty("keywords");
  });

  it("says that it cannot compare keywords with a caption that is not English", async () => {
    replies = [completion('{"keywords":["flip pancake"]}')];
    const outcome = await (await extractor()).extract("一个男人翻煎饼。");
    expect(outcome).toMatchObject({
      status: "ok",
      keywords: ["flip pancake"],
      unchecked: "the caption is not English: its letters are Han",
    });
  });

  it("keeps to the rate", async () => {
    replies = [good, good, good, good];
    const slow = await extractor({ requestsPerMinute: 1200 });
    const start = performance.now();
    await Promise.all(["a", "b", "c", "d"].map((name) => slow.extract(`${name} flips a pancake`)));
    expect(performance.now() - start).toBeGreaterThan(140);
  });

  it("stops when the person does", async () => {
    replies = [() => {}];
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 30);
    await expect((await extractor()).extract("A man flips a pancake.", controller.signal)).rejects.toThrow(
      "abort",
    );
  });
});
