import { availableParallelism } from "node:os";
import { ConfigError } from "../../core/errors.ts";
import { previewGrowth } from "./preview-size.ts";
import { type BuildRate, buildRates } from "./rates.ts";

/** A build that somebody thinks of. */
export interface PlannedBuild {
  readonly clips: number;
  /** Mean length of a clip. */
  readonly clipSeconds: number;
  readonly rowsPerClip: number;
  /** Provider that finds the key frames. */
  readonly relevance: string;
  readonly machines: number;
  /** Worker processes of each machine; one a core when left out. */
  readonly workers?: number;
  /** Money for one machine and hour, in any currency. */
  readonly pricePerHour?: number;
}

/** What it will take. */
export interface BuildEstimate {
  readonly seconds: number;
  readonly clipsPerMinute: number;
  /** Seconds of which one machine puts the data set together alone. */
  readonly assembleSeconds: number;
  /** Bytes beside the clips themselves, which are linked, at most: pages of many pairs hold smaller pictures. */
  readonly diskBytes: { readonly dataset: number; readonly work: number };
  readonly money: number | null;
  readonly rate: BuildRate;
}

/**
 * Time, disk and money of a build, from the rate that was measured.
 *
 * @throws {ConfigError} for a provider of which no rate is known
 */
export const estimateBuild = (build: PlannedBuild): BuildEstimate => {
  const rates = buildRates();
  const rate = rates[build.relevance];
  if (rate === undefined)
    throw new ConfigError(`no rate is known for relevance "${build.relevance}"`, {
      expected: `one of ${Object.keys(rates).join(", ")}`,
      hint: "build some 50 clips with it on this machine; the rate is remembered",
    });
  const workers = build.machines * (build.workers ?? availableParallelism());
  const rows = build.clips * build.rowsPerClip;
  const assembleSeconds = rows / rate.rowsPerSecond;
  const makeSeconds = (build.clips * build.clipSeconds) / (rate.videoSpeed * workers);
  const seconds = makeSeconds + assembleSeconds;
  const growth = previewGrowth(rate.rows, rows);
  return {
    seconds,
    clipsPerMinute: (60 * build.clips) / makeSeconds,
    assembleSeconds,
    diskBytes: {
      dataset: rows * rate.setBytesPerRow * growth,
      work: rows * rate.workBytesPerRow * growth,
    },
    money: build.pricePerHour === undefined ? null : (build.pricePerHour * build.machines * seconds) / 3600,
    rate,
  };
};
