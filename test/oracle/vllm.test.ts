/**
 * Roll-outs through a real vLLM on the CPU: log-probabilities against the trainer's own on prompts that are longer than a
 * block of its cache, before and after updates; what must be caught is planted.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { type Rollouts, rolloutProviders } from "../../src/engine/rollouts.ts";
import { ServedAdapters } from "../../src/engine/vllm/served-adapters.ts";
import { VllmServer } from "../../src/engine/vllm/server.ts";
import { loadTokenizer } from "../../src/text/tokenizer.ts";
import type { TrainingClip } from "../../src/training/clip.ts";
import type { Language, Prompt } from "../../src/training/clip-prompts.ts";
import { tokenFields } from "../random-checkpoint.ts";
import { sharedFile, sharedMissing } from "../shared-data.ts";
import {
  type AdaptedTrainee,
  adaptedTrainee,
  bothSides,
  drawnDifference,
  drawnFrom,
  updateAdapter,
} from "../unit/engine/adapted-trainee.ts";
import { smallConfig, smallVision } from "../unit/model/small-config.ts";

const python = process.env["VIDEOPERCEIVER_ORACLE_VLLM"] ?? "";
const isMissing = python === "" || sharedMissing("roll-outs through vLLM");
if (python === "") console.log("\nSKIPPED: roll-outs through vLLM: run by npm run test:oracle\n");

/** Positions of a cache block of vLLM on a CPU. */
const blockSize = 128;
const steps = 10;
/** Longest time until the server answers; quiet it takes 35 to 53 s. */
const startSeconds = 840;

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });

