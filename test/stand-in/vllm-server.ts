/**
 * A server with vLLM's protocol that computes with the embedded engine: it reads pixels and grids out of the request,
 * gives them the trained rule's positions, and keeps an adapter's weights by its name and path as vLLM keeps its blocks.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { mediaStep } from "../../src/batch/media-step.ts";
import { promptBatch } from "../../src/batch/prompt-batch.ts";
import type { Engine } from "../../src/engine/contract.ts";
import { openEngine } from "../../src/engine/engines.ts";
import { batchRules } from "../../src/model/batch-rules.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { readConfigFile } from "../../src/model/families.ts";
import { unpacked } from "./unpacked.ts";

/** What goes wrong with a request; undefined: nothing. */
export type VllmTrouble =
  | "busy"
  | "reset"
  | "hang"
  | "no-json"
  | "bad-request"
  | "no-logprobs"
  | "fewer-choices"
  | "not-a-number"
  | "other-tokens"
  | "no-scale-out"
  | "restart"
  | undefined;

/** A running stand-in. */
export interface StandInVllm extends AsyncDisposable {
  readonly url: string;
  /** Paths that were asked, in order. */
  readonly asked: readonly string[];
  /** Adapters that it was told to load: name and path. */
  readonly loaded: readonly { readonly name: string; readonly path: string }[];
  /** Forgets everything, as a restart does. */
  restart(): void;
}

/** How it behaves. */
export interface VllmBehaviour {
  /** @param count requests to this path before */
  readonly trouble?: (path: string, count: number) => VllmTrouble;
  /** Added to every log-probability, nats. */
  readonly shift?: number;
  /** It refuses adapters, as a server without VLLM_ALLOW_RUNTIME_LORA_UPDATING. */
  readonly withoutAdapters?: boolean;
  readonly maxModelLength?: number;
}

interface Packed {
  readonly data: readonly [string, readonly number[], { readonly code: number; readonly bytes: Uint8Array }];
}
interface GenerateRequest {
  readonly model: string;
  readonly token_ids: readonly number[];
  readonly features?: {
    readonly mm_hashes: { readonly video: readonly string[] };
    readonly mm_placeholders: {
      readonly video: readonly { readonly offset: number; readonly length: number }[];
    };
    readonly kwargs_data: { readonly video: readonly string[] };
  };
  readonly sampling_params: {
    readonly n: number;
    readonly max_tokens: number;
    readonly temperature: number;
    readonly stop_token_ids: readonly number[];
    readonly logit_bias?: Readonly<Record<string, number>>;
    readonly seed: number;
  };
}

const numbersOf = ({ data: [type, , { code, bytes }] }: Packed): number[] => {
  if (code !== 3) throw new Error(`extension ${code}`);
  const { buffer } = bytes;
  if (type === "int64") return [...new BigInt64Array(buffer as ArrayBuffer)].map(Number);
  if (type === "uint8") return [...bytes];
  return [
    ...(type === "float64"
      ? new Float64Array(buffer as ArrayBuffer)
      : new Float32Array(buffer as ArrayBuffer)),
  ];
};

/** The prompt as a batch. Pictures that it knows by their name are not read again, as vLLM does. */
const promptOf = (
  asked: GenerateRequest,
  config: ModelConfig,
  known: Map<string, Record<string, Packed>>,
) => {
  const rules = batchRules(config);
  const { token_ids: ids, features } = asked;
  const places = new Int32Array(ids.length).fill(-1);
  const media: ReturnType<typeof mediaStep>[] = [];
  const grids: [number, number, number][] = [];
  const seconds: number[] = [];
  let visual = 0;
  (features?.mm_placeholders.video ?? []).forEach(({ offset, length }, i) => {
    const name = features!.mm_hashes.video[i]!;
    const item =
      known.get(name) ??
      (unpacked(Buffer.from(features!.kwargs_data.video[i]!, "base64")) as Record<string, Packed>);
    known.set(name, item);
    const [steps, rows, columns] = numbersOf(item["video_grid_thw"]!) as [number, number, number];
    const pixels = Uint8Array.from(numbersOf(item["pixel_values_videos"]!));
    const size = pixels.length / steps;
    for (let k = 0; k < steps; k++)
      media.push(mediaStep(pixels.slice(k * size, (k + 1) * size), rows, columns));
    grids.push([steps, rows, columns]);
    seconds.push(numbersOf(item["second_per_grid_ts"]!)[0]!);
    for (let t = 0; t < length; t++) places[offset + t] = visual++;
  });
  const { positions_3BT, next_B } = rules.positions({
    rows: 1,
    columns: ids.length,
    inputIds_BT: ids,
    videoGrids: grids,
    secondsPerGrid: seconds,
  });
  const spoken = new Uint8Array(ids.length);
  const tokens = { ids: Int32Array.from(ids), positions: positions_3BT, spoken, places };
  return promptBatch([{ tokens, next: next_B[0]!, media }], rules);
};

