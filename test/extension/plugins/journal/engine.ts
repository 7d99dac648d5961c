import { appendFileSync } from "node:fs";
import type {
  CallOptions,
  Capabilities,
  Completion,
  Cotangents,
  Engine,
  EngineStatistics,
  ForwardOptions,
  LoadOptions,
  Pass,
  SampleOptions,
  SampleRequest,
  SaveOptions,
  TokenBatch,
  UpdateOptions,
  UpdateResult,
} from "videoperceiver/engine";

/** The contract over another engine. It has no fused step: callers go by forward and backward. */
export class JournalEngine implements Engine {
  readonly capabilities: Capabilities;
  readonly #inner: Engine;
  readonly #file: string;

  constructor(inner: Engine, file: string) {
    this.#inner = inner;
    this.#file = file;
    this.capabilities = { ...inner.capabilities, engine: `journal of ${inner.capabilities.engine}` };
  }

  get version(): number {
    return this.#inner.version;
  }

  forward(batches: readonly TokenBatch[], options?: ForwardOptions): Promise<Pass> {
    return this.#write("forward", () => this.#inner.forward(batches, options), batches.length);
  }

  backward(pass: Pass, cotangents: readonly Cotangents[], options?: CallOptions): Promise<void> {
    return this.#write("backward", () => this.#inner.backward(pass, cotangents, options), cotangents.length);
  }

  clearGradient(options?: CallOptions): Promise<void> {
    return this.#write("clearGradient", () => this.#inner.clearGradient(options));
  }

  update(rule: UpdateOptions, options?: CallOptions): Promise<UpdateResult> {
    return this.#write("update", () => this.#inner.update(rule, options));
  }

  holdReference(options?: CallOptions): Promise<void> {
    return this.#write("holdReference", () => this.#inner.holdReference(options));
  }

  sample(request: SampleRequest, options?: SampleOptions): Promise<readonly (readonly Completion[])[]> {
    return this.#write("sample", () => this.#inner.sample(request, options), 1);
  }

  save(folder: string, options?: SaveOptions): Promise<void> {
    return this.#write("save", () => this.#inner.save(folder, options));
  }

  load(folder: string, options?: LoadOptions): Promise<void> {
    return this.#write("load", () => this.#inner.load(folder, options));
  }

  read(name: string, what: "value" | "gradient", options?: CallOptions): Promise<Float32Array> {
    return this.#write("read", () => this.#inner.read(name, what, options));
  }

  statistics(): EngineStatistics {
    return this.#inner.statistics();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inner[Symbol.asyncDispose]();
  }

  async #write<T>(operation: string, work: () => Promise<T>, batches = 0): Promise<T> {
    const start = performance.now();
    const ended = (how: string): void => {
      const seconds = (performance.now() - start) / 1000;
      appendFileSync(this.#file, `${JSON.stringify({ operation, batches, how, seconds })}\n`);
    };
    try {
      const result = await work();
      ended("done");
      return result;
    } catch (error) {
      ended(String(error));
      throw error;
    }
  }
}
