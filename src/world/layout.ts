import { InternalError } from "../core/errors.ts";
import type { Random } from "../core/random.ts";
import { verticalReach } from "./events.ts";
import type { ActorPlan, ClipPlan, EventPlan } from "./plan.ts";
import { shapeReach } from "./shapes.ts";
import { cameraAt, clock, eventPlace, ordinaryState, travelled } from "./state.ts";
import { type Place, places } from "./words.ts";

/** Attempts before a layout gives up a wish (room between actors, a strong place, far travel). */
const attemptsPerLevel = 40;
const levels = 8;

/** Frames at which a path is checked; motion is slow, so every fourth and the last are enough. */
const checkedFrames = (plan: ClipPlan): number[] => {
  const frames: number[] = [];
  for (let frame = 0; frame < plan.frameCount - 1; frame += 4) frames.push(frame);
  frames.push(plan.frameCount - 1);
  return frames;
};

/** Distance from the top and bottom edge that an actor keeps while something happens to it. */
const tallEdge = (plan: ClipPlan, actor: ActorPlan): number =>
  // Room for the tallest event whatever happens here, up and down alike: the place must not tell the event.
  (0.45 + verticalReach(plan.profile.kinds)) * actor.radius;

/** Distance from the left and right edge that an actor keeps while something happens to it. */
const wideEdge = (actor: ActorPlan): number => 0.95 * actor.radius;

/** Whether an actor stays in the picture, and well inside while anything happens, to it or to another one. */
const staysInside = (plan: ClipPlan, actor: ActorPlan, frames: readonly number[]): boolean => {
  for (const frame of frames) {
    const { x, y, zoom } = ordinaryState(plan, actor, frame);
    const edge = 0.5 * actor.radius * zoom;
    if (x < edge || y < edge || x > plan.width - edge || y > plan.height - edge) return false;
  }
  for (const event of plan.events) {
    for (const frame of [event.startFrame, event.endFrame - 1]) {
      const { x, y } = ordinaryState(plan, actor, frame);
      const edge = wideEdge(actor);
      const tall = tallEdge(plan, actor);
      if (x < edge || x > plan.width - edge || y < tall || y > plan.height - tall) return false;
    }
  }
  return true;
};

/** The side of a flick: the drawn one, or the other where the picture's edge would hide its first frames. */
const visibleSide = (plan: ClipPlan, event: EventPlan): -1 | 1 => {
  const actor = plan.actors[event.actor]!;
  for (const frame of [event.startFrame, event.endFrame - 1]) {
    const { x, zoom } = ordinaryState(plan, actor, frame);
    const needed = shapeReach * actor.radius * zoom + 2;
    if (x < needed) return 1;
    if (x > plan.width - needed) return -1;
  }
  return event.side;
};

/** Smallest distance between two actors' edges relative to the sum of their radii; 0 when they touch. */
const clearance = (plan: ClipPlan, a: ActorPlan, b: ActorPlan, frames: readonly number[]): number => {
  let least = Number.POSITIVE_INFINITY;
  for (const frame of frames) {
    const p = ordinaryState(plan, a, frame);
    const q = ordinaryState(plan, b, frame);
    least = Math.min(least, Math.hypot(p.x - q.x, p.y - q.y) / ((a.radius + b.radius) * p.zoom));
  }
  return least - 1;
};

/**
 * A point in a part of the picture where an event has room: from the centre at least `strength` of the way that there
 * is, and as clearly away from the diagonals.
 */
const pointIn = (
  plan: ClipPlan,
  actor: ActorPlan,
  random: Random,
  place: Place,
  strength: number,
): { x: number; y: number } => {
  const sideways = place === "left" || place === "right";
  const edge = sideways ? wideEdge(actor) : tallEdge(plan, actor);
  const most = 1 - (2 * edge) / (sideways ? plan.width : plan.height);
  const main = most * (strength + (1 - strength) * random.next());
  const side = (2 * random.next() - 1) * (main - most * strength * 0.6);
  const sign = place === "left" || place === "top" ? -1 : 1;
  const [u, v] = sideways ? [sign * main, side] : [side, sign * main];
  return { x: ((u + 1) * plan.width) / 2, y: ((v + 1) * plan.height) / 2 };
};

