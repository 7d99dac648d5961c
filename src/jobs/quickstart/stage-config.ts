import { basename, dirname, join, relative, sep } from "node:path";
import { sha256OfFile } from "../../core/files.ts";
import type { QuickstartRecipe } from "../../recipes/quickstart.ts";

/** What a stage's weights were before its first step. Folders are relative to the run folder that says it. */
export type StageOrigin =
  | { readonly kind: "new weights"; readonly seed: number }
  | {
      readonly kind: "checkpoint";
      /** Run folder of the stage before. */
      readonly run: string;
      readonly step: number;
      readonly weightsSha256: string;
    };

/** What a stage learns from. */
export interface StageData {
  /** Data set folder, relative to the run folder. */
  readonly dataset: string;
  readonly contentHash: string;
  readonly split: "train";
  readonly framesPerSecond: number;
  /** Where keywords come from: the world's script knows them; the paper asks a language model. */
  readonly keywords: "script";
  /** What makes the state of a text that clips are contrasted with; the paper's implementation names BERT. */
  readonly textEncoder: "language model";
  /** How the absent twins were made; null for the stage that finds the key frames. */
  readonly pairs:
    | (QuickstartRecipe["pairs"] & {
        readonly relevance: { readonly name: string; readonly params: unknown; readonly version: string };
        readonly seed: number;
      })
    | null;
}

/** A folder as its run folder's `config.json` writes it. */
const fromRun = (run: string, folder: string): string => relative(run, folder).split(sep).join("/");

/** Where a stage in `run` begins: at a checkpoint of another run, or at new weights. */
export const originOf = async (
  run: string,
  checkpoint: string | undefined,
  seed: number,
): Promise<StageOrigin> =>
  checkpoint === undefined
    ? { kind: "new weights", seed }
    : {
        kind: "checkpoint",
        run: fromRun(run, dirname(dirname(checkpoint))),
        step: Number(basename(checkpoint)),
        weightsSha256: await sha256OfFile(join(checkpoint, "model.safetensors")),
      };

/** The data of a quickstart's stages; all run folders lie beside `world/`. */
export const stageData = (
  { framesPerSecond }: QuickstartRecipe,
  contentHash: string,
  pairs: StageData["pairs"],
): StageData => ({
  dataset: "../world",
  contentHash,
  split: "train",
  framesPerSecond,
  keywords: "script",
  textEncoder: "language model",
  pairs,
});
