import { z } from "zod";
import { hiddenScore } from "../model/position-tables.ts";
import type { ContrastedClip } from "./clip.ts";

/** States of a step's clips that are remembered: [C, D] each. */
export interface RememberedStates {
  readonly absent: Float32Array;
  readonly view: Float32Array;
  readonly keywords: Float32Array;
}

/** What is remembered of a clip besides its states. */
interface RememberedClip {
  readonly id: string;
  readonly words: string;
  readonly hasTwin: boolean;
}

/** A queue as JSON: states as base64 of their bytes. */
export interface SavedQueue {
  readonly next: number;
  readonly entries: readonly (RememberedClip | null)[];
  readonly states: readonly string[];
}

const savedSchema: z.ZodType<SavedQueue> = z.strictObject({
  next: z.number(),
  entries: z.array(z.strictObject({ id: z.string(), words: z.string(), hasTwin: z.boolean() }).nullable()),
  states: z.array(z.string()),
});

const wordsOf = ({ keywords }: ContrastedClip): string => keywords.join(" ");

/**
 * The twins, second views and texts of the last Q clips of earlier steps, as negatives for steps of few clips. Their states
 * were computed by the weights of their time and get no gradient. Equal clips and equal texts are hidden, as within a step.
 *
 * @source a queue of negatives as in momentum contrast (He et al. 2020), without its second encoder; ours here
 */
export class MemoryQueue {
  readonly #size: number;
  readonly #width: number;
  /** Absent twins, views, texts: [Q, D]; places that hold nothing yet are ones, which have a direction. */
  readonly #states: readonly Float32Array[];
  #entries: (RememberedClip | null)[];
  #next = 0;

  constructor(size: number, width: number) {
    this.#size = size;
    this.#width = width;
    this.#states = [0, 1, 2].map(() => new Float32Array(size * width).fill(1));
    this.#entries = new Array<RememberedClip | null>(size).fill(null);
  }

  /** What the loss `contrastive` is fed for a step of these clips. */
  feeds(clips: readonly ContrastedClip[]): Readonly<Record<string, Float32Array>> {
    const [absent, views, texts] = this.#states.map((states) => states.slice());
    const hide = (isHidden: (entry: RememberedClip) => boolean): number[] =>
      this.#entries.map((entry) => (entry === null || isHidden(entry) ? hiddenScore : 0));
    return {
      queuedAbsent: absent!,
      queuedViews: views!,
      queuedTexts: texts!,
      queuedAbsentMask: Float32Array.from(hide(({ hasTwin }) => !hasTwin)),
      queuedViewMask: Float32Array.from(clips.flatMap((clip) => hide(({ id }) => id === clip.id))),
      queuedTextMask: Float32Array.from(
        clips.flatMap((clip) => hide(({ words }) => words === wordsOf(clip))),
      ),
    };
  }

  /** Takes in a step's clips in place of the oldest ones. */
  add(clips: readonly ContrastedClip[], { absent, view, keywords }: RememberedStates): void {
    const width = this.#width;
    clips.forEach((clip, c) => {
      const at = this.#next;
      [absent, view, keywords].forEach((states, i) => {
        this.#states[i]!.set(states.subarray(c * width, (c + 1) * width), at * width);
      });
      this.#entries[at] = { id: clip.id, words: wordsOf(clip), hasTwin: clip.absentSteps.size > 0 };
      this.#next = (at + 1) % this.#size;
    });
  }

  /** Everything in it as JSON, numbers bit for bit. */
  save(): SavedQueue {
    const states = this.#states.map(({ buffer }) => Buffer.from(buffer).toString("base64"));
    return { next: this.#next, entries: [...this.#entries], states };
  }

  /** What {@link save} gave. @throws a `ZodError` for anything else */
  restore(saved: unknown): void {
    const { next, entries, states } = savedSchema.parse(saved);
    this.#next = next;
    this.#entries = [...entries];
    states.forEach((text, i) => {
      const bytes = Uint8Array.from(Buffer.from(text, "base64"));
      this.#states[i]!.set(new Float32Array(bytes.buffer));
    });
  }
}
