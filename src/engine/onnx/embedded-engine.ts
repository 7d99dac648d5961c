import { createRequire } from "node:module";
import type { TokenBatch } from "../../batch/token-batch.ts";
import { assert, EngineError, StalePassError, WeightsError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { Objective } from "../../graph/objective.ts";
import { CallLimit } from "../call-limit.ts";
import { candidateLogprobs } from "../candidates.ts";
import type {
  BatchOutputs,
  CallOptions,
  Capabilities,
  Completion,
  Cotangents,
  Engine,
  EngineStatistics,
  FeedArray,
  ForwardOptions,
  Inspection,
  LoadOptions,
  Pass,
  SampleOptions,
  SampleRequest,
  SaveOptions,
  StepResult,
  UpdateOptions,
  UpdateResult,
} from "../contract.ts";
import type { FeatureKeeping } from "../engine-plugin.ts";
import { Serial } from "../serial.ts";
import { OnnxAdamW } from "./adamw.ts";
import type { Computation, EmbeddedModel } from "./computation.ts";
import { EmbeddedPass, type KeptBatch } from "./embedded-pass.ts";
import { LoweredBatches } from "./lowered-batches.ts";
import { lowerBatch } from "./lowering/lower-batch.ts";
import { loadModel, saveModel } from "./model-files.ts";
import { isTowerFrozen, TowerFeatures } from "./tower-features.ts";

const onnxVersion = (createRequire(import.meta.url)("onnxruntime-node/package.json") as { version: string })
  .version;

/** The engine in this process: the contract over a {@link Computation} on a model in memory. */
export class EmbeddedEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly #model: EmbeddedModel;
  readonly #computation: Computation;
  readonly #optimizer: OnnxAdamW;
  readonly #serial = new Serial();
  readonly #batches: LoweredBatches;
  #version = 0;
  /** The gradient is zero, whatever its memory holds. */
  #isClear = true;
  #calls = 0;
  #waited = 0;
  /** Missing where the computation fuses nothing. */
  readonly step?: NonNullable<Engine["step"]>;

  /** @param keeping where features of a tower that is not trained are kept; left out: nowhere */
  constructor(model: EmbeddedModel, computation: Computation, threads: number, keeping?: FeatureKeeping) {
    this.#model = model;
    const how = `${computation.name} ${onnxVersion}, ${threads} threads`;
    const keeps = keeping !== undefined && isTowerFrozen(model);
    const features = keeps ? new TowerFeatures(model, keeping, how) : undefined;
    this.#batches = new LoweredBatches(model.config, computation, features);
    this.#computation = computation;
    this.#optimizer = new OnnxAdamW(threads);
    this.capabilities = {
      engine: computation.name,
      ranks: 1,
      device: "cpu",
      parameterType: model.weights.halves().length > 0 ? "float32, frozen matrices in 16 bits" : "float32",
      keeps: computation.keeps,
      sampling: { watched: true },
      longestSequence: model.config.text.maxPositionEmbeddings,
      trainable: model.weights.store.trained().map(({ name }) => name),
      versions: { "onnxruntime-node": onnxVersion },
    };
    if (computation.step !== undefined)
      this.step = (batch, objective, feeds, options) => this.#step(batch, objective, feeds, options);
  }

  get version(): number {
    return this.#version;
  }

  forward(batches: readonly TokenBatch[], options: ForwardOptions = {}): Promise<Pass> {
    const { keep = "nothing", weights = "current", candidates } = options;
    return this.#call("forward", options, async (call) => {
      const kept: KeptBatch[] = [];
      const outputs: BatchOutputs[] = [];
      for (const [i, batch] of batches.entries()) {
        const wanted = candidates?.[i];
        const lowered = await this.#batches.of(batch, call);
        call.check();
        const want = {
          logits: wanted !== undefined,
          visualTokens: false,
          keepGraph: keep === "graph",
          weights,
        };
        const computed = await this.#computation.forward(lowered, want, call);
        const { tokenLogprobs, states, logits, pullBack } = computed;
        const rows = batch.scored.rows.length;
        outputs.push({
          tokenLogprobs,
          states,
          candidates: wanted && candidateLogprobs(logits ?? new Float32Array(0), rows, wanted),
        });
        kept.push({ batch, pullBack });
      }
      call.check();
      const isKept = keep !== "nothing" && weights === "current";
      const how = !isKept ? "nothing" : kept.every(({ pullBack }) => pullBack) ? "graph" : "inputs";
      return new EmbeddedPass(outputs, this.#version, how, isKept ? kept : undefined);
    });
  }

  backward(pass: Pass, cotangents: readonly Cotangents[], options: CallOptions = {}): Promise<void> {
    return this.#call("backward", options, async (call) => {
      assert(pass instanceof EmbeddedPass, "a pass goes back through the engine that made it");
      if (pass.version !== this.#version)
        throw new StalePassError("backward of a pass whose weights have been updated", {
          expected: `weights of version ${this.#version}`,
          got: `a pass of version ${pass.version}`,
          hint: "compute it again",
        });
      const batches = pass.take();
      assert(batches.length === cotangents.length, "one entry of cotangents a batch");
      for (const [i, { batch, pullBack }] of batches.entries()) {
        call.check();
        const own = this.#checked(cotangents[i]!, pass.outputs[i]!);
        const lowered = await this.#batches.of(batch, call);
        if (pullBack === undefined) await this.#computation.backward(lowered, own, this.#accumulates(), call);
        else {
          this.#reallyClear();
          this.#isClear = false;
          await pullBack(own, call);
        }
      }
    });
  }

  clearGradient(options: CallOptions = {}): Promise<void> {
    return this.#call("clearGradient", options, async () => {
      this.#isClear = true;
    });
  }

  update(rule: UpdateOptions, options: CallOptions = {}): Promise<UpdateResult> {
    return this.#call("update", options, async () => {
      this.#reallyClear();
      const { norm, norms } = await this.#optimizer.update(this.#model.weights.store, rule);
      if (Number.isFinite(norm)) this.#changed();
      return { norm, norms, version: this.#version };
    });
  }

  holdReference(options: CallOptions = {}): Promise<void> {
    return this.#call("holdReference", options, async () => this.#computation.holdReference());
  }

  sample(request: SampleRequest, options: SampleOptions = {}): Promise<readonly (readonly Completion[])[]> {
    return this.#call("sample", options, async (call) => {
      const lowered = await this.#batches.of(request.batch, call);
      call.check();
      return this.#computation.sample(request, lowered, call, options.watch);
    });
  }

  save(folder: string, options: SaveOptions = {}): Promise<void> {
    return this.#call("save", options, async () => saveModel(folder, this.#model, options));
  }

  load(folder: string, options: LoadOptions = {}): Promise<void> {
    return this.#call("load", options, async () => {
      await loadModel(folder, this.#model, options.optimizer === true);
      this.#batches.weightsLoaded();
      this.#changed();
    });
  }

  read(name: string, what: "value" | "gradient", options: CallOptions = {}): Promise<Float32Array> {
    return this.#call("read", options, async () => {
      const { weights } = this.#model;
      if (!weights.has(name)) throw new WeightsError("no such tensor in this model", { where: name });
      if (what === "value") return weights.inPlace(name)?.slice() ?? weights.numbers(name);
      const gradient = weights.store.has(name) ? weights.store.get(name).gradient : undefined;
      if (gradient === undefined) throw new EngineError("gradient of what is not trained", { where: name });
      return this.#isClear ? new Float32Array(gradient.length) : gradient.slice();
    });
  }

  /** A forward with everything that can be compared with a reference. */
  inspect(batch: TokenBatch, options: CallOptions = {}): Promise<Inspection> {
    return this.#call("inspect", options, async (call) => {
      const want = { logits: true, visualTokens: true, keepGraph: false, weights: "current" } as const;
      // Computed with the batch, whatever is kept.
      const lowered = await lowerBatch(batch, this.#model.config);
      const { pullBack: _, ...computed } = await this.#computation.forward(lowered, want, call);
      return computed;
    });
  }

  statistics(): EngineStatistics {
    const nothing = { bytesSent: 0, bytesReceived: 0, mediaBytesSent: 0 };
    return { calls: this.#calls, ...nothing, waitingSeconds: this.#waited, computingSeconds: this.#waited };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serial.run(async () => {
      await this.#computation.release();
      await this.#optimizer.release();
    });
  }

  #step(
    batch: TokenBatch,
    objective: Objective,
    feeds: Readonly<Record<string, FeedArray>>,
    options: CallOptions = {},
  ): Promise<StepResult> {
    return this.#call("step", options, async (call) => {
      const lowered = await this.#batches.ofStep(batch, call);
      call.check();
      return this.#computation.step!(lowered, objective, feeds, this.#accumulates(), call);
    });
  }

  /** One call: after those before it, within its signal and deadline. */
  #call<T>(operation: string, options: CallOptions, work: (call: CallLimit) => Promise<T>): Promise<T> {
    const call = new CallLimit(operation, options);
    const start = nowMilliseconds();
    return this.#serial.run(async () => {
      try {
        call.check();
        this.#calls++;
        return await work(call);
      } finally {
        this.#waited += (nowMilliseconds() - start) / 1000;
      }
    });
  }

  /** Whether the next gradient is added to one that is there; from here on there is one. */
  #accumulates(): boolean {
    const accumulates = !this.#isClear;
    this.#isClear = false;
    return accumulates;
  }

  /** Makes the gradient's memory zero where it only counts as zero. */
  #reallyClear(): void {
    if (!this.#isClear) return;
    for (const { gradient } of this.#model.weights.store.trained()) gradient!.fill(0);
  }

  #changed(): void {
    this.#version++;
    this.#computation.weightsChanged();
  }

  /** Cotangents that fit a batch's outputs. */
  #checked(cotangents: Cotangents, outputs: BatchOutputs): Cotangents {
    const check = (what: string, got: number, expected: number | undefined): void => {
      if (expected === undefined)
        throw new EngineError("cotangent of a state that is not tapped", { where: what });
      if (got !== expected)
        throw new EngineError("size of a cotangent", {
          where: what,
          expected: `${expected} numbers`,
          got: String(got),
        });
    };
    const { tokenLogprobs, states } = cotangents;
    if (tokenLogprobs !== undefined)
      check("log-probabilities", tokenLogprobs.length, outputs.tokenLogprobs.length);
    for (const [block, state] of states)
      check(`block ${block}`, state.length, outputs.states.get(block)?.length);
    const hasTokens = tokenLogprobs !== undefined && tokenLogprobs.length > 0;
    return { tokenLogprobs: hasTokens ? tokenLogprobs : undefined, states };
  }
}
