/** Where long work says how far it is; the command line turns it into a bar or into lines. */
export interface Progress {
  /** `done` of `total` units (0 when unknown); `note` is shown behind the bar. */
  update(done: number, total: number, note?: string): void;
  /** Numbers by name as they become known; a terminal draws the course of some. Left out: nobody watches them. */
  numbers?(values: Readonly<Record<string, number>>): void;
  log(line: string): void;
}

/** Progress that nobody watches. */
export const silentProgress: Progress = { update: () => {}, log: () => {} };

/** Milliseconds since an arbitrary start; for measuring only, never for data. */
export const nowMilliseconds = (): number => performance.now();
