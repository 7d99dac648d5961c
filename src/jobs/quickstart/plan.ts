import type { QuickstartRecipe } from "../../recipes/quickstart.ts";
import { aboutTime, type PlannedPart, Timetable } from "../timetable.ts";

/** What the progress lines of a quickstart begin with, in the order of the work. */
export const labels = {
  render: "1/6 render and encode",
  decode: "1/6 decode",
  encoder: "2/6 relevance encoder",
  pairs: "2/6 pairs",
  sft: "3/6 SFT",
  more: "4/6 more SFT",
  contrast: "4/6 SFT + contrast",
  grpo: "5/6 Comparative GRPO",
  control: "5/6 control of GRPO",
} as const;

/** The label of a trained stage's test. */
export const testLabel = (title: string): string => `6/6 test ${title}`;

/**
 * Seconds per clip, step or clip tested: shares of one run with `--minutes 0.6`, scaled so that the default comes to the
 * 7.2 minutes that it took on two quiet cores. Timetables correct them while they run.
 */
export const secondsEach = {
  render: 0.013,
  decode: 0.006,
  encoder: 0.087,
  pairs: 0.0024,
  sft: 0.18,
  more: 0.12,
  contrast: 0.235,
  grpo: 0.12,
  control: 0.12,
  test: 0.019,
} as const;

/** When each part of a quickstart will be done. @param titles of the stages that are tested */
export const quickstartTimetable = (
  { world, relevance, sft, grpo, grpoControl }: QuickstartRecipe,
  titles: readonly string[],
): Timetable => {
  const clips = world.trainClips + world.testClips;
  const counts = {
    render: clips,
    decode: clips,
    encoder: relevance.train.steps,
    pairs: clips,
    sft: sft.baseSteps,
    more: sft.forkSteps,
    contrast: sft.forkSteps,
    grpo: grpo.steps,
    control: grpoControl === "none" ? 0 : grpo.steps,
  };
  const parts = (Object.keys(labels) as (keyof typeof labels)[]).map((key): PlannedPart => {
    return { label: labels[key], expectedSeconds: secondsEach[key] * counts[key] };
  });
  const tests = titles.map((title): PlannedPart => {
    return { label: testLabel(title), expectedSeconds: secondsEach.test * world.testClips };
  });
  return new Timetable([...parts, ...tests]);
};

/** What a person is told before the first line of progress. */
export const announcement = (timetable: Timetable, folder: string): string =>
  `about ${aboutTime(timetable.expectedSeconds)} on two quiet cores, in six parts: world clips, pairs, SFT, contrast, ` +
  `comparative RL, tests and report; all goes to ${folder}; Ctrl-C stops cleanly, the same call goes on`;
