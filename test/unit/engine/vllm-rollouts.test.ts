/** Roll-outs by a server: the same model, adapter, pictures and positions, and one line for everything that goes wrong. */
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SampleRequest } from "../../../src/engine/contract.ts";
import { type Rollouts, rolloutProviders } from "../../../src/engine/rollouts.ts";
import { ServedAdapters } from "../../../src/engine/vllm/served-adapters.ts";
import { VllmServer } from "../../../src/engine/vllm/server.ts";
import { positionsOf } from "../../../src/model/positions.ts";
import { clipPromptLayout, type Prompt } from "../../../src/training/clip-prompts.ts";
import { standInVllm, type VllmTrouble } from "../../stand-in/vllm-server.ts";
import { tinyLanguage as language, tinyConfig, tinyEnd, tinyTrainee, toyClips } from "../training/tiny.ts";
import {
  type AdaptedTrainee,
  adaptedTrainee,
  bothSides,
  drawnDifference,
  drawnFrom,
  updateAdapter,
} from "./adapted-trainee.ts";

let work: string;
let trainee: AdaptedTrainee;
const prompts: Prompt[] = toyClips(2).map((clip) => ({ clip, text: clip.texts[0]! }));
const drawing = { language, completions: 3, maxNewTokens: 4 };
let folders = 0;

beforeAll(async () => {
  work = mkdtempSync(join(tmpdir(), "vllm-"));
  trainee = await adaptedTrainee(work, tinyConfig());
});
afterAll(async () => {
  await trainee.engine[Symbol.asyncDispose]();
  rmSync(work, { recursive: true, force: true });
});

const open = async (url: string, params: object = {}, lines: string[] = []): Promise<Rollouts> => {
  const given = { url, deadlineSeconds: 60, patienceSeconds: 60, ...params };
  const { value: opener } = await rolloutProviders.make("vllm", given);
  const { engine, config } = trainee;
  const folder = join(work, `adapters ${folders++}`);
  return opener({ engine, config, folder, log: (line) => void lines.push(line) });
};

test("the server's log-probabilities are the trainer's, of clip and twin, before and after two updates", async () => {
  await using server = await standInVllm(trainee.folder);
  const folder = join(work, `adapters ${folders}`);
  const rollouts = await open(server.url);
  const all = bothSides(prompts);
  const texts: unknown[] = [];
  for (const round of [0, 1, 2]) {
    const { metrics, drawn, feeds } = await drawnDifference(trainee, rollouts, all, drawing);
    expect(metrics["rolloutDifferenceMost"]!, `round ${round}`).toBeLessThan(1e-4);
    expect(metrics["rolloutWeight"]!).toBeCloseTo(1, 4);
    expect(metrics["rolloutCapped"]).toBe(0);
    texts.push(Array.from(feeds.oldLogprobs, (value) => value.toFixed(4)));
    expect(
      drawn.flat().every(({ tokens }) => !tokens.some((token) => [10, 11, 12, 13].includes(token))),
    ).toBe(true);
    // Only the adapter in use is kept.
    expect(readdirSync(folder)).toHaveLength(1);
    await updateAdapter(trainee, prompts, language);
  }
  expect(new Set(texts.map(String)).size, "the updates changed what is drawn").toBe(3);
  expect(new Set(server.loaded.map(({ name }) => name)).size).toBe(3);
  expect(new Set(server.loaded.map(({ path }) => path)).size).toBe(3);
  await rollouts[Symbol.asyncDispose]();
  expect(existsSync(folder)).toBe(false);
});

test("one adapter for all prompts of a version, and none for a version that draws nothing", async () => {
  await using server = await standInVllm(trainee.folder);
  await using rollouts = await open(server.url, { concurrency: 4 });
  await drawnDifference(trainee, rollouts, bothSides(prompts), drawing);
  await updateAdapter(trainee, prompts, language);
  await updateAdapter(trainee, prompts, language);
  await drawnDifference(trainee, rollouts, prompts, drawing);
  expect(server.loaded).toHaveLength(2);
});

const sampleOf = (): SampleRequest => {
  const layout = clipPromptLayout(trainee, language, { control: "none", seed: 1 });
  const shown = prompts.map((prompt) => ({ prompt, side: "clip" as const, refed: false }));
  const asked = { completions: 1, maxNewTokens: 2, temperature: 1, stopTokens: [tinyEnd], seed: "1" };
  return { ...layout.prompts(shown), ...asked };
};

