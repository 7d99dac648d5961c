import type { ReproArm, ReproStudy } from "../../recipes/repro/study.ts";
import { labels, secondsEach } from "../quickstart/plan.ts";
import { type PlannedPart, Timetable } from "../timetable.ts";

/** What the progress line of an arm's test begins with. */
export const testOf = (arm: string): string => `test ${arm}`;

const trainingSeconds = ({ train }: ReproArm, { recipe }: ReproStudy): number => {
  if (train === null) return 0;
  if (train.kind === "grpo") return secondsEach.grpo * recipe.grpo.steps;
  return (train.contrast === null ? secondsEach.more : secondsEach.contrast) * train.steps;
};

/** When each part of a study will be done. */
export const reproTimetable = (study: ReproStudy, seeds: readonly number[]): Timetable => {
  const { world, relevance } = study.recipe;
  const clips = world.trainClips + world.testClips;
  const parts = [
    { label: labels.render, expectedSeconds: secondsEach.render * clips },
    { label: labels.decode, expectedSeconds: secondsEach.decode * clips },
    ...(study.fragments === undefined
      ? [{ label: labels.encoder, expectedSeconds: secondsEach.encoder * relevance.train.steps }]
      : []),
    ...study.arms.flatMap((arm) => [
      { label: arm.name, expectedSeconds: trainingSeconds(arm, study) },
      { label: testOf(arm.name), expectedSeconds: secondsEach.test * world.testClips },
    ]),
  ];
  return new Timetable(
    seeds.flatMap((seed) =>
      parts.map(({ label, expectedSeconds }): PlannedPart => {
        return { label: `seed ${seed}: ${label.replace(/^\d\/6 /, "")}`, expectedSeconds };
      }),
    ),
  );
};
