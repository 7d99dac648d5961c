import type { TokenBatch } from "../../batch/token-batch.ts";
import { adaptedModel } from "../../model/adapted-model.ts";
import { openCheckpoint } from "../../model/checkpoint.ts";
import type { ModelConfig } from "../../model/config.ts";
import type { JointParameter } from "../../model/joint-parameters.ts";
import { checkpointContent } from "../../model/save-checkpoint.ts";
import { readAdapter } from "../../weights/adapter.ts";
import { writeAdapter } from "../../weights/write-adapter.ts";
import { beginReplacement, describeCheckpoint, weightFiles } from "../../weights/write-checkpoint.ts";
import { checkFits } from "../check-fits.ts";
import type {
  CallOptions,
  Completion,
  ForwardOptions,
  Inspection,
  LoadOptions,
  Pass,
  SampleOptions,
  SampleRequest,
  SaveOptions,
  UpdateOptions,
  UpdateResult,
} from "../contract.ts";
import { checkSampleRequest } from "../draw-completions.ts";
import {
  adapterContent,
  checkFolderKind,
  checkHasOptimizer,
  checkSameAdapter,
  wholeNames,
} from "../kept-files.ts";
import { type LoraAdapter, loraNames } from "../lora.ts";
import { groupNorms, parameterUpdates } from "../parameter-groups.ts";
import { RemoteEngine } from "../remote-engine.ts";
import type { Caller } from "../worker-connection.ts";
import type { ReadyMessage } from "../worker-protocol.ts";
import { adapterTensors, tensorPlaces } from "./places.ts";

/** What this side knows of the model that the worker holds. */
export interface TorchModel {
  readonly config: ModelConfig;
  readonly adapter: LoraAdapter | undefined;
  /** Every parameter, in order. */
  readonly all: readonly JointParameter[];
  readonly deadlineSeconds: number | undefined;
}

/** What the worker says of an update. */
interface WireUpdate {
  /** Missing: not finite. */
  readonly norm?: number;
  /** Of each trained parameter's gradient. */
  readonly squares: Float32Array;
  readonly version: number;
}

/** The contract over a Python worker: this side checks, names and describes, the worker computes and keeps the numbers. */
export class TorchEngine extends RemoteEngine {
  readonly #model: TorchModel;
  readonly #trained: readonly JointParameter[];

  constructor(calls: Caller, ready: ReadyMessage, model: TorchModel) {
    super(calls, ready, model.deadlineSeconds);
    this.#model = model;
    const trainable = new Set(this.capabilities.trainable);
    this.#trained = model.all.filter(({ name }) => trainable.has(name));
  }

  override async forward(batches: readonly TokenBatch[], options: ForwardOptions = {}): Promise<Pass> {
    for (const batch of batches) checkFits(batch, this.#model.config);
    return super.forward(batches, options);
  }

  override readonly inspect = async (batch: TokenBatch, options: CallOptions = {}): Promise<Inspection> => {
    checkFits(batch, this.#model.config);
    return (await this.call("inspect", {}, options, [batch])) as Inspection;
  };

  override async sample(
    request: SampleRequest,
    options: SampleOptions = {},
  ): Promise<readonly (readonly Completion[])[]> {
    checkFits(request.batch, this.#model.config);
    checkSampleRequest(request, this.#model.config.text.vocabSize);
    return super.sample(request, options);
  }

  override async update(rule: UpdateOptions, options: CallOptions = {}): Promise<UpdateResult> {
    const updates = parameterUpdates(this.#trained, rule);
    const rates = updates.map(({ learningRate }) => learningRate);
    const decays = updates.map(({ weightDecay }) => weightDecay);
    const given = { rule, rates, decays };
    const { norm = Number.NaN, squares, version } = (await this.call("update", given, options)) as WireUpdate;
    return { norm, norms: groupNorms(updates, squares), version };
  }

  override async save(folder: string, options: SaveOptions = {}): Promise<void> {
    const { optimizer, tokenizerFrom, signal, deadlineSeconds } = options;
    const limits = { signal, deadlineSeconds };
    if (this.#model.adapter === undefined) await this.#saveWhole(folder, tokenizerFrom, limits);
    else await this.#saveAdapter(folder, this.#model.adapter, limits);
    if (optimizer === true) await this.call("saveOptimizer", { folder }, limits);
  }

  override async load(folder: string, options: LoadOptions = {}): Promise<void> {
    const { optimizer = false, signal, deadlineSeconds } = options;
    const { adapter, config } = this.#model;
    checkFolderKind(folder, adapter !== undefined);
    const given = { folder, optimizer, tensors: [] as object[], numbers: new Map<string, Float32Array>() };
    if (adapter === undefined) {
      const checkpoint = await openCheckpoint(folder);
      try {
        given.tensors = tensorPlaces(checkpoint, this.#model.all);
      } finally {
        await checkpoint.close();
      }
    } else {
      const read = await readAdapter(folder, adaptedModel(config));
      checkSameAdapter(folder, read, adapter, this.#wholeNames(adapter));
      given.numbers = adapterTensors(read);
    }
    if (optimizer) checkHasOptimizer(folder);
    await this.call("load", given, { signal, deadlineSeconds });
  }

  #wholeNames(adapter: LoraAdapter): string[] {
    return wholeNames(
      adapter,
      this.#trained.map(({ name }) => name),
    );
  }

  /** The worker writes the weights, this side what describes them; the folder appears when both are there. */
  async #saveWhole(folder: string, tokenizerFrom: string | undefined, limits: CallOptions): Promise<void> {
    const content = checkpointContent(this.#model.config, "float32");
    const files = weightFiles(content.parameters, "float32");
    const replacement = beginReplacement(folder);
    try {
      const named = files.map(({ name, tensors }) => ({ name, tensors: tensors.map((one) => one.name) }));
      await this.call("saveWeights", { folder: replacement.temporary, files: named }, limits);
      describeCheckpoint(replacement.temporary, content, files, tokenizerFrom);
      replacement.finish();
    } catch (error) {
      replacement.abandon();
      throw error;
    }
  }

  async #saveAdapter(folder: string, adapter: LoraAdapter, limits: CallOptions): Promise<void> {
    const whole = this.#wholeNames(adapter);
    const sides = adapter.modules.flatMap(({ name }) => Object.values(loraNames(name)));
    const numbers = new Map<string, Float32Array>();
    for (const name of [...sides, ...whole]) numbers.set(name, await this.read(name, "value", limits));
    const shapes = new Map(this.#model.all.map(({ name, parts }) => [name, parts[0]!.shape]));
    const content = adapterContent(adapter, whole, (name) => ({
      shape: shapes.get(name)!,
      data: numbers.get(name)!,
    }));
    writeAdapter(folder, content, adaptedModel(this.#model.config));
  }
}
