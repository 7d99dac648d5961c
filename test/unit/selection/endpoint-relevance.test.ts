import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ChatCompletion } from "../../../src/core/chat-completion.ts";
import { UnansweredError } from "../../../src/core/endpoint.ts";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import type { RelevanceContext, RelevanceProvider } from "../../../src/selection/relevance.ts";
import { chooseRelevance, recordedRelevance } from "../../../src/selection/relevance-choice.ts";
import { readYesNo } from "../../../src/selection/yes-no.ts";
import {
  mediaOf,
  type Said,
  type StandIn,
  type StandInRequest,
  startStandIn,
  type Trouble,
  textOf,
} from "../../stand-in/openai-endpoint.ts";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "endpoint-relevance-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const [width, height] = [32, 24];
/** Grey frames, each a little brighter than the one before, so that a JPEG tells which it is. */
const clip = (frames: number): FrameBatch => {
  const pixels = new Uint8Array(frames * width * height * 3);
  for (let at = 0; at < frames; at++) pixels.fill(10 + 4 * at, at * width * height * 3);
  return {
    width,
    height,
    pixels,
    frames: Array.from({ length: frames }, (_, index) => ({
      index: frameIndex(index * 3),
      timeSeconds: seconds(index / 10),
    })),
  };
};

const scoresOf = async (
  provider: RelevanceProvider,
  frames: number,
  context: RelevanceContext = {},
  keywords: readonly string[] = ["flip pancake"],
): Promise<number[]> => {
  const batch = clip(frames);
  const stream = async function* (): AsyncGenerator<FrameBatch> {
    yield batch;
  };
  return [
    ...(await provider.score({
      frames: stream(),
      timeline: batch.frames,
      keywords,
      caption: "A cook flips a pancake.",
      context,
    })),
  ];
};

const chosen = async (standIn: StandIn, more = "") =>
  chooseRelevance(`openai:endpoint=${standIn.baseUrl}#tiny,backoffSeconds=0.001${more}`);
const providerOf = async (standIn: StandIn, more = ""): Promise<RelevanceProvider> =>
  (await chosen(standIn, more)).made.value;

/** Pictures in the order in which they were first seen say which frame is asked about. */
const ordered = (): ((request: StandInRequest) => number) => {
  const seen: string[] = [];
  return (request) => {
    const [picture] = mediaOf(request);
    if (!seen.includes(picture!)) seen.push(picture!);
    return seen.indexOf(picture!);
  };
};

