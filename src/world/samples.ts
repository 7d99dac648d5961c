import type { EventSpan, Sample } from "../dataset/sample.ts";
import { storeTimeline } from "../dataset/schema.ts";
import { timelineFromTimes } from "../video/timeline.ts";
import type { Timeline } from "../video/types.ts";
import { clipKeywords } from "./captions.ts";
import type { ClipPlan } from "./plan.ts";
import { questionsFor } from "./questions.ts";

/** The true times of a planned clip's frames. */
export const planTimeline = (plan: ClipPlan): Timeline =>
  timelineFromTimes(Float64Array.from({ length: plan.frameCount }, (_, i) => i / plan.framesPerSecond));

/** The events of a plan in seconds, half open. */
export const planEvents = (plan: ClipPlan): EventSpan[] =>
  plan.events.map((event) => ({
    startSeconds: event.startFrame / plan.framesPerSecond,
    endSeconds: event.endFrame / plan.framesPerSecond,
    what: event.what,
  }));

/** Name of a clip within its world. */
export const clipName = (plan: ClipPlan): string =>
  `world-${plan.seed}-${String(plan.index).padStart(6, "0")}`;

/** The samples of a clip: one for every question, `file` relative to the data set folder. */
export const samplesOf = (
  plan: ClipPlan,
  clip: { readonly file: string; readonly sha256: string },
): Sample[] => {
  const timeline = planTimeline(plan);
  const events = planEvents(plan);
  const keywords = clipKeywords(plan);
  return questionsFor(plan).map((question) => ({
    id: `${clipName(plan)}-${question.template}`,
    clip: { ...clip, timeline },
    messages: [
      {
        role: "user",
        content: [
          { type: "video", video: clip.file },
          { type: "text", text: question.question },
        ],
      },
    ],
    answer: question.answer,
    answerKind: question.answerKind,
    ...(question.options === undefined ? {} : { options: question.options }),
    skill: question.skill,
    keywords,
    events,
    provenance: {
      source: "world",
      seed: plan.seed,
      index: plan.index,
      profile: plan.profile.name,
      difficulty: plan.profile.difficulty,
      story: plan.story,
      template: question.template,
      aboutEvent: question.aboutEvent,
    },
  }));
};

/** The line of a clip in `truth.jsonl`: the whole plan beside the clip that it became. */
export const truthRow = (
  plan: ClipPlan,
  clip: { readonly file: string; readonly sha256: string },
): string => {
  const { profile: _, ...facts } = plan;
  return JSON.stringify({
    clip: { ...clip, timeline: storeTimeline(planTimeline(plan)) },
    keywords: clipKeywords(plan),
    events: planEvents(plan),
    plan: facts,
  });
};
