import { endOf } from "../video/timeline.ts";
import { printDistance } from "./clip-print.ts";
import type { Sample } from "./sample.ts";

/** How alike two clips must be to count as copies of one another. */
export interface Nearness {
  /** Largest share of brightness steps that differ. */
  readonly look: number;
  /** Largest share of changes that only one of them has. */
  readonly change: number;
}

/** A clip as it is compared. */
export interface PrintedClip {
  readonly name: string;
  readonly print: string;
  readonly durationSeconds: number;
}

/** Lengths within this of one another, or within two per cent, are compared. */
const sameLengthSeconds = 0.25;
const sameLengthShare = 0.02;

/** The print that a sample's clip has; undefined: none was made, or the clip shows nothing. */
export const printOfSample = ({ id, clip, provenance }: Sample): PrintedClip | undefined => {
  const { print, clip: name } = provenance;
  if (typeof print !== "string") return undefined;
  return {
    name: typeof name === "string" ? name : id,
    print,
    durationSeconds: endOf(clip.timeline, clip.durationSeconds),
  };
};

/** Clips by length, to find those that are alike: a copy has its original's length, whatever else was done to it. */
export class NearClips {
  readonly #byLength = new Map<number, PrintedClip[]>();
  readonly #nearness: Nearness;

  constructor(nearness: Nearness) {
    this.#nearness = nearness;
  }

  add(clip: PrintedClip): void {
    const key = Math.floor(clip.durationSeconds / sameLengthSeconds);
    const there = this.#byLength.get(key);
    if (there === undefined) this.#byLength.set(key, [clip]);
    else there.push(clip);
  }

  /** The first clip that was added and is alike. */
  find({ print, durationSeconds }: PrintedClip): PrintedClip | undefined {
    const reach = Math.max(sameLengthSeconds, durationSeconds * sameLengthShare);
    const first = Math.floor((durationSeconds - reach) / sameLengthSeconds);
    const last = Math.floor((durationSeconds + reach) / sameLengthSeconds);
    for (let key = first; key <= last; key++)
      for (const other of this.#byLength.get(key) ?? []) {
        if (Math.abs(other.durationSeconds - durationSeconds) > reach) continue;
        const { look, change } = printDistance(print, other.print);
        if (look <= this.#nearness.look && change <= this.#nearness.change) return other;
      }
    return undefined;
  }
}
