/** What goes between a run and the threads that make its fragments. */
import type { WireError } from "../../engine/worker-protocol.ts";
import type { PlannedClip } from "../build/protocol.ts";
import type { FragmentClip, FragmentOrder } from "./protocol.ts";
import type { FragmentMeans } from "./tools.ts";

/** What a thread is started with. */
export interface MakingOrder {
  readonly order: FragmentOrder;
  readonly means: FragmentMeans;
}

/** To the thread. */
export type ToMaker =
  | { readonly kind: "make"; readonly planned: PlannedClip }
  | { readonly kind: "stop" }
  | { readonly kind: "close" };

/** From the thread; a clip is named by its position. */
export type FromMaker =
  | { readonly kind: "done"; readonly made: FragmentClip }
  | { readonly kind: "failed"; readonly position: number; readonly error: WireError }
  | { readonly kind: "warning"; readonly line: string };
