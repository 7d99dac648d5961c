/** Preferences of a data set: a clip over its absent twin, a row's own worse side, an answer over a wrong option. */
import { resolve } from "node:path";
import type { ConversationTokens } from "../../batch/conversations.ts";
import { type AnswerForm, askedWithOptions, wrongAnswer } from "../../dataset/conversation.ts";
import type { Message, Sample } from "../../dataset/sample.ts";
import type { ConversationText } from "../../training/conversations.ts";
import type { PreferenceClip, PreferencePair } from "../../training/preference-batches.ts";
import { type FeedMeans, loadGroup, patchBytes } from "./clip-feed.ts";
import { noRoomToFreeze } from "./prompts.ts";
import type { Dropped, SampleGroup } from "./rows.ts";

/** What pairs can be made of: the twin, the row's own worse side, a wrong option. */
export const pairKinds = ["twin", "written", "option"] as const;
/** One of {@link pairKinds}. */
export type PairKind = (typeof pairKinds)[number];

/** A pair before its pictures are there: samples by their names. */
interface NamedPair extends Omit<PreferencePair, "chosen" | "rejected"> {
  readonly sample: Sample;
  readonly chosen: string;
  readonly rejected: { readonly shown: PreferencePair["rejected"]["shown"]; readonly sample: string };
}

/** Samples about the same pictures with what is worse. */
export interface PreferenceGroup {
  /** What is chosen, and worse answers about the same clip, each a sample. */
  readonly group: SampleGroup;
  /** Worse sides about other films. */
  readonly films: readonly SampleGroup[];
  readonly pairs: readonly NamedPair[];
}

/** The same conversation about another film. */
const aboutFilm = ({ absent: _, frames: __, ...sample }: Sample, clip: Sample["clip"]): Sample => ({
  ...sample,
  clip,
  messages: sample.messages.map(
    (message): Message => ({
      ...message,
      content: message.content.map((part) =>
        part.type === "video" && part.video === sample.clip.file ? { ...part, video: clip.file } : part,
      ),
    }),
  ),
});

/** Collects a group's pairs. */
class Collector {
  readonly samples: Sample[] = [];
  readonly films: SampleGroup[] = [];
  readonly pairs: NamedPair[] = [];
  readonly #group: SampleGroup;
  readonly #at: number;

  constructor(group: SampleGroup, at: number) {
    this.#group = group;
    this.#at = at;
  }

