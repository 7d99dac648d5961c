import { createHash } from "node:crypto";

/** A seeded generator of random numbers; the only source of randomness outside tests. */
export interface Random {
  /** Uniform in [0, 1), 53 bits. */
  next(): number;
  /** Uniform integer in [0, bound). */
  integer(bound: number): number;
  /** Standard normal. */
  normal(): number;
  /** One element, uniformly. */
  pick<T>(items: readonly T[]): T;
  /** A new array in random order. */
  shuffled<T>(items: readonly T[]): T[];
  /** An independent generator for a named purpose; does not advance this one. */
  fork(...purpose: (string | number)[]): Random;
  /** The generator's position, to be stored in a checkpoint. */
  state(): RandomState;
}

/** Serialisable state of a {@link Random}. */
export interface RandomState {
  readonly key: string;
  readonly words: readonly [number, number, number, number];
}

/** xoshiro128** (Blackman and Vigna), seeded by SHA-256 of a key, so that a name is a seed. */
class Xoshiro implements Random {
  #key: string;
  #s: Uint32Array;
  constructor(key: string, words?: readonly number[]) {
    this.#key = key;
    if (words === undefined) {
      const digest = createHash("sha256").update(key).digest();
      this.#s = Uint32Array.from([0, 4, 8, 12], (at) => digest.readUInt32LE(at));
    } else this.#s = Uint32Array.from(words);
  }
  #word(): number {
    const s = this.#s;
    const x = Math.imul(s[1]!, 5);
    const result = Math.imul((x << 7) | (x >>> 25), 9) >>> 0;
    const t = s[1]! << 9;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = (s[3]! << 11) | (s[3]! >>> 21);
    return result;
  }
  next(): number {
    return ((this.#word() >>> 5) * 67_108_864 + (this.#word() >>> 6)) / 9_007_199_254_740_992;
  }
  integer(bound: number): number {
    return Math.floor(this.next() * bound);
  }
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()));
    return radius * Math.cos(2 * Math.PI * this.next());
  }
  pick<T>(items: readonly T[]): T {
    return items[this.integer(items.length)]!;
  }
  shuffled<T>(items: readonly T[]): T[] {
    const result = [...items];
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [result[i], result[j]] = [result[j]!, result[i]!];
    }
    return result;
  }
  fork(...purpose: (string | number)[]): Random {
    return new Xoshiro(`${this.#key}/${purpose.join("/")}`);
  }
  state(): RandomState {
    return { key: this.#key, words: [this.#s[0]!, this.#s[1]!, this.#s[2]!, this.#s[3]!] };
  }
}

/** A generator from a seed and a purpose: the same key gives the same numbers for ever. */
export const seededRandom = (...key: (string | number)[]): Random => new Xoshiro(key.join("/"));

/** The generator whose {@link Random.state} was stored. */
export const restoredRandom = (state: RandomState): Random => new Xoshiro(state.key, state.words);
