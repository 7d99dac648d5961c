import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256 } from "../../src/core/files.ts";
import { seededRandom } from "../../src/core/random.ts";
import type { FrameBatch } from "../../src/frames/frame-batch.ts";
import { type RelevanceRequest, relevanceProviders } from "../../src/selection/relevance.ts";
import { chooseRelevance } from "../../src/selection/relevance-choice.ts";
import { mediaOf, type StandIn, startStandIn } from "../stand-in/openai-endpoint.ts";

/** More than are scored at once, so that pieces have frames around them. */
const count = 75;
const clip = (): FrameBatch => {
  const random = seededRandom("relevance contract");
  return {
    width: 24,
    height: 16,
    frames: Array.from({ length: count }, (_, index) => ({
      index,
      timeSeconds: index / 8,
    })) as unknown as FrameBatch["frames"],
    pixels: Uint8Array.from({ length: count * 24 * 16 * 3 }, () => random.integer(256)),
  };
};
const pieces = async function* (batch: FrameBatch, size: number): AsyncGenerator<FrameBatch> {
  const bytes = batch.width * batch.height * 3;
  for (let at = 0; at < batch.frames.length; at += size)
    yield {
      ...batch,
      frames: batch.frames.slice(at, at + size),
      pixels: batch.pixels.slice(at * bytes, (at + size) * bytes),
    };
};
const request = (
  batch: FrameBatch,
  size: number,
  change: Partial<RelevanceRequest> = {},
): RelevanceRequest => ({
  frames: pieces(batch, size),
  timeline: batch.frames,
  keywords: ["flash"],
  caption: "A light flashes.",
  context: {
    spans: [{ startSeconds: 1, endSeconds: 1.5 }],
    openScorer: async (folder) => ({
      version: `weights of ${folder}`,
      reach: 2,
      // A score that depends on the frames around, as far as the batch has them, as our encoder's does.
      scoreFrames: async ({ frames }, keywords) =>
        Float64Array.from(frames, (_, at) => {
          const around = [at - 2, at, at + 2].map((place) => Math.max(0, Math.min(frames.length - 1, place)));
          const indices = around.map((place) => frames[place]!.index as number);
          return Math.sin(indices[0]! + 3 * indices[1]! + 7 * indices[2]!) / keywords.length;
        }),
      close: async () => {},
    }),
  },
  ...change,
});

/** A stand-in for the HTTP scorer; answers with whatever `scores` says. */
let server: Server;
let address = "";
let scores: (body: { keywords: string[]; frames: string[] }) => unknown = () => ({});
let infoAnswer: unknown;
const goodInfo = { protocol: "videoperceiver/scorer@1", model: "stand-in", version: "7" };
const goodScores = ({ frames }: { frames: string[] }) => ({
  scores: frames.map((frame) => (frame.length % 10) / 10),
});