  add(
    sample: Sample,
    kind: PreferencePair["kind"],
    worse: Sample,
    shown: NamedPair["rejected"]["shown"],
  ): void {
    const add = (one: Sample): void => {
      if (!this.samples.some(({ id }) => id === one.id)) this.samples.push(one);
    };
    add(sample);
    if (typeof shown === "number") this.films.push({ ...this.#group, samples: [worse] });
    else add(worse);
    const id = `${this.#at} ${sample.id} ${kind} ${this.pairs.length}`;
    this.pairs.push({ id, sample, kind, chosen: sample.id, rejected: { shown, sample: worse.id } });
  }

  written(sample: Sample): void {
    const { rejected } = sample;
    if (rejected === undefined) return;
    const { answer = sample.answer, clip } = rejected;
    const worse = { ...sample, id: `${sample.id}#rejected`, answer };
    if (clip === undefined) this.add(sample, "answer", worse, "clip");
    else this.add(sample, "film", aboutFilm(worse, clip), this.films.length);
  }
}

/**
 * The preferences of groups; a sample that has none is dropped and named. A question that is known to be about something
 * else than the moment (`aboutEvent` is false) does not prefer the clip over its twin.
 */
export const preferenceGroups = (
  groups: readonly SampleGroup[],
  kinds: readonly PairKind[],
  form: AnswerForm,
  dropped: Dropped,
): PreferenceGroup[] =>
  groups.flatMap((group, at) => {
    const made = new Collector(group, at);
    for (const row of group.samples) {
      const before = made.pairs.length;
      const sample = askedWithOptions(row, form);
      const { absent, provenance } = sample;
      if (kinds.includes("twin") && absent !== undefined && provenance["aboutEvent"] !== false)
        made.add(sample, "twin", sample, "twin");
      if (kinds.includes("written")) made.written(sample);
      const wrong = kinds.includes("option") ? wrongAnswer(row, form) : undefined;
      if (wrong !== undefined)
        made.add(sample, "answer", { ...sample, id: `${sample.id}#option`, answer: wrong }, "clip");
      if (made.pairs.length === before)
        dropped.add({
          file: resolve(group.folder, sample.clip.file),
          id: sample.id,
          reason: `nothing is worse: no ${kinds.join(", no ")} (--set pairs)`,
        });
    }
    const { samples, films, pairs } = made;
    return pairs.length === 0 ? [] : [{ group: { ...group, samples }, films, pairs }];
  });

/** Only the last turn is an answer that is better or worse: what was said before is part of the question. */
const lastTurnOnly = <Tokens extends ConversationTokens>(tokens: Tokens): Tokens => {
  const spoken = new Uint8Array(tokens.spoken.length);
  const end = tokens.spoken.lastIndexOf(1);
  for (let at = end; at >= 0 && tokens.spoken[at] === 1; at--) spoken[at] = 1;
  return { ...tokens, spoken };
};

const asAnswers = (texts: readonly ConversationText[]): ConversationText[] =>
  texts.map((text) => ({ ...text, tokens: lastTurnOnly(text.tokens) }));

/**
 * A clip with its preferences; undefined where nothing of it can be had, which is then dropped and named.
 *
 * @param isControl other frames are frozen in the twin's place, so a clip without room for it has no pair with its twin
 */
export const loadPreferences = async (
  { group, films, pairs }: PreferenceGroup,
  means: FeedMeans,
  signal: AbortSignal,
  isControl = false,
): Promise<PreferenceClip | undefined> => {
  const clip = await loadGroup(group, means, signal);
  if (clip === undefined) return undefined;
  const { id, media, absentSteps, controlSteps = new Map() } = clip;
  const shown = await Promise.all(films.map((film) => loadGroup(film, means, signal)));
  const placeOf = (texts: readonly ConversationText[] | undefined, name: string): number =>
    texts?.findIndex(({ sampleId }) => sampleId === name) ?? -1;
  const usable = pairs.flatMap((pair): PreferencePair[] => {
    const { rejected, sample } = pair;
    const film = typeof rejected.shown === "number" ? shown[rejected.shown] : clip;
    const [chosen, text] = [placeOf(clip.texts, pair.chosen), placeOf(film?.texts, rejected.sample)];
    if (chosen < 0 || text < 0) return [];
    const lacksTwin = absentSteps.size === 0;
    if (rejected.shown === "twin" && (lacksTwin || (isControl && controlSteps.size === 0))) {
      const same = "the twin shows the same as the clip at the frames that are looked at";
      const reason = lacksTwin ? same : noRoomToFreeze;
      means.dropped.add({ file: resolve(group.folder, sample.clip.file), id: sample.id, reason });
      return [];
    }
    return [{ id: pair.id, kind: pair.kind, chosen, rejected: { shown: rejected.shown, text } }];
  });
  if (usable.length === 0) return undefined;
  const others = shown.map((film) => ({ media: film?.media ?? [], texts: asAnswers(film?.texts ?? []) }));
  return {
    id,
    media,
    absentSteps,
    frozenSteps: controlSteps,
    films: others,
    texts: asAnswers(clip.texts),
    pairs: usable,
  };
};

/** Bytes of the patches of a clip with its twin, its control and the other films. */
export const preferenceBytes = ({ media, absentSteps, frozenSteps, films }: PreferenceClip): number =>
  films.reduce(
    (sum, film) => sum + patchBytes({ media: film.media, absentSteps: new Map() }),
    patchBytes({ media, absentSteps, controlSteps: frozenSteps }),
  );
