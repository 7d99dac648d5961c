/** What a cache of compiled graphs keeps. */
interface Releasable {
  release(): Promise<void>;
}

/** Compiled graphs by key, up to a number; the one used longest ago is released first. */
export class KeptGraphs<T extends Releasable> {
  readonly #limit: number;
  readonly #graphs = new Map<string, T>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The graph of a key; made at its first use. */
  async get(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#graphs.get(key);
    if (known !== undefined) {
      this.#graphs.delete(key);
      this.#graphs.set(key, known);
      return known;
    }
    const made = await make();
    this.#graphs.set(key, made);
    if (this.#graphs.size > this.#limit) {
      const [oldest, graph] = this.#graphs.entries().next().value!;
      this.#graphs.delete(oldest);
      await graph.release();
    }
    return made;
  }

  async release(): Promise<void> {
    for (const graph of this.#graphs.values()) await graph.release();
    this.#graphs.clear();
  }
}
