import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, writeFileAtomic } from "../../core/files.ts";
import { noCost } from "./clip-cost.ts";
import {
  type BuiltClip,
  buildFolder,
  type FromBuildWorker,
  type PlannedClip,
  resultFile,
} from "./protocol.ts";
import type { ClipFeed } from "./worker-group.ts";

/** The result of a clip that cost its worker too often. */
export const writeQuarantined = (out: string, clip: PlannedClip, tries: number, why: string): void => {
  const [reason = ""] = why.split("\n");
  const result: BuiltClip = {
    position: clip.position,
    sha256: null,
    print: null,
    durationSeconds: 0,
    rows: [],
    rejected: clip.rows.map(({ row }) => ({
      source: String(row.provenance["source"] ?? row.id),
      ruleId: "quarantine",
      reason: `given up after ${tries} tries; the last one: ${reason}`,
    })),
  };
  const file = join(out, resultFile(clip.position));
  makeFolder(join(file, ".."));
  writeFileAtomic(file, JSON.stringify(result));
};

/** What a clip cost and gave. */
export type ClipReport = Omit<Extract<FromBuildWorker, { type: "done" }>, "type" | "position">;

/** What a local feed is told. */
export interface LocalFeedOptions {
  readonly out: string;
  readonly clips: readonly PlannedClip[];
  /** How often a clip may cost its worker before it is given up. */
  readonly attempts: number;
  onDone(report: ClipReport): void;
  onLost(line: string): void;
}

/**
 * The clips that have no result yet, in order. What a clip cost is written down before it is tried again, so that a clip
 * that ends its worker is given up even when the program was stopped in between.
 */
export const localFeed = ({ out, clips, attempts, onDone, onLost }: LocalFeedOptions): ClipFeed => {
  const file = join(out, buildFolder, "lost.json");
  const lost: Record<string, number> = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Record<string, number>)
    : {};
  const waiting = clips.filter(({ position }) => !existsSync(join(out, resultFile(position)))).reverse();
  const byPosition = new Map(waiting.map((clip) => [clip.position, clip]));
  return {
    next: async () => waiting.pop(),
    done: async (_, report) => onDone(report),
    lost: async (position, why) => {
      const clip = byPosition.get(position)!;
      const tries = (lost[position] ?? 0) + 1;
      lost[position] = tries;
      writeFileAtomic(file, JSON.stringify(lost));
      const name = clip.name;
      if (tries < attempts) {
        onLost(`${name}: ${why.split("\n")[0]}; tried again`);
        // Behind all others: a clip that ends workers must not hold up the rest.
        waiting.unshift(clip);
        return;
      }
      onLost(`${name}: ${why}; given up after ${tries} tries`);
      writeQuarantined(out, clip, tries, why);
      const nothing = { rows: 0, seconds: 0, videoSeconds: 0, isMeasure: false, cost: noCost };
      onDone({ ...nothing, rejected: clip.rows.length });
    },
  };
};
