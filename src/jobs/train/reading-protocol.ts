/** What goes between a run and the thread that reads for it. */
import { type MediaStep, namedStep, type PatchArray } from "../../batch/media-step.ts";
import { assert } from "../../core/errors.ts";
import type { WireError } from "../../engine/worker-protocol.ts";
import type { ClipsOptions } from "../clips.ts";
import type { ReadingSettings, ReadRequest } from "./reading.ts";
import type { DroppedSample } from "./rows.ts";

/** What the thread is started with. */
export interface ReadingOrder {
  readonly settings: ReadingSettings;
  readonly clips: ClipsOptions;
}

/** A request whose unit is sent once, and then named by its number. */
export type SentRequest = Omit<ReadRequest, "unit"> & {
  readonly number: number;
  readonly unit?: ReadRequest["unit"];
};

/** To the thread. */
export type ToReader =
  | { readonly kind: "read"; readonly id: number; readonly request: SentRequest }
  | { readonly kind: "stop"; readonly id: number }
  | { readonly kind: "close" };

/** From the thread. */
export type FromReader =
  | { readonly kind: "done"; readonly id: number; readonly result: unknown }
  | { readonly kind: "failed"; readonly id: number; readonly error: WireError }
  | { readonly kind: "dropped"; readonly sample: DroppedSample }
  | { readonly kind: "warning"; readonly line: string };

/** A step whose patches are sent beside it. */
interface SentStep extends Omit<MediaStep, "patches"> {
  readonly sentPatches: PatchArray;
}

const isStep = (value: object): value is MediaStep =>
  "patches" in value && typeof value.patches === "function";
const isSent = (value: object): value is SentStep => "sentPatches" in value;

/** The same with every object that `change` answers for changed; what it leaves is looked into. */
const changed = (value: unknown, change: (one: object) => unknown): unknown => {
  if (value === null || typeof value !== "object" || ArrayBuffer.isView(value)) return value;
  const own = change(value);
  if (own !== undefined) return own;
  if (Array.isArray(value)) return value.map((one) => changed(one, change));
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, changed(one, change)]));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, changed(one, change)]));
};

/** A result as it is sent, and the memory that goes with it. */
export const asSent = (result: unknown): { readonly value: unknown; readonly memory: ArrayBuffer[] } => {
  const memory = new Set<ArrayBuffer>();
  const value = changed(result, (one) => {
    if (!isStep(one)) return undefined;
    const { patches: ask, ...step } = one;
    const sentPatches = ask();
    assert(!(sentPatches instanceof Promise), "patches that were read are in memory");
    memory.add(sentPatches.buffer as ArrayBuffer);
    return { ...step, sentPatches };
  });
  return { value, memory: [...memory] };
};

/** A result as it was before it went through {@link asSent}. */
export const asRead = (value: unknown): unknown =>
  changed(value, (one) => (isSent(one) ? namedStep(one.content, one.sentPatches, one) : undefined));