test("a prompt under another rule of positions is refused before anything is drawn", async () => {
  await using server = await standInVllm(trainee.folder);
  await using rollouts = await open(server.url);
  const request = sampleOf();
  const { batch } = request;
  const place = { rows: batch.samples, columns: batch.length, inputIds_BT: batch.ids };
  const mask = Array.from(batch.segments, (segment) => (segment < 0 ? 0 : 1));
  const { positions_3BT: positions } = positionsOf(
    {
      ...place,
      attentionMask_BT: mask,
      videoGrids: prompts.map(() => [3, 4, 4] as const),
      secondsPerGrid: [0.5, 0.5],
    },
    tinyConfig(),
    "transformers-5.23",
  );
  await expect(rollouts.sample({ ...request, batch: { ...batch, positions } })).rejects.toThrow(
    /^positions of a prompt that vLLM does not compute: prompt 0, token \d+; expected \d+, \d+, \d+; got [^\n]*positions\.md$/,
  );
  const uneven = batch.positions.slice();
  for (let t = 0; t < batch.length; t++) if (batch.source[t]! >= 8) uneven[t]! += 7;
  await expect(rollouts.sample({ ...request, batch: { ...batch, positions: uneven } })).rejects.toThrow(
    "not equally far apart",
  );
  expect(server.asked).toEqual(["/v1/models"]);
});

test("an adapter from the same place is refused; loaded nevertheless, the difference shows it", async () => {
  await using server = await standInVllm(trainee.folder);
  const client = new VllmServer({
    url: server.url,
    apiKey: undefined,
    deadlineSeconds: 9,
    patienceSeconds: 1,
  });
  const folder = join(work, "one place");
  await trainee.engine.save(folder);
  const place = { folder: work, serverFolder: undefined, prefix: "x" };
  const adapters = new ServedAdapters(client, place);
  await adapters.load("one", folder);
  await expect(adapters.load("one", join(work, "other"))).rejects.toThrow(
    "loaded twice from one place: one;",
  );
  await expect(adapters.load("two", folder)).rejects.toThrow(
    /^an adapter loaded twice[^\n]*kept blocks[^\n]*$/,
  );
  // Somebody's program does it all the same: the server goes on with what it kept.
  const before = await drawnDifference(trainee, drawnFrom(trainee, server.url, "one"), prompts, drawing);
  expect(before.metrics["rolloutDifferenceMost"]!).toBeLessThan(1e-4);
  await updateAdapter(trainee, prompts, language, 0.2);
  await trainee.engine.save(folder);
  await new ServedAdapters(client, place).load("one", folder);
  const stale = drawnDifference(trainee, drawnFrom(trainee, server.url, "one"), prompts, {
    ...drawing,
    mostDifference: 0.01,
  });
  await expect(stale).rejects.toThrow("roll-outs of another model than the trained one");
});