const send = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};
const fault = (message: string, code: number): object => ({ error: { message, type: "Error", code } });

/** Serves a checkpoint. */
export const standInVllm = async (
  folder: string,
  {
    trouble = () => undefined,
    shift = 0,
    withoutAdapters = false,
    maxModelLength = 4096,
  }: VllmBehaviour = {},
): Promise<StandInVllm> => {
  const config = await readConfigFile(folder);
  const asked: string[] = [];
  const loaded: { name: string; path: string }[] = [];
  let served = new Map<string, Promise<Engine>>();
  let kept = new Map<string, Promise<Engine>>();
  let pictures = new Map<string, Record<string, Packed>>();
  const everything: Promise<Engine>[] = [];
  const open = (path: string): Promise<Engine> => {
    const made = openEngine({ threads: 1 }, { folder, adapterFolder: path, trained: "none" }).then(
      ({ engine }) => engine,
    );
    everything.push(made);
    return made;
  };
  const restart = (): void => {
    served = new Map();
    kept = new Map();
    pictures = new Map();
  };

  const load = async (
    { lora_name: name, lora_path: path }: Record<string, string>,
    response: ServerResponse,
  ) => {
    if (withoutAdapters) return send(response, 404, { detail: "Not Found" });
    loaded.push({ name: name!, path: path! });
    const key = `${name} ${path}`;
    const engine = kept.get(key) ?? open(path!);
    kept.set(key, engine);
    await engine;
    served.set(name!, engine);
    return send(response, 200, `Success: LoRA adapter '${name}' added successfully.`);
  };

  const generate = async (request: GenerateRequest, response: ServerResponse, wrong: VllmTrouble) => {
    const engine = await served.get(request.model);
    if (engine === undefined)
      return send(response, 404, fault(`The model \`${request.model}\` does not exist.`, 404));
    const { n, max_tokens, temperature, stop_token_ids, logit_bias = {}, seed } = request.sampling_params;
    const [drawn] = await engine.sample({
      ...promptOf(request, config, pictures),
      completions: n,
      maxNewTokens: max_tokens,
      temperature,
      bannedTokens: Object.keys(logit_bias).map(Number),
      stopTokens: stop_token_ids,
      seed: String(seed),
    });
    const choices = drawn!.map(({ tokens, logprobs, finish }, index) => {
      const all = finish === "stop" ? [...tokens, stop_token_ids[0]!] : tokens;
      const content = logprobs.map((logprob, i) => ({
        token_id: wrong === "other-tokens" ? all[i]! + 1 : all[i]!,
        logprob: wrong === "not-a-number" ? -9999 : logprob + shift,
      }));
      const stated = wrong === "no-logprobs" ? {} : { logprobs: { content } };
      return { index, finish_reason: finish, token_ids: all, ...stated };
    });
    return send(response, 200, { choices: wrong === "fewer-choices" ? choices.slice(1) : choices });
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url!;
    const count = asked.filter((one) => one === path).length;
    asked.push(path);
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = pieces.length === 0 ? undefined : (JSON.parse(Buffer.concat(pieces).toString()) as unknown);
    const wrong = trouble(path, count);
    if (wrong === "busy") return send(response, 503, fault("the engine is starting", 503));
    if (wrong === "reset") return void request.socket.destroy();
    if (wrong === "hang") return void (await wait(20_000, undefined, { ref: false }));
    if (wrong === "no-json") return send(response, 200, "<html>a proxy</html>");
    if (wrong === "bad-request") return send(response, 400, fault("max_tokens must be\nat least 1", 400));
    if (wrong === "no-scale-out") return send(response, 404, { detail: "Not Found" });
    if (wrong === "restart") restart();
    if (path === "/v1/models")
      return send(response, 200, { data: [{ id: "base", parent: null, max_model_len: maxModelLength }] });
    if (path === "/v1/load_lora_adapter") return load(body as Record<string, string>, response);
    if (path === "/v1/unload_lora_adapter") {
      served.delete((body as Record<string, string>)["lora_name"]!);
      return send(response, 200, "Success: LoRA adapter removed.");
    }
    return generate(body as GenerateRequest, response, wrong);
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => send(response, 500, fault(String(error), 500)));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    loaded,
    restart,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      for (const engine of everything)
        await engine.then((one) => one[Symbol.asyncDispose]()).catch(() => undefined);
    },
  };
};
