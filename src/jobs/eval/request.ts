import { shellWords } from "../../core/shell-words.ts";
import type { EngineChoice } from "../../engine/engines.ts";
import type { ClipsOptions } from "../clips.ts";
import type { TwinRequest } from "./find-twins.ts";

/** What is asked of whom, and how. */
export interface EvalRequest {
  /** A benchmark as `NAME` or `NAME:key=value,...`, or the folder of a data set. */
  readonly benchmark: string;
  /** Folder of the clips, and of the annotations where these are not named. */
  readonly data: string;
  /** Annotation file or folder, where it is not `data`. */
  readonly annotations?: string;
  /** `KIND:REF` or `KIND:key=value,...`. */
  readonly subject: string;
  /** `NAME` or `NAME:key=value,...`; "complete" is always asked. */
  readonly interventions: readonly string[];
  /** Repetitions of interventions that draw. */
  readonly draws: number;
  readonly split?: string;
  /** Questions at most, whole clips in a seeded order; all when left out. */
  readonly limit?: number;
  readonly mode: "strict" | "official";
  /** Ask every choice question as often as it has options, each time turned one place further. */
  readonly rotateOptions: boolean;
  /** What finds the decisive frames of questions whose rows do not say; left out: such questions have no twin. */
  readonly twins?: TwinRequest;
  /** Frames of a clip and who chooses them, for subjects that do not choose by themselves. */
  readonly frames: number;
  readonly selector: string;
  readonly metrics: readonly string[];
  /** Scorers outside of this program, as `NAME` or `NAME:ARGUMENT`. */
  readonly scorers: readonly string[];
  readonly seed: number;
  readonly out: string;
  /** Ask again what failed in an earlier call. */
  readonly retryFailed: boolean;
  readonly engine: EngineChoice;
  readonly clips: ClipsOptions;
}

/** A command line that does it again. */
export const evalCommand = (request: EvalRequest): string =>
  shellWords([
    ...["npx", "videoperceiver", "eval", request.benchmark, "--data", request.data],
    ...(request.annotations === undefined ? [] : ["--annotations", request.annotations]),
    ...["--subject", request.subject],
    ...request.interventions.flatMap((one) => ["--intervention", one]),
    ...["--draws", String(request.draws), "--mode", request.mode],
    ...["--frames", String(request.frames), "--selector", request.selector],
    ...(request.split === undefined ? [] : ["--split", request.split]),
    ...(request.limit === undefined ? [] : ["--limit", String(request.limit)]),
    ...(request.rotateOptions ? ["--rotate-options"] : []),
    ...(request.twins === undefined
      ? []
      : ["--relevance", request.twins.relevance, "--builder", request.twins.builder]),
    ...(request.engine.engine === undefined ? [] : ["--engine", request.engine.engine]),
    ...(request.metrics.length === 0 ? [] : ["--metric", ...request.metrics]),
    ...request.scorers.flatMap((scorer) => ["--scorer", scorer]),
    ...["--seed", String(request.seed), "--out", request.out],
  ]);