describe.skipIf(isMissing)("vLLM", () => {
  let work: string;
  let trainee: AdaptedTrainee;
  let language: Language;
  let server: ChildProcess;
  let url: string;
  let prompts: Prompt[];

  const log = (): string => readFileSync(join(work, "log"), "utf8");

  const startServer = async (): Promise<void> => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    const flags = ["--host", "127.0.0.1", "--port", String(port), "--served-model-name", "base"];
    const shape = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "512", "--max-num-seqs", "8"];
    const adapters = ["--enable-lora", "--max-lora-rank", "8", "--max-loras", "1"];
    const ours = ["--enable-scale-out", "--logprobs-mode", "processed_logprobs", "--skip-mm-profiling"];
    const media = ["--limit-mm-per-prompt", '{"image": 0, "video": 1}', "--block-size", String(blockSize)];
    const model = ["-m", "vllm.entrypoints.openai.api_server", "--model", trainee.folder];
    const output = openSync(join(work, "log"), "a");
    server = spawn(python, [...model, ...flags, ...shape, ...adapters, ...ours, ...media], {
      stdio: ["ignore", output, output],
      detached: true,
      env: {
        ...process.env,
        VLLM_ALLOW_RUNTIME_LORA_UPDATING: "1",
        VLLM_CPU_KVCACHE_SPACE: "1",
        VLLM_CPU_OMP_THREADS_BIND: "nobind",
        VLLM_NO_USAGE_STATS: "1",
        OMP_NUM_THREADS: "1",
        HF_HUB_OFFLINE: "1",
      },
    });
    closeSync(output);
    for (const begun = performance.now(); ; ) {
      if (server.exitCode !== null || server.signalCode !== null)
        throw new Error(`vLLM has ended: ${log().slice(-2000)}`);
      if (performance.now() - begun > startSeconds * 1000)
        throw new Error(`vLLM was not there after ${startSeconds} s: ${log().slice(-500)}`);
      const isReady = await fetch(`${url}/health`).then(
        ({ ok }) => ok,
        () => false,
      );
      if (isReady) return;
      await wait(500);
    }
  };

  beforeAll(async () => {
    work = mkdtempSync(join(tmpdir(), "oracle-vllm-"));
    const files = sharedFile("data/tokenizers/qwen2.5-vl");
    const tokenizer = loadTokenizer(files);
    const config = smallConfig({
      ...tokenFields(tokenizer),
      hidden_size: 128,
      intermediate_size: 192,
      num_hidden_layers: 3,
      max_position_embeddings: 2048,
      rope_scaling: { type: "mrope", mrope_section: [4, 6, 6] },
      vision_config: { ...smallVision, hidden_size: 64, intermediate_size: 96, out_hidden_size: 128 },
    });
    const { visionStart, visionEnd, video, endOfText } = config.tokens;
    const endToken = endOfText[0]!;
    const tokens = {
      visionStart,
      visionEnd,
      video,
      endComplete: visionEnd,
      endAbsent: visionEnd,
      endText: endToken,
    };
    trainee = await adaptedTrainee(work, config, tokens, files);
    language = { decode: (ids) => tokenizer.decode(ids), endToken, refeedInstruction: [] };
    const random = seededRandom("vllm clips");
    const step = (): Uint8Array => Uint8Array.from({ length: 64 * 1176 }, () => random.integer(256));
    prompts = [0, 1].map((i): Prompt => {
      const clip: TrainingClip = {
        id: `clip ${i}`,
        // Two and a half positions a step, as a clip of an odd rate has them.
        patches: { rows: 8, columns: 8, secondsPerStep: 1.25, steps: Array.from({ length: steps }, step) },
        absentSteps: new Map([
          [3, step()],
          [7, step()],
        ]),
        keywords: [],
        texts: [],
      };
      const text = {
        sampleId: `sample ${i}`,
        skill: "",
        question: "",
        answer: "",
        answerKind: "open" as const,
        prompt: tokenizer.encode("What happens in the clip, and when?"),
        target: [...tokenizer.encode(i === 0 ? " A red disc comes." : " Nothing at all."), endToken],
        aboutEvent: true,
      };
      return { clip, text: text as Prompt["text"] };
    });
    await startServer();
  }, 900_000);
  afterAll(async () => {
    // The server's own processes are in its group.
    const end = (signal: NodeJS.Signals): void => {
      try {
        process.kill(-server.pid!, signal);
      } catch {
        // All of them have ended.
      }
    };
    if (server?.pid !== undefined) {
      const ended = server.exitCode === null && new Promise((done) => server.once("exit", done));
      end("SIGTERM");
      const timer = setTimeout(() => end("SIGKILL"), 10_000);
      await ended;
      clearTimeout(timer);
      end("SIGKILL");
    }
    await trainee?.engine[Symbol.asyncDispose]();
    rmSync(work, { recursive: true, force: true });
  });

  const drawing = () => ({ language, completions: 4, maxNewTokens: 12 });
  const open = async (name: string): Promise<Rollouts> => {
    const { value: opener } = await rolloutProviders.make("vllm", { url, patienceSeconds: 60 });
    const { engine, config } = trainee;
    return opener({ engine, config, folder: join(work, name), log: () => undefined });
  };

  test("log-probabilities at most 1e-4 nats apart, of clip and twin, before and after two updates", async () => {
    await using rollouts = await open("adapters");
    const sides = bothSides(prompts);
    const drawn = new Set<string>();
    for (const round of [0, 1, 2]) {
      const { metrics, drawn: texts } = await drawnDifference(trainee, rollouts, sides, drawing());
      console.log(`round ${round}: ${JSON.stringify(metrics)}`);
      expect(metrics["rolloutDifference"]!, `round ${round}`).toBeLessThan(1e-4);
      drawn.add(JSON.stringify(texts.map((group) => group.map(({ tokens }) => tokens))));
      await updateAdapter(trainee, prompts, language);
    }
    expect(drawn.size).toBe(3);
    expect(steps * 16).toBeGreaterThan(blockSize);
  });

  test("other distributions than the plain one: a temperature, banned tokens", async () => {
    await using rollouts = await open("hot");
    const hot = { ...drawing(), temperature: 0.5 };
    const { metrics } = await drawnDifference(trainee, rollouts, prompts, hot);
    expect(metrics["rolloutDifference"]!).toBeLessThan(1e-4);
  });

  test("a planted wrong rule of positions is caught", async () => {
    const client = new VllmServer({ url, apiKey: undefined, deadlineSeconds: 300, patienceSeconds: 60 });
    const folder = join(work, "planted");
    const adapters = new ServedAdapters(client, { folder: work, serverFolder: undefined, prefix: "planted" });
    await trainee.engine.save(folder);
    await adapters.load("planted", folder);
    const right = drawnFrom(trainee, url, "planted");
    // A step of less than a second, cut to whole ones: every frame at the same time.
    const wrong = drawnFrom(trainee, url, "planted", ({ tokens, media }) => ({
      tokens,
      media: media.map((one) => ({ ...one, rate: 0 })),
    }));
    const { metrics } = await drawnDifference(trainee, right, prompts, drawing());
    expect(metrics["rolloutDifference"]!).toBeLessThan(1e-4);
    const off = await drawnDifference(trainee, wrong, prompts, drawing());
    console.log(`wrong rule: ${JSON.stringify(off.metrics)}`);
    await expect(
      drawnDifference(trainee, wrong, prompts, { ...drawing(), mostDifference: 0.1 }),
    ).rejects.toThrow("roll-outs of another model than the trained one");
  });

  test("an adapter reloaded from the same path is refused; forced upon the server, it is caught", async () => {
    const client = new VllmServer({ url, apiKey: undefined, deadlineSeconds: 300, patienceSeconds: 60 });
    const folder = join(work, "same");
    const adapters = new ServedAdapters(client, { folder: work, serverFolder: undefined, prefix: "same" });
    await trainee.engine.save(folder);
    await adapters.load("same", folder);
    const served = drawnFrom(trainee, url, "same");
    const before = await drawnDifference(trainee, served, prompts, drawing());
    expect(before.metrics["rolloutDifference"]!).toBeLessThan(1e-4);
    await updateAdapter(trainee, prompts, language, 0.2);
    await trainee.engine.save(folder);
    await expect(adapters.load("same", folder)).rejects.toThrow("an adapter loaded twice from one place");
    const forced = { lora_name: "same", lora_path: folder, load_inplace: true };
    await client.ask("/v1/load_lora_adapter", forced);
    const stale = await drawnDifference(trainee, served, prompts, drawing());
    console.log(`same path: ${JSON.stringify(stale.metrics)}`);
    await expect(
      drawnDifference(trainee, served, prompts, { ...drawing(), mostDifference: 0.01 }),
    ).rejects.toThrow("roll-outs of another model than the trained one");
  });
});
