/** What an engine's two processes say to each other: the controller, and the worker that computes for it. */
import type { PatchArray } from "../batch/media-step.ts";
import type { NamedBatch } from "../batch/split-batch.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import * as errors from "../core/errors.ts";
import type { BatchOutputs, Capabilities, Keep } from "./contract.ts";

/** Environment variables that tell a worker where its controller listens, and the token it has to show. */
export const workerEnvironment = {
  host: "VIDEOPERCEIVER_ENGINE_HOST",
  port: "VIDEOPERCEIVER_ENGINE_PORT",
  token: "VIDEOPERCEIVER_ENGINE_TOKEN",
  /** Process that starts it, with which it ends. */
  parent: "VIDEOPERCEIVER_ENGINE_PARENT",
} as const;

/** Which model the worker opens; what else it has to know is between an engine and its worker. */
export type ModelOrder = Readonly<Record<string, unknown>> & {
  /** Most bytes of patches that the worker keeps; what was used longest ago is forgotten and asked for again. */
  readonly mediaBytes: number;
};

/** A batch as it is sent: pictures by their contents. */
export type WireBatch = NamedBatch;

/** Patches by content. */
export type WireMedia = ReadonlyMap<string, PatchArray>;

/** A pass as the controller sees it. */
export interface WirePass {
  /** Undefined when nothing is kept. */
  readonly id: number | undefined;
  readonly outputs: readonly BatchOutputs[];
  readonly kept: Keep;
}

/** From the controller. */
export type ToEngineWorker =
  | { readonly kind: "open"; readonly order: ModelOrder }
  | {
      readonly kind: "call";
      readonly id: number;
      readonly operation: string;
      readonly given: Readonly<Record<string, unknown>>;
      /** Patches that the worker has not had yet. */
      readonly media: WireMedia;
    }
  | { readonly kind: "cancel"; readonly id: number }
  /** Answered at once, whatever is being computed. */
  | { readonly kind: "ping" };

/** Who a worker is: of several its number, and what ends it. */
export interface WorkerIdentity {
  readonly rank: number;
  readonly host: string;
  /** Its process there. */
  readonly process: number;
}

/** From the worker; the first message shows the token. */
export type FromEngineWorker =
  | ({ readonly kind: "hello"; readonly token: string } & Partial<WorkerIdentity>)
  | { readonly kind: "pong" }
  | {
      readonly kind: "ready";
      readonly capabilities: Capabilities;
      /** It can show what `verify` compares. */
      readonly inspects: boolean;
      readonly warnings: readonly string[];
    }
  | {
      readonly kind: "result";
      readonly id: number;
      readonly value: unknown;
      readonly version: number;
      /** How long it has computed. */
      readonly seconds?: number;
    }
  | { readonly kind: "error"; readonly id: number | undefined; readonly error: WireError }
  /** Patches that a call needs and the worker does not have (any more). */
  | { readonly kind: "missing"; readonly id: number; readonly contents: readonly string[] };

/** The worker's word that the model is open. */
export type ReadyMessage = Extract<FromEngineWorker, { readonly kind: "ready" }>;

/** An error on the wire: its class by name, and its one line. */
export interface WireError {
  readonly name: string;
  readonly message: string;
}

/** An error as it is sent. */
export const wireError = (error: unknown): WireError => ({
  name: error instanceof Error ? error.name : "Error",
  message: errors.messageOf(error),
});

const classes: Readonly<Record<string, new (message: string) => Error>> = {
  ConfigError: errors.ConfigError,
  ShapeError: errors.ShapeError,
  WeightsError: errors.WeightsError,
  DataFormatError: errors.DataFormatError,
  UnsupportedError: errors.UnsupportedError,
  RunError: errors.RunError,
  EngineError: errors.EngineError,
  StalePassError: errors.StalePassError,
  StartError: errors.StartError,
};

/** The error that a {@link WireError} was made of, with the same class and line. */
export const errorFromWire = ({ name, message }: WireError): Error => {
  const Class = classes[name];
  if (Class !== undefined) return new Class(message);
  return Object.assign(new Error(message), { name });
};

/** A batch without patches, and its steps. */
export const wireBatch = (batch: TokenBatch): WireBatch => ({
  ...batch,
  media: batch.media.map(({ patches: _, ...step }) => step),
});
