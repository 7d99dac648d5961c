/**
 * What a batch of whole conversations is made of: token ids of a checkpoint's own processor and template, cut into
 * pieces that see each other or do not. Conversations about the same pictures share what they begin with.
 *
 * Legend: T tokens of a conversation.
 */
import type { MediaStep } from "./media-step.ts";
import type { SegmentGroupName } from "./segments.ts";

/** A conversation as a model reads it, before its pictures are there. */
export interface ConversationTokens {
  /** [T] */
  readonly ids: Int32Array;
  /** [3, T] time, height, width. */
  readonly positions: Int32Array;
  /** [T] 1 where a token is learnt: the assistant speaks. */
  readonly spoken: Uint8Array;
  /** [T] place among the visual tokens of all its pictures, in the order of the conversation; -1: a word. */
  readonly places: Int32Array;
}

/** What is contrasted with a clip, in a vocabulary that has no end tokens of its own. */
export interface ConversationContrast {
  /** Temporal steps of the twin that differ, by their number among all of the conversation's. */
  readonly absent: ReadonlyMap<number, MediaStep>;
  readonly keywords: readonly number[];
  /** Ends the keywords; the end of the clip is the token behind its last visual token. */
  readonly endText: number;
}

/** Conversations that show the same pictures. */
export interface ConversationGroup {
  /** Temporal steps of all pictures in the order of the conversation. */
  readonly media: readonly MediaStep[];
  readonly texts: readonly ConversationTokens[];
  readonly contrast?: ConversationContrast | undefined;
  /** Its visual tokens are zeros, their places stay; it takes no part in what is contrasted. */
  readonly blind?: boolean;
}

/** True where pictures are shown. */
export const seesPictures = ({ media, blind }: ConversationGroup): boolean =>
  blind !== true && media.length > 0;

/** A run of tokens that see earlier ones of their piece and of the pieces that it goes on from. */
export interface ConversationPiece {
  readonly ids: ArrayLike<number>;
  /** [3, size] with `stride` numbers a part, from `from` on. */
  readonly positions: Int32Array;
  readonly stride: number;
  readonly from: number;
  readonly size: number;
  /** Learnt tokens; undefined: none. */
  readonly spoken: Uint8Array | undefined;
  readonly places: Int32Array | undefined;
  /** Place among the pieces of its group of the one that it continues; -1: it begins anew. */
  readonly parent: number;
  /** Which of the group's texts it is of, where tokens of it are learnt; of what they share, the first. */
  readonly text: number;
  /** The steps that stand at its places. */
  readonly media: readonly MediaStep[];
  readonly blind?: boolean | undefined;
  /** Its last token's state is this group's. */
  readonly end?: SegmentGroupName;
  /** Visual tokens under dropout. */
  readonly dropped?: boolean;
}

const isSameToken = (one: ConversationTokens, other: ConversationTokens, at: number): boolean => {
  if (one.ids[at] !== other.ids[at] || one.places[at] !== other.places[at]) return false;
  for (let part = 0; part < 3; part++)
    if (one.positions[part * one.ids.length + at] !== other.positions[part * other.ids.length + at])
      return false;
  return true;
};

/** How many tokens all conversations begin with alike, up to the first that one of them learns. */
export const sharedLength = (texts: readonly ConversationTokens[]): number => {
  const [first, ...others] = texts;
  if (first === undefined || others.length === 0) return 0;
  const most = Math.min(
    ...texts.map(({ ids, spoken }) => {
      const learnt = spoken.indexOf(1);
      return learnt < 0 ? ids.length : learnt;
    }),
  );
  let shared = 0;
  while (shared < most && others.every((other) => isSameToken(first, other, shared))) shared++;
  return shared;
};

const pieceOf = (
  { media, blind, texts }: ConversationGroup,
  at: number,
  from: number,
  parent: number,
  size = texts[at]!.ids.length - from,
): ConversationPiece => {
  const text = texts[at]!;
  return { ...text, stride: text.ids.length, from, size, parent, text: at, media, blind };
};

/** What all of a group's conversations begin with, then the rest of each; a lone conversation is one piece. */
export const mainPieces = (group: ConversationGroup): ConversationPiece[] => {
  const { texts } = group;
  const shared = sharedLength(texts);
  if (texts.length === 0) return [];
  if (shared === 0) return texts.map((_, at) => pieceOf(group, at, 0, -1));
  const rest = texts.map((_, at) => pieceOf(group, at, shared, 0)).filter(({ size }) => size > 0);
  return [{ ...pieceOf(group, 0, 0, -1, shared), spoken: undefined }, ...rest];
};

/** The token behind the last visual token of a conversation, whose state stands for what was seen; -1: nothing was. */
export const endOfPictures = ({ places, ids }: ConversationTokens): number => {
  let at = places.length - 1;
  while (at >= 0 && places[at] === -1) at--;
  return at < 0 ? -1 : Math.min(at + 1, ids.length - 1);
};

/**
 * What a group is contrasted with, each piece for itself: the conversation up to the end of its pictures once more with
 * the twin's, and under dropout; the keywords.
 */
export const contrastPieces = (
  group: ConversationGroup,
  wanted: readonly SegmentGroupName[],
): ConversationPiece[] => {
  const { texts, media, contrast } = group;
  const [text] = texts;
  if (text === undefined || contrast === undefined) return [];
  const size = endOfPictures(text) + 1;
  const again = { ...pieceOf(group, 0, 0, -1, size), spoken: undefined };
  const words = [...contrast.keywords, contrast.endText];
  const made: Readonly<Record<SegmentGroupName, () => ConversationPiece>> = {
    complete: () => ({ ...again, end: "complete", dropped: true }),
    absent: () => ({
      ...again,
      media: media.map((step, at) => contrast.absent.get(at) ?? step),
      end: "absent",
    }),
    view: () => ({ ...again, end: "view", dropped: true }),
    keywords: () => ({
      ids: words,
      positions: Int32Array.from({ length: 3 * words.length }, (_, i) => i % words.length),
      stride: words.length,
      from: 0,
      size: words.length,
      spoken: undefined,
      places: undefined,
      parent: -1,
      text: 0,
      media: [],
      end: "keywords",
    }),
  };
  return wanted.map((name) => made[name]());
};
