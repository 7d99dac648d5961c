import type { MediaStep } from "../batch/media-step.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import { assert } from "../core/errors.ts";
import type {
  BatchOutputs,
  CallOptions,
  Capabilities,
  Completion,
  Cotangents,
  Engine,
  EngineStatistics,
  ForwardOptions,
  Inspection,
  Keep,
  LoadOptions,
  Pass,
  SampleOptions,
  SampleRequest,
  SaveOptions,
  UpdateOptions,
  UpdateResult,
} from "./contract.ts";
import type { Caller, MediaSource } from "./worker-connection.ts";
import { type ReadyMessage, type WirePass, wireBatch } from "./worker-protocol.ts";

/** A pass that another process keeps. */
class RemotePass implements Pass {
  readonly outputs: readonly BatchOutputs[];
  readonly version: number;
  readonly kept: Keep;
  /** Its number there; undefined when nothing is kept (any more). */
  id: number | undefined;
  readonly #release: (id: number) => Promise<void>;

  constructor({ id, outputs, kept }: WirePass, version: number, release: (id: number) => Promise<void>) {
    this.id = id;
    this.outputs = outputs;
    this.kept = kept;
    this.version = version;
    this.#release = release;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { id } = this;
    this.id = undefined;
    if (id !== undefined) await this.#release(id);
  }
}

/** The contract over other processes. Pictures are sent once, then named by their contents. */
export class RemoteEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly #connection: Caller;
  /** Contents that the other process has been given. */
  readonly #sent = new Set<string>();
  readonly #deadlineSeconds: number | undefined;
  /** Missing where the engine behind has no such thing. */
  readonly inspect?: NonNullable<Engine["inspect"]>;

  /** @param deadlineSeconds of calls that name none */
  constructor(
    connection: Caller,
    { capabilities, inspects }: Pick<ReadyMessage, "capabilities" | "inspects">,
    deadlineSeconds: number | undefined,
  ) {
    this.#connection = connection;
    if (inspects)
      this.inspect = async (batch, options = {}) =>
        (await this.call("inspect", {}, options, [batch])) as Inspection;
    this.capabilities = { ...capabilities, sampling: { watched: false } };
    this.#deadlineSeconds = deadlineSeconds;
  }

  get version(): number {
    return this.#connection.version;
  }

  async forward(batches: readonly TokenBatch[], options: ForwardOptions = {}): Promise<Pass> {
    const { signal, deadlineSeconds, ...forward } = options;
    const release = async (id: number): Promise<void> => {
      await this.call("release", { pass: id }, {});
    };
    const abandoned = (value: unknown): void => {
      const { id } = value as WirePass;
      if (id !== undefined) release(id).catch(() => {});
    };
    const limits = { signal, deadlineSeconds };
    const made = await this.call("forward", { forward }, limits, batches, abandoned);
    return new RemotePass(made as WirePass, this.version, release);
  }

  async backward(pass: Pass, cotangents: readonly Cotangents[], options: CallOptions = {}): Promise<void> {
    assert(pass instanceof RemotePass, "a pass goes back through the engine that made it");
    const { id } = pass;
    pass.id = undefined;
    // Without a number the other process says what is wrong.
    await this.call("backward", { pass: id ?? -1, cotangents }, options);
  }

  async clearGradient(options: CallOptions = {}): Promise<void> {
    await this.call("clearGradient", {}, options);
  }

  async update(rule: UpdateOptions, options: CallOptions = {}): Promise<UpdateResult> {
    return (await this.call("update", { rule }, options)) as UpdateResult;
  }

  async holdReference(options: CallOptions = {}): Promise<void> {
    await this.call("holdReference", {}, options);
  }

  async sample(
    { batch, ...request }: SampleRequest,
    { watch, ...options }: SampleOptions = {},
  ): Promise<readonly (readonly Completion[])[]> {
    assert(watch === undefined, "completions of another process cannot be watched");
    const drawn = await this.call("sample", { request }, options, [batch]);
    return drawn as readonly (readonly Completion[])[];
  }

  async save(folder: string, { signal, deadlineSeconds, ...files }: SaveOptions = {}): Promise<void> {
    await this.call("save", { folder, files }, { signal, deadlineSeconds });
  }

  async load(folder: string, { signal, deadlineSeconds, ...files }: LoadOptions = {}): Promise<void> {
    await this.call("load", { folder, files }, { signal, deadlineSeconds });
  }

  async read(name: string, what: "value" | "gradient", options: CallOptions = {}): Promise<Float32Array> {
    return (await this.call("read", { name, what }, options)) as Float32Array;
  }

  statistics(): EngineStatistics {
    return this.#connection.statistics();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#connection.close();
  }

  /** Calls the other process; pictures that it has not had yet go with the call. */
  protected call(
    operation: string,
    given: Readonly<Record<string, unknown>>,
    { signal, deadlineSeconds = this.#deadlineSeconds }: CallOptions,
    batches: readonly TokenBatch[] = [],
    abandoned?: (value: unknown) => void,
  ): Promise<unknown> {
    const steps = new Map(batches.flatMap(({ media }) => media.map((step) => [step.content, step] as const)));
    const media = {
      first: [...steps.keys()].filter((one) => !this.#sent.has(one)),
      source: this.#patches(steps),
    };
    const sent = { ...given, ...(batches.length === 0 ? {} : { batches: batches.map(wireBatch) }) };
    return this.#connection.call(operation, sent, { signal, deadlineSeconds }, media, abandoned);
  }

  #patches(steps: ReadonlyMap<string, MediaStep>): MediaSource {
    return async (contents) => {
      const patches = await Promise.all(
        contents.map(async (content) => [content, await steps.get(content)!.patches()] as const),
      );
      for (const content of contents) this.#sent.add(content);
      return new Map(patches);
    };
  }
}
