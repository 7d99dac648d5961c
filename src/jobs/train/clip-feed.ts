/** The clips of every step, read ahead of it: while a step is computed, the next ones are decoded. */
import { resolve } from "node:path";
import type { MediaStep } from "../../batch/media-step.ts";
import { DataFormatError, VideoPerceiverError } from "../../core/errors.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import type { ConversationClip } from "../../training/conversations.ts";
import { batchAt } from "../../training/order.ts";
import type { GroupKeywords } from "./keywords.ts";
import { type LoadedPictures, type LoadMeans, loadPictures } from "./load-clip.ts";
import { type KeptPlans, type PlanMeans, type PlannedClip, planConversations } from "./plan-clip.ts";
import type { Dropped, SampleGroup } from "./rows.ts";

/** What a feed is told. */
export interface FeedOptions {
  readonly clipsPerStep: number;
  readonly seed: number;
  readonly steps: number;
  /** Bytes of patches that wait; the next step is read ahead whatever it takes. */
  readonly aheadBytes: number;
  /** Places of a step's clips (1-based); left out: every epoch a new order of all of them. */
  readonly order?: ((step: number) => readonly number[]) | undefined;
}

/** What a feed reads with. */
export interface FeedMeans extends PlanMeans, Omit<LoadMeans, "video"> {
  /** Tokens of a group's keywords, where clips are contrasted. */
  readonly keywords: GroupKeywords | undefined;
  /** Data sets, by folder, whose clips are not contrasted: they need no keywords. */
  readonly notContrasted?: ReadonlySet<string>;
  /** Keeps token ids for the epochs to come; left out: they are made anew. */
  readonly plans?: KeptPlans;
}

/** A clip in memory, with what was planned of it. */
export interface LoadedClip extends ConversationClip, Pick<LoadedPictures, "controlSteps"> {
  readonly planned: PlannedClip;
  readonly absentSteps: LoadedPictures["absentSteps"];
}

const most = 8;

/** What a feed gives: it holds pictures. */
interface FedClip {
  readonly media: readonly MediaStep[];
  readonly absentSteps: ReadonlyMap<number, MediaStep>;
  readonly controlSteps?: ReadonlyMap<number, MediaStep> | undefined;
}

/** What a clip takes besides its pictures: tokens, and what was planned. */
const plannedBytes = 32_768;

/** Bytes of a clip's patches, those of its twin and control too. */
export const patchBytes = ({ media, absentSteps, controlSteps }: FedClip): number =>
  [...media, ...absentSteps.values(), ...(controlSteps?.values() ?? [])].reduce((sum, step) => {
    const patches = step.patches();
    return sum + (patches instanceof Promise ? 0 : patches.byteLength);
  }, plannedBytes);

/**
 * A group with its pictures; undefined when it cannot be had, its samples are then dropped and named. Where clips are
 * contrasted there must be one, with words about it.
 */
export const loadGroup = async (
  group: SampleGroup,
  means: FeedMeans,
  signal: AbortSignal,
): Promise<LoadedClip | undefined> => {
  const planned = await (means.plans?.of(group, means, signal) ?? planConversations(group, means, signal));
  if (planned === undefined) return undefined;
  const { id, texts, media } = planned;
  try {
    const contrasted = means.keywords !== undefined && means.notContrasted?.has(group.folder) !== true;
    if (contrasted && media.length === 0)
      throw new DataFormatError("a conversation without pictures", { hint: "the recipe sft learns it" });
    const keywords = contrasted ? await means.keywords!.of(group, signal) : [];
    return { id, texts, keywords, planned, contrasted, ...(await loadPictures(planned, means, signal)) };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof VideoPerceiverError)) throw error;
    for (const { id: sample, clip } of group.samples)
      means.dropped.add({ file: resolve(group.folder, clip.file), id: sample, reason: error.message });
    return undefined;
  }
};

/**
 * Clips that were read, kept until there is no more room, and then no others: every epoch asks for all of them in a new
 * order, so what is let go for a newer one would be asked for just as soon.
 */
export class KeptClips<Clip> {
  readonly #read: (at: number) => Promise<Clip | undefined>;
  readonly #bytes: (clip: Clip) => number;
  readonly #kept = new Map<number, Clip>();
  readonly #reading = new Map<number, Promise<Clip | undefined>>();
  #room: number;