beforeAll(async () => {
  server = createServer((incoming, outgoing) => {
    let body = "";
    incoming.on("data", (piece) => {
      body += piece;
    });
    incoming.on("end", () => {
      const answer = incoming.url === "/info" ? infoAnswer : scores(JSON.parse(body));
      if (typeof answer === "number") outgoing.writeHead(answer).end("made up");
      else outgoing.end(typeof answer === "string" ? answer : JSON.stringify(answer));
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

let endpoint: StandIn;
beforeAll(async () => {
  // What is said hangs on the pictures and on nothing else; around a frame, two more are shown.
  endpoint = await startStandIn({
    answer: (asked) => {
      const yes = Number.parseInt(sha256(mediaOf(asked).join()).slice(0, 4), 16) / 65_535;
      return { text: yes >= 0.5 ? "Yes" : "No", yes };
    },
  });
});
afterAll(() => endpoint[Symbol.asyncDispose]());

const paramsOf = (name: string): object =>
  ({
    checkpoint: { folder: "made/up" },
    blip2: { url: address },
    openai: { endpoint: `${endpoint.baseUrl}#tiny`, windowFrames: 3 },
  })[name] ?? {};

describe.each(relevanceProviders.names())("relevance provider %s", (name) => {
  it("states source, version, unit and cost, and refuses unknown parameters", async () => {
    const definition = await relevanceProviders.load(name);
    for (const text of [
      definition.source,
      definition.version,
      definition.unit,
      definition.costPerFrame,
      definition.summary,
    ])
      expect(text.length).toBeGreaterThan(0);
    expect(definition.inputPixels).toBeGreaterThan(0);
    await expect(relevanceProviders.make(name, { nonsense: 1 })).rejects.toThrow(
      `bad parameters for relevance provider "${name}"`,
    );
  });

  it.skipIf(name === "clip")(
    "gives one finite score a frame, the same however the stream is cut",
    async () => {
      infoAnswer = goodInfo;
      scores = goodScores;
      const { value } = await relevanceProviders.make(name, paramsOf(name));
      const batch = clip();
      const before = [...batch.pixels];
      const whole = await value.score(request(batch, count));
      const cut = await value.score(request(batch, 3));
      expect(whole).toHaveLength(count);
      expect(whole.every(Number.isFinite)).toBe(true);
      expect([...cut]).toEqual([...whole]);
      expect([...batch.pixels]).toEqual(before);
      expect(value.version()).toMatch(/^\d/);
      await value.close?.();
    },
  );
});

describe("events", () => {
  it("is highest in the middle of a span and 0 outside", async () => {
    const { made } = await chooseRelevance("events:1-1.5");
    const found = await made.value.score(request(clip(), 7, { context: {} }));
    expect([...found].map((score, at) => (score > 0 ? at : -1)).filter((at) => at >= 0)).toEqual([
      8, 9, 10, 11,
    ]);
    expect(found.indexOf(Math.max(...found))).toBe(10);
    await expect(
      chooseRelevance("events:2-1").then(({ made: bad }) => bad.value.score(request(clip(), 7))),
    ).rejects.toThrow(
      'bad spans for relevance events; expected start-end in seconds, e.g. "1.2-1.6,3-3.4"; got 2-1',
    );
    await expect(
      chooseRelevance("events").then(({ made: bad }) => bad.value.score(request(clip(), 7, { context: {} }))),
    ).rejects.toThrow("relevance events needs spans");
  });
});

describe("checkpoint", () => {
  it("records the weights and says what is missing", async () => {
    const { made } = await chooseRelevance("checkpoint:some/where");
    await made.value.score(request(clip(), 7));
    expect(made.value.version()).toBe("1/weights of some/where");
    const bare = await chooseRelevance("checkpoint");
    await expect(bare.made.value.score(request(clip(), 7))).rejects.toThrow(
      "relevance checkpoint needs a folder",
    );
    await expect(made.value.score(request(clip(), 7, { keywords: [] }))).rejects.toThrow("needs keywords");
  });

  it("refuses too few scores, NaN, and a stream that is too short", async () => {
    const scorer = (values: number[]) => ({
      openScorer: async () => ({
        version: "x",
        reach: 0,
        scoreFrames: async () => Float64Array.from(values),
        close: async () => {},
      }),
    });
    const score = async (values: number[], size: number) =>
      (await chooseRelevance("checkpoint:x")).made.value.score(
        request(clip(), size, { context: scorer(values) }),
      );
    await expect(score([1, 2], 5)).rejects.toThrow(
      "relevance scores; expected 32 for 32 frames, 75 in all; got 2",
    );
    await expect(score([1, Number.NaN, ...new Array<number>(30).fill(3)], 5)).rejects.toThrow(
      "relevance score is not a number: frame 1; got NaN",
    );
    const short = request(clip(), 5, { timeline: [...clip().frames, ...clip().frames] });
    await expect((await chooseRelevance("checkpoint:x")).made.value.score(short)).rejects.toThrow(
      "expected 150 frames; got 75",
    );
  });
});

describe("blip2", () => {
  const score = async () =>
    (await chooseRelevance(`blip2:url=${address},framesPerRequest=8`)).made.value.score(
      request(clip(), count),
    );

  it("sends pictures in pieces and records the server's model", async () => {
    infoAnswer = goodInfo;
    const sizes: number[] = [];
    scores = (body) => {
      sizes.push(body.frames.length);
      expect(body.keywords).toEqual(["flash"]);
      expect(Buffer.from(body.frames[0]!, "base64").subarray(1, 4).toString()).toBe("PNG");
      return goodScores(body);
    };
    const { made } = await chooseRelevance(`blip2:url=${address},framesPerRequest=8`);
    await made.value.score(request(clip(), count));
    expect(sizes).toEqual([8, 8, 8, 8, 8, 8, 8, 8, 8, 3]);
    expect(made.value.version()).toBe("1/stand-in@7");
  });

  it.each([
    ["another protocol", { protocol: "x" }, goodScores, "not a scorer: http.*info"],
    ["no JSON", goodInfo, () => "hello", "scorer answered no JSON.*got hello"],
    ["wrong count", goodInfo, () => ({ scores: [1] }), "expected 8 scores; got 1"],
    ["text for scores", goodInfo, () => ({ scores: "high" }), "bad answer of the scorer"],
    ["a refusal", goodInfo, () => 400, "scorer refused.*HTTP 400 made up"],
    ["failures for ever", goodInfo, () => 500, "scorer refused.*HTTP 500"],
  ] as [string, unknown, typeof scores, string][])(
    "turns %s into one line",
    async (_, said, answer, message) => {
      infoAnswer = said;
      scores = answer;
      await expect(score()).rejects.toThrow(new RegExp(message));
    },
  );

  it("asks a busy server again and says when none is there", async () => {
    infoAnswer = goodInfo;
    let asked = 0;
    scores = (body) => (asked++ === 0 ? 429 : goodScores(body));
    expect(await score()).toHaveLength(count);
    const nobody = await chooseRelevance("blip2:http://127.0.0.1:9");
    await expect(nobody.made.value.score(request(clip(), count))).rejects.toThrow(
      /scorer cannot be reached.*server\.py/,
    );
  });
});

describe("choosing", () => {
  it("reads NAME, NAME:ARG and NAME:key=value", async () => {
    expect((await chooseRelevance("motion")).made.recipe.params["reachSeconds"]).toBe(1);
    expect((await chooseRelevance("motion:0.25")).made.recipe.params["reachSeconds"]).toBe(0.25);
    expect((await chooseRelevance("motion:border=open,blocks=4")).made.recipe.params).toMatchObject({
      border: "open",
      blocks: 4,
    });
    await expect(chooseRelevance("motion:border=shut")).rejects.toThrow(
      'bad parameters for relevance provider "motion"',
    );
    await expect(chooseRelevance("moton")).rejects.toThrow(
      'unknown relevance provider "moton"; did you mean "motion"?',
    );
    await expect(
      chooseRelevance("clip").then(({ made }) => made.value.score(request(clip(), 5))),
    ).rejects.toThrow("relevance clip needs a model");
    await expect(
      chooseRelevance("clip:./nowhere").then(({ made }) => made.value.score(request(clip(), 5))),
    ).rejects.toThrow("no such model folder: ./nowhere");
  });
});
