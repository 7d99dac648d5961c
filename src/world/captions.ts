import type { ActorPlan, ClipPlan, EventPlan } from "./plan.ts";
import { actorPlace } from "./state.ts";
import { counts } from "./words.ts";

/** Verb phrase of an ordinary motion, in plain English. */
const fullMotion = (actor: ActorPlan): string => {
  switch (actor.motion) {
    case "still":
      return "is still";
    case "orbit":
      return "moves in an orbit";
    case "sway":
      return "moves sideways in a sway";
    default:
      return `moves ${actor.motion}`;
  }
};

const name = (actor: ActorPlan): string => `${actor.color} ${actor.shape}`;

const actorSentence = (plan: ClipPlan, actor: ActorPlan): string =>
  plan.profile.captions === "full"
    ? `a ${name(actor)} at the ${actorPlace(plan, actor)} ${fullMotion(actor)} .`
    : `${name(actor)} at ${actorPlace(plan, actor)} ${actor.motion === "still" ? "is still" : `moves ${actor.motion}`} .`;

const otherName = (plan: ClipPlan, event: EventPlan): string =>
  event.other === undefined ? "" : ` with the ${name(plan.actors[event.other]!)}`;

const eventSentence = (plan: ClipPlan, event: EventPlan): string => {
  const actor = plan.actors[event.actor]!;
  const when = event.period === undefined ? "then" : event.period;
  return plan.profile.captions === "full"
    ? `${when} the ${name(actor)} at the ${event.place} makes a sudden ${event.what}${otherName(plan, event)} .`
    : `${when} ${name(actor)} makes ${event.what} at ${event.place} .`;
};

/** The transient events alone, in the manner of a rare-event caption: when, who, where, what. */
export const eventCaption = (plan: ClipPlan): string => {
  if (plan.story !== "repeat") return plan.events.map((event) => eventSentence(plan, event)).join(" ");
  const event = plan.events[0]!;
  const actor = plan.actors[event.actor]!;
  const number = counts[plan.events.length - 1]!;
  const times = plan.events.length === 1 ? "time" : "times";
  return plan.profile.captions === "full"
    ? `the ${name(actor)} makes a sudden ${event.what}${otherName(plan, event)} ${number} ${times} .`
    : `${name(actor)} makes ${event.what} ${number} ${times} .`;
};

const cameraSentence = (plan: ClipPlan): string => {
  const motion = plan.camera.motion;
  if (plan.profile.captions === "short") return `camera ${motion} .`;
  if (motion === "still") return "the camera is still .";
  if (motion === "in" || motion === "out") return `the camera zooms ${motion} .`;
  return motion === "shake" ? "the camera shakes ." : `the camera moves ${motion} .`;
};

const groundSentence = (plan: ClipPlan): string =>
  plan.profile.captions === "full"
    ? `the ground is ${plan.ground.shade} and ${plan.ground.texture} .`
    : `${plan.ground.shade} ${plan.ground.texture} ground .`;

/** Everything: each actor with colour, shape, place and motion, every event, the camera, the ground. */
export const denseCaption = (plan: ClipPlan): string =>
  [
    ...plan.actors.map((actor) => actorSentence(plan, actor)),
    eventCaption(plan),
    cameraSentence(plan),
    groundSentence(plan),
  ].join(" ");

/** The decisive words of a clip: its events' names, each once, in order of time. */
export const clipKeywords = (plan: ClipPlan): string[] => [
  ...new Set(plan.events.map((event) => event.what)),
];
