import type { ActorPlan, ClipPlan, EventPlan } from "./plan.ts";
import type { Place } from "./words.ts";

/** Frames from the middle of the clip, where every motion is written relative to. */
export const clock = (plan: ClipPlan, frame: number): number =>
  frame + plan.frameOffset - (plan.frameCount - 1) / 2;

/** Camera position in pixels and magnification at a frame. */
export const cameraAt = (plan: ClipPlan, frame: number): { x: number; y: number; zoom: number } => {
  const camera = plan.camera;
  const t = clock(plan, frame);
  const swing = Math.sin(camera.rate * t + camera.phase);
  return {
    x: camera.dx * t + camera.shakeX * swing,
    y: camera.dy * t + camera.shakeY * swing,
    zoom: Math.exp(camera.zoom * t),
  };
};

/** Offset of an actor's ordinary motion from its (x, y), in scene pixels, `t` frames from the middle. */
export const travelled = (actor: ActorPlan, t: number): { x: number; y: number } => {
  let x = actor.vx * t;
  let y = actor.vy * t;
  if (actor.motion === "orbit") {
    x += actor.amplitude * Math.cos(actor.rate * t + actor.phase);
    y += Math.abs(actor.amplitude) * Math.sin(actor.rate * t + actor.phase);
  } else if (actor.motion === "sway") x += actor.amplitude * Math.sin(actor.rate * t + actor.phase);
  return { x, y };
};

/** An actor's ordinary position and magnification in the picture at a frame, as though no event happened. */
export const ordinaryState = (
  plan: ClipPlan,
  actor: ActorPlan,
  frame: number,
): { x: number; y: number; zoom: number } => {
  const camera = cameraAt(plan, frame);
  const offset = travelled(actor, clock(plan, frame));
  const cx = plan.width / 2;
  const cy = plan.height / 2;
  return {
    x: cx + camera.zoom * (actor.x + offset.x - camera.x - cx),
    y: cy + camera.zoom * (actor.y + offset.y - camera.y - cy),
    zoom: camera.zoom,
  };
};

/** The part of the picture that a point is in: the side it is furthest towards, relative to the picture's size. */
export const placeOf = (plan: { width: number; height: number }, x: number, y: number): Place => {
  const u = (2 * x) / plan.width - 1;
  const v = (2 * y) / plan.height - 1;
  if (Math.abs(u) >= Math.abs(v)) return u < 0 ? "left" : "right";
  return v < 0 ? "top" : "bottom";
};

/** Where an actor is in the middle of the clip: what captions say. */
export const actorPlace = (plan: ClipPlan, actor: ActorPlan): Place => {
  const { x, y } = ordinaryState(plan, actor, (plan.frameCount - 1) / 2);
  return placeOf(plan, x, y);
};

/** Where an event happens: its actor's ordinary position in the middle of the event. */
export const eventPlace = (
  plan: ClipPlan,
  event: Pick<EventPlan, "actor" | "startFrame" | "endFrame">,
): Place => {
  const { x, y } = ordinaryState(
    plan,
    plan.actors[event.actor]!,
    (event.startFrame + event.endFrame - 1) / 2,
  );
  return placeOf(plan, x, y);
};
