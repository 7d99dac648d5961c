/** Wall-clock time in seconds since 1970; for file names, logs and durations only, never for data. */
export const unixSeconds = (): number => Date.now() / 1000;

/** Now as ISO 8601 text in UTC, for reports. */
export const isoTime = (): string => new Date(unixSeconds() * 1000).toISOString();
