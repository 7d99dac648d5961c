/** What training reads of a data set, as plain words: the same in whatever thread it is read. */
import { resizeAntialias } from "../../frames/resize-antialias.ts";
import { familyOf, readConfigFile } from "../../model/families.ts";
import { loadProcessor } from "../../model/processor.ts";
import type { ConversationQuestion } from "../../training/conversation-prompts.ts";
import type { PreferenceClip } from "../../training/preference-batches.ts";
import type { Clips } from "../clips.ts";
import { type FeedMeans, type LoadedClip, loadGroup } from "./clip-feed.ts";
import { withControl } from "./held-out.ts";
import { GroupKeywords } from "./keywords.ts";
import { KeptPlans } from "./plan-clip.ts";
import { loadPreferences, type PreferenceGroup } from "./preferences.ts";
import { type AskingSettings, loadQuestion } from "./prompts.ts";
import type { Dropped, SampleGroup } from "./rows.ts";
import type { CommonSettings } from "./settings.ts";

/** How a run reads; plain data. */
export interface ReadingSettings
  extends Pick<CommonSettings, "look" | "extractor" | "keptMegabytes" | "mostTokens"> {
  /** Checkpoint folder. */
  readonly model: string;
  readonly withTwin: boolean;
  /** Clips are contrasted, so there are words about each. */
  readonly contrasted: boolean;
  /** Data sets, by folder, whose clips are not. */
  readonly notContrasted: ReadonlySet<string>;
  /** Of the run: what decides the draws of controls. */
  readonly seed: number;
}

/** What is asked for. `controlled`: with the twin and a random removal of as many frames, without words to contrast. */
export type ReadRequest =
  | { readonly kind: "group"; readonly unit: SampleGroup; readonly controlled: boolean }
  | {
      readonly kind: "preferences";
      readonly unit: PreferenceGroup;
      readonly controlled: boolean;
      /** The control is trained on, so there must be one. */
      readonly isControl: boolean;
    }
  | {
      readonly kind: "question";
      readonly unit: SampleGroup;
      readonly controlled: boolean;
      readonly asking: AskingSettings;
    };

/** What is given; undefined where it cannot be had, which is then dropped and named. */
export interface ReadResults {
  readonly group: LoadedClip | undefined;
  readonly preferences: PreferenceClip | undefined;
  readonly question: ConversationQuestion | undefined;
}

/** What of a request's kind is given. */
export type ReadResult<Request extends ReadRequest> = ReadResults[Request["kind"]];

/** Reads what steps and looks show. */
export interface ClipReader extends AsyncDisposable {
  /** Ends with the signal's reason. */
  read<Request extends ReadRequest>(request: Request, signal: AbortSignal): Promise<ReadResult<Request>>;
}

/** What clips are planned and read with. */
export const readingMeans = async (
  settings: ReadingSettings,
  { video, sha256 }: Pick<FeedMeans, "video" | "sha256"> | Pick<Clips, "video" | "sha256">,
  dropped: Dropped,
): Promise<FeedMeans> => {
  const { model, look, mostTokens, extractor, keptMegabytes, withTwin, contrasted, notContrasted } = settings;
  const config = await readConfigFile(model);
  const processor = loadProcessor(model, familyOf(config).processor, resizeAntialias);
  return {
    processor,
    config,
    video,
    sha256,
    look,
    mostTokens: Math.min(mostTokens, config.text.maxPositionEmbeddings),
    dropped,
    // Where patches do not fit, a tenth as much keeps the tokens of many more clips.
    plans: new KeptPlans(keptMegabytes * 1e5),
    withTwin,
    notContrasted,
    keywords: contrasted ? await GroupKeywords.make(extractor, processor.tokenizer) : undefined,
  };
};

/** Reads what a request names. */
export const readUnit = (
  request: ReadRequest,
  means: FeedMeans,
  seed: number,
  signal: AbortSignal,
): Promise<ReadResults[ReadRequest["kind"]]> => {
  const own = request.controlled ? withControl(means, seed) : means;
  switch (request.kind) {
    case "group":
      return loadGroup(request.unit, own, signal);
    case "preferences":
      return loadPreferences(request.unit, own, signal, request.isControl);
    case "question":
      return loadQuestion(request.unit, request.asking, own, signal);
  }
};
