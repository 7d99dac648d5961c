import { captionActions } from "./caption-actions.ts";
import { installedWordNet } from "./wordnet.ts";

/** Raised whenever the same caption would give other keywords. */
export const captionKeywordsVersion = "3";

/**
 * Keywords of a caption, offline: each visible action's lemma with particle and head noun ("pick up pancake"), in
 * the order of the caption, without repetition.
 *
 * @throws {DataFormatError} when WordNet's files are not installed
 */
export const captionKeywords = (caption: string): string[] =>
  captionActions(caption, installedWordNet()).map(({ action, object }) =>
    object === undefined ? action : `${action} ${object}`,
  );
