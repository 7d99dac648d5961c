/** Batches of preferences: what of their scored rows belongs to which side of which pair. */
import type { BatchRules } from "../batch/batch-rules.ts";
import { conversationBatches } from "../batch/conversation-batches.ts";
import type { ConversationGroup } from "../batch/conversations.ts";
import type { MediaStep } from "../batch/media-step.ts";
import type { TokenBatch } from "../batch/token-batch.ts";
import type { Feeds } from "../engine/take-step.ts";
import type { ConversationText } from "./conversations.ts";

/** What a pair prefers: the clip over its twin or over another film, with one answer; or one answer over another one. */
export type PreferenceKind = "twin" | "film" | "answer";

/** A better and a worse answer, by their places among a clip's texts; the worse one may be about something else. */
export interface PreferencePair {
  readonly id: string;
  readonly kind: PreferenceKind;
  readonly chosen: number;
  /** "clip", "twin", or a film by its place; a film's text is counted among that film's. */
  readonly rejected: { readonly shown: "clip" | "twin" | number; readonly text: number };
}

/** Conversations about what they show. */
export interface ShownTexts {
  readonly media: readonly MediaStep[];
  readonly texts: readonly ConversationText[];
}

/** A clip with its preferences. */
export interface PreferenceClip extends ShownTexts {
  readonly id: string;
  /** Temporal steps of the absent twin that differ; empty: no twin. */
  readonly absentSteps: ReadonlyMap<number, MediaStep>;
  /** The same of the control, where as many other frames are frozen; empty: it has none. */
  readonly frozenSteps: ReadonlyMap<number, MediaStep>;
  /** Other films that a worse answer is about. */
  readonly films: readonly ShownTexts[];
  readonly pairs: readonly PreferencePair[];
}

/** A clip with those of its pairs that are looked at. */
export interface ChosenPairs {
  readonly clip: PreferenceClip;
  readonly pairs: readonly PreferencePair[];
}

/** What stands in the twin's place: the twin, the clip itself, or the clip with other frames frozen. */
export type TwinShown = "twin" | "clip" | "frozen";

/** How pairs are laid out. */
export interface PreferenceLayout {
  readonly positionsPerBatch: number;
  readonly twin: TwinShown;
  /** Pictures are hidden: their places stay, nothing is seen. */
  readonly hidden?: boolean;
}

/** A pair as rows among the scored rows of all batches. */
export interface PairRows {
  readonly id: string;
  readonly kind: PreferenceKind;
  readonly chosen: readonly number[];
  readonly rejected: readonly number[];
}

/** Batches, and where the pairs' answers are scored in them. */
export interface PreferenceBatches {
  readonly batches: readonly TokenBatch[];
  readonly pairs: readonly PairRows[];
  /** Scored rows of all batches, padding included. */
  readonly rows: number;
}

const twinMedia = ({ media, absentSteps, frozenSteps }: PreferenceClip, twin: TwinShown): MediaStep[] => {
  if (twin === "clip") return [...media];
  const changed = twin === "twin" ? absentSteps : frozenSteps;
  return media.map((step, at) => changed.get(at) ?? step);
};

/** Conversations that show the same, each once, and how they are found again. */
class Groups {
  readonly all: { media: readonly MediaStep[]; texts: ConversationText[] }[] = [];
  readonly #places = new Map<string, number>();

  /** @param key names what is shown @returns the place of group and text as one name */
  add(key: string, media: readonly MediaStep[], text: ConversationText): string {
    const at = this.#places.get(key) ?? this.all.push({ media, texts: [] }) - 1;
    this.#places.set(key, at);
    const { texts } = this.all[at]!;
    const known = texts.indexOf(text);
    return `${at} ${known >= 0 ? known : texts.push(text) - 1}`;
  }
}

/** The two texts of a pair among the groups. */
const placeOf = (
  groups: Groups,
  { clip, pair, key }: { clip: PreferenceClip; pair: PreferencePair; key: string },
  twin: TwinShown,
): { readonly chosen: string; readonly rejected: string } => {
  const { shown, text } = pair.rejected;
  const chosen = groups.add(`${key} clip`, clip.media, clip.texts[pair.chosen]!);
  const film = typeof shown === "number" ? clip.films[shown]! : undefined;
  if (film !== undefined)
    return { chosen, rejected: groups.add(`${key} ${shown}`, film.media, film.texts[text]!) };
  const media = shown === "twin" ? twinMedia(clip, twin) : clip.media;
  return { chosen, rejected: groups.add(`${key} ${shown}`, media, clip.texts[text]!) };
};

/** The batches of some clips' pairs. An answer that several pairs have is computed once. */
export const preferenceBatches = (
  chosen: readonly ChosenPairs[],
  rules: BatchRules,
  { positionsPerBatch, twin, hidden = false }: PreferenceLayout,
): PreferenceBatches => {
  const groups = new Groups();
  const placed = chosen.flatMap(({ clip, pairs }, at) =>
    pairs.map((pair) => ({ pair, ...placeOf(groups, { clip, pair, key: String(at) }, twin) })),
  );
  const made = conversationBatches(
    groups.all.map(
      ({ media, texts }): ConversationGroup => ({
        media,
        texts: texts.map(({ tokens }) => tokens),
        blind: hidden,
      }),
    ),
    rules,
    { mostPositions: positionsPerBatch },
  );
  const rowsOf = new Map<string, number[]>();
  let rows = 0;
  for (const { batch, scoredTexts } of made) {
    scoredTexts.forEach(({ group, text }, m) => {
      const name = `${group} ${text}`;
      rowsOf.set(name, [...(rowsOf.get(name) ?? []), rows + m]);
    });
    rows += batch.scored.rows.length;
  }
  return {
    batches: made.map(({ batch }) => batch),
    pairs: placed.map(({ pair, ...own }) => ({
      id: pair.id,
      kind: pair.kind,
      chosen: rowsOf.get(own.chosen)!,
      rejected: rowsOf.get(own.rejected)!,
    })),
    rows,
  };
};

/** Log-probabilities of a pair's two answers, in nats. */
export interface PairLogprobs {
  readonly chosen: number;
  readonly rejected: number;
}

/** Sums over the rows of each pair's sides. @param logprobs of all batches, one behind the other */
export const sumsOfPairs = (pairs: readonly PairRows[], logprobs: ArrayLike<number>): PairLogprobs[] => {
  const sum = (rows: readonly number[]): number => rows.reduce((total, row) => total + logprobs[row]!, 0);
  return pairs.map(({ chosen, rejected }) => ({ chosen: sum(chosen), rejected: sum(rejected) }));
};

/** What a loss of preferences is fed. @param places pairs that it has room for; those that are none weigh nothing */
export const preferenceFeeds = (
  { pairs, rows }: PreferenceBatches,
  reference: readonly PairLogprobs[],
  places: number,
): Feeds => {
  const feeds = {
    weights: new Float32Array(rows),
    chosen: new Float32Array(places * rows),
    rejected: new Float32Array(places * rows),
    referenceChosen: new Float32Array(places),
    referenceRejected: new Float32Array(places),
    pairWeights: new Float32Array(places).fill(1 / pairs.length, 0, pairs.length),
  };
  pairs.forEach((pair, p) => {
    for (const side of ["chosen", "rejected"] as const)
      for (const row of pair[side]) {
        feeds[side][p * rows + row] = 1;
        feeds.weights[row] = 1;
      }
    feeds.referenceChosen[p] = reference[p]!.chosen;
    feeds.referenceRejected[p] = reference[p]!.rejected;
  });
  return feeds;
};
