/** Wall-clock time in seconds since 1970; for file names, logs and durations only, never for data. */
export const unixSeconds = (): number => Date.now() / 1000;