describe("what is asked", () => {
  it("is whether each frame shows the keywords; the score is yes against no in all spellings", async () => {
    const place = ordered();
    await using standIn = await startStandIn({
      answer: (request) => ({ text: "Whatever, yes.", yes: 0.1 * place(request) }),
      trouble: () => undefined,
    });
    const strange = providerOf(standIn, ",concurrency=1");
    await expect(strange.then((one) => scoresOf(one, 3))).rejects.toThrow("neither yes nor no");
    const asked = ordered();
    await using good = await startStandIn({
      answer: (request) => ({ text: "No.", yes: 0.1 * asked(request) }),
    });
    const provider = await providerOf(good, ",concurrency=1");
    const scores = await scoresOf(provider, 5, {}, ["flip pancake", "spill milk"]);
    for (const [at, score] of scores.entries()) expect(score).toBeCloseTo(0.1 * at, 12);
    expect(good.requests).toHaveLength(5);
    for (const request of good.requests) {
      expect(mediaOf(request)).toHaveLength(1);
      expect(textOf(request)).toContain('"flip pancake", "spill milk"');
      expect(request).toMatchObject({ logprobs: true, top_logprobs: 20, temperature: 0, max_tokens: 4 });
    }
    expect(provider.version()).toBe("1/tiny");
  });

  it("is a window around each frame on request, shorter at the ends and across pieces of the stream", async () => {
    await using standIn = await startStandIn({ answer: () => ({ text: "Yes", yes: 0.75 }) });
    const scores = await scoresOf(await providerOf(standIn, ",windowFrames=5,concurrency=1"), 40);
    expect(scores).toHaveLength(40);
    expect(standIn.requests).toHaveLength(40);
    const shown = standIn.requests.map((request) => mediaOf(request).length);
    expect(shown).toEqual([3, 4, ...new Array<number>(36).fill(5), 4, 3]);
    // Frame 31 is the last of the first piece; its window holds frames of the next one.
    expect(textOf(standIn.requests[31]!).match(/^\d\.\d\d s$/gm)).toEqual([
      "2.90 s",
      "3.00 s",
      "3.10 s",
      "3.20 s",
      "3.30 s",
    ]);
  });

  it("is refused without keywords, and an even window is named", async () => {
    await using standIn = await startStandIn({ answer: () => "Yes" });
    await expect(scoresOf(await providerOf(standIn), 2, {}, [])).rejects.toThrow("needs keywords");
    await expect(chosen(standIn, ",windowFrames=2")).rejects.toThrow("an odd number of frames");
    await expect(chooseRelevance("openai:localhost")).rejects.toThrow(
      /^not an endpoint: --relevance openai; expected BASE_URL#MODEL/,
    );
    expect(standIn.requests).toHaveLength(0);
  });

  it("is counted beforehand, and recorded without the address", async () => {
    await using standIn = await startStandIn({ answer: () => "Yes" });
    const choice = await chosen(
      standIn,
      ",windowFrames=3,requestsPerMinute=30,pricePerMillionPromptTokens=2,pricePerMillionCompletionTokens=10",
    );
    const estimate = choice.made.value.estimate!(100);
    // 448 * 448 pixels in squares of 28, and eight tokens around each picture; 120 of words.
    const tokens = 100 * (120 + 3 * (256 + 8));
    expect(estimate).toEqual({
      requests: 100,
      pictures: 300,
      promptTokens: tokens,
      completionTokens: 400,
      cost: (2 * tokens + 10 * 400) / 1e6,
      leastSeconds: 200,
    });
    expect(recordedRelevance(choice)).toEqual({
      name: "openai",
      params: { model: "tiny", windowFrames: 3, quality: 85, maxNewTokens: 4, logprobs: true },
    });
    expect(recordedRelevance(await chooseRelevance("blip2:http://somewhere:1"))).toEqual({
      name: "blip2",
      params: {},
    });
  });

  it("tells what was paid since the last time, and nothing for answers that were kept", async () => {
    await using standIn = await startStandIn({ answer: () => "Yes" });
    const prices = ",pricePerMillionPromptTokens=1000,pricePerMillionCompletionTokens=1000";
    const { made } = await chosen(standIn, prices);
    expect(made.value.spent!()).toEqual({ tokens: 0, cost: 0 });
    const kept = { endpoints: { answersFolders: [join(folder, "spent")], processes: 1 } };
    await scoresOf(made.value, 3, kept);
    const { tokens, cost } = made.value.spent!();
    expect(tokens).toBeGreaterThan(3);
    expect(cost).toBeCloseTo(tokens / 1000, 9);
    expect(made.value.spent!()).toEqual({ tokens: 0, cost: 0 });
    await scoresOf(made.value, 3, kept);
    expect(made.value.spent!()).toEqual({ tokens: 0, cost: 0 });
  });
});

describe("an endpoint without log-probabilities", () => {
  const byPicture = (): ((request: StandInRequest) => Said) => {
    const place = ordered();
    return (request) => (place(request) % 2 === 0 ? "no" : "**Yes**, it does");
  };
  it.each([
    ["that says nothing of them", undefined, 4],
    ["that refuses to be asked for them", "no-logprobs" as Trouble, 5],
  ])("%s is scored by yes and no alone, and that is said", async (_, trouble, requests) => {
    const said: string[] = [];
    await using standIn = await startStandIn({ answer: byPicture(), trouble: () => trouble });
    const provider = await providerOf(standIn, ",concurrency=1");
    const context = { onTrouble: (line: string) => void said.push(line) };
    expect(await scoresOf(provider, 4, context)).toEqual([0, 1, 0, 1]);
    expect(standIn.requests).toHaveLength(requests);
    expect(said).toEqual([
      "relevance openai: the endpoint gives no log-probabilities; frames count 1 for yes and 0 for no",
    ]);
    expect(provider.version()).toBe("1/tiny, by yes and no alone");
    // Said once, and the endpoint is not asked for them again.
    await scoresOf(provider, 4, context);
    expect(said).toHaveLength(1);
    expect(standIn.requests).toHaveLength(requests + 4);
  });

  it("a curve never mixes probabilities with bare answers", async () => {
    const place = ordered();
    await using standIn = await startStandIn({
      answer: (request) => {
        const at = place(request);
        return at === 2 ? "yes" : { text: at === 1 ? "yes" : "no", yes: [0.3, 0.6, 0, 0.45][at]! };
      },
    });
    const provider = await providerOf(standIn, ",concurrency=1");
    expect(await scoresOf(provider, 4)).toEqual([0, 1, 1, 0]);
    expect(provider.version()).toContain("by yes and no alone");
  });
});

