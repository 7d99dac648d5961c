/** What a worker does for each call of its controller. */
import { EngineError } from "../../core/errors.ts";
import type {
  CallOptions,
  Cotangents,
  Engine,
  ForwardOptions,
  LoadOptions,
  Pass,
  SampleRequest,
  SaveOptions,
  UpdateOptions,
} from "../contract.ts";
import type { WireBatch, WireMedia, WirePass } from "../worker-protocol.ts";
import type { MediaCache } from "./media-cache.ts";

/** Arguments of a call, as the controller names them. */
export interface GivenArguments {
  readonly batches?: readonly WireBatch[];
  readonly forward?: Omit<ForwardOptions, "signal" | "deadlineSeconds">;
  readonly pass?: number;
  readonly cotangents?: readonly Cotangents[];
  readonly rule?: UpdateOptions;
  readonly request?: Omit<SampleRequest, "batch">;
  readonly folder?: string;
  readonly files?: SaveOptions & LoadOptions;
  readonly name?: string;
  readonly what?: "value" | "gradient";
}

/** Does the calls of a controller on an engine of this process. */
export class EngineCalls {
  readonly #engine: Engine;
  readonly #media: MediaCache;
  readonly #passes = new Map<number, Pass>();
  #next = 0;

  constructor(engine: Engine, media: MediaCache) {
    this.#engine = engine;
    this.#media = media;
  }

  /** What has to be sent before a call can be done. */
  missing({ batches = [] }: GivenArguments, media: WireMedia): string[] {
    return this.#media.missing(batches, media);
  }

  /** @returns what the controller is answered @throws what the engine throws */
  async do(
    operation: string,
    given: GivenArguments,
    media: WireMedia,
    options: CallOptions,
  ): Promise<unknown> {
    const engine = this.#engine;
    const batches = this.#media.filled(given.batches ?? [], media);
    switch (operation) {
      case "forward":
        return this.#forward(await engine.forward(batches, { ...given.forward, ...options }));
      case "backward":
        return engine.backward(this.#take(given.pass!), given.cotangents!, options);
      case "release":
        this.#passes.delete(given.pass!);
        return undefined;
      case "clearGradient":
        return engine.clearGradient(options);
      case "update":
        return engine.update(given.rule!, options);
      case "holdReference":
        return engine.holdReference(options);
      case "sample":
        return engine.sample({ ...given.request!, batch: batches[0]! }, options);
      case "save":
        return engine.save(given.folder!, { ...given.files, ...options });
      case "load":
        return engine.load(given.folder!, { ...given.files, ...options });
      case "inspect":
        return engine.inspect?.(batches[0]!, options);
      case "read":
        return engine.read(given.name!, given.what!, options);
      default:
        throw new EngineError("unknown call", { got: operation });
    }
  }

  #forward(pass: Pass): WirePass {
    const { outputs, kept } = pass;
    if (kept === "nothing") return { id: undefined, outputs, kept };
    this.#passes.set(this.#next, pass);
    return { id: this.#next++, outputs, kept };
  }

  #take(id: number): Pass {
    const pass = this.#passes.get(id);
    this.#passes.delete(id);
    if (pass === undefined)
      throw new EngineError("backward of a pass that keeps nothing", { got: "a pass that was consumed" });
    return pass;
  }
}