/**
 * A place for each of `count` actors, different ones as far as there are, with `place` for actor `hero`: drawn until it
 * comes out that way, so that nothing sets the hero apart.
 */
const spreadPlaces = (random: Random, count: number, hero: number, place: Place): Place[] => {
  for (;;) {
    const pool: Place[] = random.shuffled(places);
    while (pool.length < count) pool.push(random.pick(places));
    const drawn = random.shuffled(pool.slice(0, count));
    if (drawn[hero] === place) return drawn;
  }
};

/** Rescales an actor's travel by a factor. */
const slowed = (actor: ActorPlan, factor: number): ActorPlan => ({
  ...actor,
  vx: actor.vx * factor,
  vy: actor.vy * factor,
  amplitude: actor.amplitude * factor,
});

/**
 * Finds a position for every actor so that nobody leaves the picture, actors keep clear of each other, and each event
 * happens in its wished place. Only positions (and, when room is short, speeds and clearances) are searched: what the
 * answers depend on was drawn before and is never redrawn.
 *
 * `wished` holds a place for events that have one, by event index. Actors that nothing happens to are placed by the same
 * rules, as if something happened to them in a place of their own: where an actor stands must not tell whose event it is.
 */
export const layOut = (plan: ClipPlan, random: Random, wished: readonly (Place | undefined)[]): ClipPlan => {
  const frames = checkedFrames(plan);
  const first = wished.findIndex((place) => place !== undefined);
  // Drawn once, like the wished place itself: a place that is hard to fill must be as likely for every actor.
  const spread =
    first < 0 ? [] : spreadPlaces(random, plan.actors.length, plan.events[first]!.actor, wished[first]!);
  for (let level = 0; level < levels; level++) {
    const strength = [0.6, 0.55, 0.5, 0.4, 0.3, 0.25, 0.2, 0.15][level]!;
    const room = [0.12, 0.1, 0.08, 0.06, 0.04, 0.02, -0.1, -0.5][level]!;
    const factor = [1, 1, 0.85, 0.7, 0.6, 0.5, 0.4, 0.35][level]!;
    for (let attempt = 0; attempt < attemptsPerLevel; attempt++) {
      const placed: ActorPlan[] = [...plan.actors];
      const done: number[] = [];
      for (const a of random.shuffled(plan.actors.map((_, index) => index))) {
        const moving = slowed(plan.actors[a]!, factor);
        let found: ActorPlan | undefined;
        for (let tryNumber = 0; tryNumber < 16 && found === undefined; tryNumber++) {
          const event = first < 0 ? undefined : plan.events[first]!;
          const target =
            event === undefined
              ? {
                  x: plan.width * (0.12 + 0.76 * random.next()),
                  y: plan.height * (0.12 + 0.76 * random.next()),
                }
              : pointIn(plan, moving, random, spread[a]!, strength);
          const frame =
            event === undefined ? (plan.frameCount - 1) / 2 : (event.startFrame + event.endFrame - 1) / 2;
          const camera = cameraAt(plan, frame);
          const offset = travelled(moving, clock(plan, frame));
          const actor: ActorPlan = {
            ...moving,
            x: (target.x - plan.width / 2) / camera.zoom + plan.width / 2 + camera.x - offset.x,
            y: (target.y - plan.height / 2) / camera.zoom + plan.height / 2 + camera.y - offset.y,
          };
          if (!staysInside(plan, actor, frames)) continue;
          if (done.some((other) => clearance(plan, actor, placed[other]!, frames) < room)) continue;
          found = actor;
        }
        if (found === undefined) break;
        placed[a] = found;
        done.push(a);
      }
      if (done.length < plan.actors.length) continue;
      const result: ClipPlan = { ...plan, actors: placed };
      return {
        ...result,
        events: plan.events.map((event) => ({
          ...event,
          place: eventPlace(result, event),
          side: event.what === "flick" ? visibleSide(result, event) : event.side,
        })),
      };
    }
  }
  throw new InternalError(`no layout for clip ${plan.index} of world ${plan.seed} (${plan.profile.name})`);
};