describe("a failure", () => {
  const failures: readonly (readonly [Trouble | Said, RegExp, boolean])[] = [
    ["rate-limit", /rate-limited: .*slow down/, true],
    ["server-error", /server-error: .*overloaded/, true],
    ["hang", /deadline: no answer in 0.2 s/, true],
    ["reset", /unreachable: terminated/, true],
    ["filtered", /refused: stopped by the endpoint's content filter/, false],
    ["refusal", /refused: I will not describe people/, false],
    ["bad-request", /refused: .*too many images/, false],
    ["unknown-model", /refused: .*does not exist/, false],
    ["no-text", /empty: the endpoint answered without text/, false],
    ["empty-choices", /malformed: the answer is no chat completion/, false],
    ["html", /malformed: /, false],
    ["It is hard to say.", /malformed: neither yes nor no: "It is hard to say."/, false],
    ["Yesterday", /malformed: neither yes nor no/, false],
    ["No-one can know", /malformed: neither yes nor no/, false],
    ["  ", /empty: the endpoint answered without text/, false],
  ];
  const troubles = new Set<unknown>(
    failures.flatMap(([what]) => (typeof what === "string" && /^[a-z-]+$/.test(what) ? [what] : [])),
  );
  it.each(failures)("%j names the frame; no score is made up", async (what, reason, later) => {
    const place = ordered();
    await using standIn = await startStandIn({
      answer: (request) => (place(request) === 2 ? (what as Said) : "yes"),
      trouble: ({ number }) => (number === 2 && troubles.has(what) ? (what as Trouble) : undefined),
    });
    const provider = await providerOf(standIn, ",attempts=1,deadlineSeconds=0.2,concurrency=1");
    const failed = await scoresOf(provider, 4).catch((error: unknown) => error);
    expect(failed).toBeInstanceOf(UnansweredError);
    const { message, mayAnswerLater } = failed as UnansweredError;
    expect(message).toMatch(/^relevance openai has no answer: frame 6 at 0\.20 s; got /);
    expect(message).toMatch(reason);
    expect(mayAnswerLater).toBe(later);
    // The other frames of the piece were asked all the same, so their answers are there next time.
    expect(standIn.requests).toHaveLength(4);
  });

  it("is all that is asked again: answers are kept by what was asked, failures are not", async () => {
    const answersFolders = [join(folder, "kept")];
    const context = { endpoints: { answersFolders, processes: 1 } };
    let isWell = false;
    await using standIn = await startStandIn({
      answer: () => ({ text: "yes", yes: 0.7 }),
      trouble: ({ number }) => (!isWell && number >= 2 ? "server-error" : undefined),
    });
    const more = ",attempts=1,concurrency=1";
    await expect(scoresOf(await providerOf(standIn, more), 4, context)).rejects.toThrow("frame 6");
    expect(readdirSync(answersFolders[0]!)).toHaveLength(2);
    isWell = true;
    const scores = await scoresOf(await providerOf(standIn, more), 4, context);
    expect(scores.map((score) => Number(score.toFixed(6)))).toEqual([0.7, 0.7, 0.7, 0.7]);
    expect(standIn.requests).toHaveLength(6);
    // Other keywords, another window, another manner and another model are other questions.
    await scoresOf(await providerOf(standIn, more), 4, context, ["spill milk"]);
    await scoresOf(await providerOf(standIn, `${more},windowFrames=3`), 4, context);
    await scoresOf(await providerOf(standIn, `${more},logprobs=false`), 4, context);
    expect(standIn.requests).toHaveLength(18);
  });

  it("does not end patience: a busy endpoint is asked again", async () => {
    await using standIn = await startStandIn({
      answer: () => ({ text: "yes", yes: 0.7 }),
      trouble: ({ tries }) => (tries === 0 ? "server-error" : undefined),
    });
    const scores = await scoresOf(await providerOf(standIn), 1);
    expect(scores).toHaveLength(1);
    expect(standIn.requests).toHaveLength(2);
  });
});

describe("reading yes and no", () => {
  const completion = (text: string, first?: unknown): ChatCompletion =>
    ({
      text,
      finishReason: "stop",
      promptTokens: 1,
      completionTokens: 1,
      ...(first !== undefined && { first }),
    }) as ChatCompletion;
  it.each([
    ["Yes", true],
    ["yes.", true],
    [" **No**", false],
    ["NO, it does not", false],
  ])("%j is read off its first word", (text, isYes) => {
    expect(readYesNo(completion(text))).toEqual({ isYes });
  });
  it("takes no probability from tokens that are neither, broken, or impossible", () => {
    for (const first of [
      [],
      [{ token: "Maybe", logprob: -0.1 }],
      [{ token: "Yes", logprob: Number.NaN }],
      [{ token: "Yes", logprob: Number.POSITIVE_INFINITY }],
      [null, { logprob: -1 }, { token: 7, logprob: -1 }],
    ])
      expect(readYesNo(completion("yes", first))).toEqual({ isYes: true });
    expect(readYesNo(completion("yes", [{ token: "no", logprob: -9999 }]))).toEqual({ isYes: true });
    expect(
      readYesNo(
        completion("yes", [
          { token: "yes", logprob: 0 },
          { token: "no", logprob: -9999 },
        ]),
      ),
    ).toEqual({ isYes: true, probability: 1 });
  });
});
