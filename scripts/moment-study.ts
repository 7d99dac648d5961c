/**
 * How much of the decisive moment a twin really loses on real clips with known spans, and whether a provider does more
 * than look at the middle of the clip; prints the tables of docs/relevance.md, "What the twin loses". Needs the shared clips.
 * Run: node scripts/moment-study.ts [--clips DIR] [--relevance NAME:ARG ...]
 *
 * Intervals: 95 %, 4,000 bootstrap draws of scenes; differences are paired by clip.
 */
import { parseArgs } from "node:util";
import { type AbsentBuilder, absentBuilders, usualBuilder } from "../src/absent/builders.ts";
import { lostEvents } from "../src/absent/lost-events.ts";
import { makePair } from "../src/absent/make-pair.ts";
import { fileSource } from "../src/absent/pair-source.ts";
import { scoredFrames } from "../src/absent/scored-frames.ts";
import { spreadReplacements } from "../src/absent/spread.ts";
import { replacedRuns } from "../src/absent/stretches.ts";
import { twinViewOf } from "../src/absent/twin-view.ts";
import { messageOf } from "../src/core/errors.ts";
import { sha256OfFile } from "../src/core/files.ts";
import type { Made } from "../src/core/registry.ts";
import { openScorer } from "../src/jobs/open-scorer.ts";
import { chooseRelevance } from "../src/selection/relevance-choice.ts";
import { openVideoService } from "../src/video/service.ts";
import { interval } from "./curve-statistics.ts";
import { type DecisiveClip, decisiveClips } from "./decisive-clips.ts";

const { values } = parseArgs({
  options: {
    clips: { type: "string", default: `${process.env["VIDEOPERCEIVER_SHARED"] ?? "../shared"}/data/clips` },
    relevance: { type: "string", multiple: true, default: [] },
  },
});
await using video = openVideoService();
const clips = await decisiveClips(video, values.clips, 8);

/** What became of one clip. */
interface Outcome {
  /** Of all events with a frame: share of which at least half is gone. */
  readonly halfGone: number;
  readonly framesGone: number;
  /** Of all events with a frame: share of which nothing is shown anywhere. */
  readonly unseen: number;
  readonly replaced: number;
  /** Share of the key frames that lie in an event. */
  readonly hits: number;
  /** Replaced frames outside of the events that lie further from one than two sampled frames are apart. */
  readonly beyond: number;
}
type Row = {
  readonly name: string;
  readonly outcomes: (Outcome | undefined)[];
  events: number;
  half: number;
};

const outcomeOf = (
  clip: DecisiveClip,
  timeline: Awaited<ReturnType<typeof video.probe>>["timeline"],
  view: ReturnType<typeof twinViewOf>,
  keys: readonly number[],
  row: Row,
): Outcome => {
  const lost = lostEvents(timeline, view, clip.events);
  row.events += lost.events;
  row.half += lost.halfGone;
  const step = Math.max(
    ...clip.sampled.map(
      ({ timeSeconds }, at) => (clip.sampled[at + 1]?.timeSeconds ?? timeSeconds) - timeSeconds,
    ),
  );
  const near = (time: number, by: number): boolean =>
    clip.events.some(({ startSeconds, endSeconds }) => time >= startSeconds - by && time < endSeconds + by);
  return {
    halfGone: lost.halfGone / Math.max(1, lost.events),
    framesGone: lost.gone / Math.max(1, lost.frames),
    unseen: lost.unseen / Math.max(1, lost.events),
    replaced: view.changed.length / timeline.length,
    hits: keys.filter((index) => near(timeline[index]!.timeSeconds, 0)).length / Math.max(1, keys.length),
    beyond: view.changed.filter((index) => !near(timeline[index]!.timeSeconds, step)).length,
  };
};

const rows: Row[] = [];
const run = async (name: string, relevanceText: string, builder: Made<AbsentBuilder>): Promise<void> => {
  const row: Row = { name, outcomes: [], events: 0, half: 0 };
  const relevance = await chooseRelevance(relevanceText);
  for (const clip of clips) {
    try {
      const source = await fileSource(video, clip.path, sha256OfFile);
      const { caption, events } = clip;
      const around = { openScorer, spans: events };
      const sampled = scoredFrames(source.timeline, "auto");
      const { pair, view } = await makePair(
        source,
        { caption, relevance, builder, seed: 0, sampled, allowNothing: true },
        around,
      );
      row.outcomes.push(outcomeOf(clip, source.timeline, view, pair.keyFrames, row));
    } catch (error) {
      console.error(`${name}: left out ${clip.path}: ${messageOf(error)}`);
      row.outcomes.push(undefined);
    }
  }
  await relevance.made.value.close?.();
  rows.push(row);
};

/** The control: as large a share as the builder takes, in the middle of the clip; its key frame is the middle one. */
const middle = async (share: number): Promise<void> => {
  const row: Row = { name: `control: just the middle, ${100 * share} %`, outcomes: [], events: 0, half: 0 };
  for (const clip of clips) {
    const { timeline } = await video.probe(clip.path);
    const sampled = scoredFrames(timeline, "auto");
    const count = Math.floor(share * sampled.length);
    const first = Math.floor((sampled.length - count) / 2);
    const taken = sampled.map((_, at) => at >= first && at < first + count);
    const view = twinViewOf(spreadReplacements(timeline, sampled, replacedRuns(taken, "successor")));
    row.outcomes.push(outcomeOf(clip, timeline, view, [sampled[sampled.length >> 1]!.index], row));
  }
  rows.push(row);
};

const usual = await absentBuilders.choose(usualBuilder);
const share = usual.recipe.params["mostShare"] as number;
await middle(share);
await run("motion, previous-frame (the paper's)", "motion", await absentBuilders.make("previous-frame"));
await run("motion, span (whole basins)", "motion", await absentBuilders.make("span"));
await run(`motion, ${usualBuilder} (default)`, "motion", usual);
await run(`events, ${usualBuilder}`, "events", usual);
for (const text of values.relevance) await run(`${text}, ${usualBuilder}`, text, usual);

type Measure = Exclude<keyof Outcome, "beyond">;
const column = (row: Row, measure: Measure): string =>
  interval(clips.map(({ scene }, at) => ({ scene, value: row.outcomes[at]?.[measure] })));
const against = (row: Row, measure: Measure): string => {
  const control = rows[0]!;
  if (row === control) return "";
  return interval(
    clips.map(({ scene }, at) => {
      const [one, other] = [row.outcomes[at]?.[measure], control.outcomes[at]?.[measure]];
      return { scene, value: one === undefined || other === undefined ? undefined : one - other };
    }),
  );
};
console.log(
  `Clips: ${clips.length}, events: ${clips.reduce((sum, { events }) => sum + events.length, 0)}.\n`,
);
console.log(
  "| relevance, builder | events at least half gone | the same, mean over clips | event frames gone | events of which nothing is shown | clip replaced | half gone - control | key frames in events | the same - middle frame |",
);
console.log("|---|---|---|---|---|---|---|---|---|");
for (const row of rows)
  console.log(
    `| ${[row.name, `${row.half} of ${row.events} (${(row.half / row.events).toFixed(3)})`, column(row, "halfGone"), column(row, "framesGone"), column(row, "unseen"), column(row, "replaced"), against(row, "halfGone"), column(row, "hits"), against(row, "hits")].join(" | ")} |`,
  );
const events = rows.find(({ name }) => name.startsWith("events"))!;
console.log(
  `\nevents: replaced frames further from an event than two sampled frames are apart: ${events.outcomes.reduce((sum, one) => sum + (one?.beyond ?? 0), 0)}`,
);