  /**
   * @param read one of them by its place; undefined where it cannot be had
   * @param bytes that a clip takes
   * @param room bytes that are kept at most
   */
  constructor(read: (at: number) => Promise<Clip | undefined>, bytes: (clip: Clip) => number, room: number) {
    this.#read = read;
    this.#bytes = bytes;
    this.#room = room;
  }

  async of(at: number): Promise<Clip | undefined> {
    const kept = this.#kept.get(at);
    if (kept !== undefined) return kept;
    // Several steps that are read ahead may show the same one.
    const begun = this.#reading.get(at);
    if (begun !== undefined) return begun;
    const reading = this.#read(at);
    this.#reading.set(at, reading);
    try {
      const clip = await reading;
      if (clip !== undefined) this.#keep(at, clip);
      return clip;
    } finally {
      this.#reading.delete(at);
    }
  }

  #keep(at: number, clip: Clip): void {
    const bytes = this.#bytes(clip);
    if (bytes > this.#room) return;
    this.#room -= bytes;
    this.#kept.set(at, clip);
  }
}

/** Reads the clips of steps, in the order that seed and step give, some steps ahead. */
export class ClipFeed<Clip> {
  readonly #count: number;
  readonly #read: (at: number) => Promise<Clip | undefined>;
  readonly #options: FeedOptions;
  readonly #dropped: Dropped;
  readonly #bytes: (clip: Clip) => number;
  readonly #ahead = new Map<number, Promise<readonly Clip[]>>();
  #largest = 0;
  #waited = 0;

  /**
   * @param count clips that there are
   * @param read one of them by its place; undefined where it cannot be had
   * @param dropped says why nothing of a step is left
   * @param bytes that a clip takes
   */
  constructor(
    count: number,
    read: (at: number) => Promise<Clip | undefined>,
    options: FeedOptions,
    dropped: Dropped,
    bytes: (clip: Clip) => number,
  ) {
    this.#count = count;
    this.#read = read;
    this.#options = options;
    this.#dropped = dropped;
    this.#bytes = bytes;
  }

  /** Begins to read a step that will be taken. */
  begin(step: number): void {
    if (step <= this.#options.steps) void this.#load(step);
  }

  /** The clips of a step (1-based). @throws {DataFormatError} when none of them can be read */
  async take(step: number): Promise<readonly Clip[]> {
    const start = nowMilliseconds();
    const clips = await this.#load(step);
    this.#ahead.delete(step);
    this.#waited += (nowMilliseconds() - start) / 1000;
    const bytes = clips.reduce((sum, clip) => sum + this.#bytes(clip), 0);
    this.#largest = Math.max(this.#largest, bytes, 1);
    const count = Math.max(1, Math.min(most, Math.floor(this.#options.aheadBytes / this.#largest)));
    for (let next = step + 1; next <= Math.min(this.#options.steps, step + count); next++)
      void this.#load(next);
    return clips;
  }

  /** Seconds that steps have waited for their clips so far. */
  waitedSeconds(): number {
    return this.#waited;
  }

  #load(step: number): Promise<readonly Clip[]> {
    const begun = this.#ahead.get(step);
    if (begun !== undefined) return begun;
    const loading = this.#readStep(step);
    // Whoever takes the step is told; until then nobody listens.
    loading.catch(() => {});
    this.#ahead.set(step, loading);
    return loading;
  }

  async #readStep(step: number): Promise<readonly Clip[]> {
    const { clipsPerStep, seed, order } = this.#options;
    const chosen = order?.(step) ?? batchAt(this.#count, clipsPerStep, step, seed);
    const read = await Promise.all(chosen.map((at) => this.#read(at)));
    const clips = read.filter((clip) => clip !== undefined);
    if (clips.length > 0) return clips;
    const last = this.#dropped.all.at(-1);
    throw new DataFormatError("none of a step's clips can be trained on", {
      where: `step ${step}`,
      expected: `one of ${chosen.length} at least`,
      ...(last === undefined ? {} : { got: `e.g. ${last.id}: ${last.reason}` }),
    });
  }
}