const troubles: readonly (readonly [VllmTrouble, string, RegExp])[] = [
  [
    "busy",
    "/inference/v1/generate",
    /does not answer: http\S+; expected an answer in 0\.4 s; got HTTP 503: the engine is starting; start it/,
  ],
  [
    "reset",
    "/inference/v1/generate",
    /does not answer: http\S+; expected an answer in 0\.4 s; got (socket hang up|read ECONNRESET); start it/,
  ],
  ["hang", "/inference/v1/generate", /is too slow: http\S+; expected an answer in 1 s; look at its log/],
  ["no-json", "/inference/v1/generate", /answers no JSON: http\S+; got <html>a proxy/],
  ["bad-request", "/inference/v1/generate", /refuses: http\S+; got HTTP 400: max_tokens must be at least 1$/],
  ["no-logprobs", "/inference/v1/generate", /another form than vLLM 0\.32's; got choices\.0\.logprobs/],
  ["fewer-choices", "/inference/v1/generate", /another number of completions[^\n]*; expected 3; got 2/],
  ["not-a-number", "/inference/v1/generate", /a log-probability that is none[^\n]*-9999 of token 0/],
  ["other-tokens", "/inference/v1/generate", /log-probabilities of other tokens than were drawn/],
  [
    "no-scale-out",
    "/inference/v1/generate",
    /draws no completions; got Not Found; start it with --enable-scale-out/,
  ],
  ["bad-request", "/v1/load_lora_adapter", /does not load the adapter: \S[^\n]*HTTP 400[^\n]*--enable-lora/],
  ["no-json", "/v1/models", /answers no JSON/],
];
test.each(troubles)("%s at %s: one line", async (trouble, at, message) => {
  await using server = await standInVllm(trainee.folder, {
    trouble: (path) => (path === at ? trouble : undefined),
  });
  const asked = async (): Promise<void> => {
    const deadlineSeconds = trouble === "hang" ? 1 : 60;
    await using rollouts = await open(server.url, { deadlineSeconds, patienceSeconds: 0.4 });
    await drawnDifference(trainee, rollouts, prompts, drawing);
  };
  const error = await asked().then(
    () => undefined,
    (caught: Error) => caught,
  );
  expect(error?.message).toMatch(message);
  expect(error?.message).not.toContain("\n");
});

test("a server that is busy for a while, or restarts and has lost the adapter, is waited for and given it again", async () => {
  const generate = "/inference/v1/generate";
  const lines: string[] = [];
  await using server = await standInVllm(trainee.folder, {
    trouble: (path, count) =>
      path !== generate ? undefined : ([undefined, "busy", "reset", "restart"] as const)[count],
  });
  await using rollouts = await open(server.url, { concurrency: 2 }, lines);
  const { metrics } = await drawnDifference(trainee, rollouts, bothSides(prompts), drawing);
  expect(metrics["rolloutDifferenceMost"]!).toBeLessThan(1e-4);
  expect(server.loaded.length).toBeGreaterThanOrEqual(2);
  expect(new Set(server.loaded.map(({ path }) => path)).size).toBe(server.loaded.length);
  expect(lines[0]).toMatch(/^the roll-out server has lost videoperceiver-\S+: it gets the adapter again$/);
});

test("an answer that is lost on the way after the adapter was loaded does not end the run", async () => {
  let asked = 0;
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      asked++;
      if (asked === 1) response.destroy();
      else {
        const message = `The lora adapter 'own-1' has already been loaded. If you want to load it in place, set load_inplace.`;
        response.writeHead(400, { "content-type": "application/json" });
        response.end(JSON.stringify({ error: { message: asked === 2 ? message : "rank 64 is too large" } }));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const rules = { url: `http://127.0.0.1:${port}`, deadlineSeconds: 10, patienceSeconds: 10 };
  const place = { folder: work, serverFolder: undefined, prefix: "own" };
  const adapters = new ServedAdapters(new VllmServer({ ...rules, apiKey: undefined }), place);
  await adapters.load("own-1", join(work, "own-1"));
  expect(asked).toBe(2);
  await expect(adapters.load("own-2", join(work, "own-2"))).rejects.toThrow(/rank 64 is too large/);
  server.close();
});

test("no server, one without adapters, whole weights, and prompts that are too long: one line each", async () => {
  await expect(open("http://127.0.0.1:9", { patienceSeconds: 0 })).rejects.toThrow(
    /does not answer[^\n]*ECONNREFUSED/,
  );
  await expect(rolloutProviders.make("vllm", { url: "127.0.0.1:8000" })).rejects.toThrow("url");
  await using bare = await standInVllm(trainee.folder, { withoutAdapters: true, maxModelLength: 24 });
  await using rollouts = await open(bare.url);
  await expect(rollouts.sample(sampleOf())).rejects.toThrow(
    /loads no adapters; got Not Found; start it with --enable-lora/,
  );
  await expect(rollouts.sample({ ...sampleOf(), maxNewTokens: 20 })).rejects.toThrow(
    /too long for the roll-out server: prompt 0; expected at most 24 tokens \(--max-model-len\)/,
  );
  const whole = tinyTrainee(trainee.folder);
  const { value: opener } = await rolloutProviders.make("vllm", { url: bare.url });
  const { engine, config } = whole;
  await expect(opener({ engine, config, folder: work, log: () => undefined })).rejects.toThrow(
    /trained whole; expected an adapter alone[^\n]*lora\.rank=32/,
  );
  await engine[Symbol.asyncDispose]();
});

test("what stops the caller stops the draw", async () => {
  await using server = await standInVllm(trainee.folder, {
    trouble: (path) => (path.includes("generate") ? "hang" : undefined),
  });
  await using rollouts = await open(server.url);
  const reason = new Error("enough");
  await expect(rollouts.sample(sampleOf(), { signal: AbortSignal.timeout(300) })).rejects.toThrow(
    /timeout|aborted/,
  );
  await expect(rollouts.sample(sampleOf(), { signal: AbortSignal.abort(reason) })).rejects.toThrow();
});
