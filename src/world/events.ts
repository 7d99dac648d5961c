import type { ClipPlan, EventPlan } from "./plan.ts";
import { shapeReach } from "./shapes.ts";
import { ordinaryState } from "./state.ts";
import type { EventKind } from "./words.ts";

/** What an event does to one actor in one frame. */
export interface Effect {
  /** Displacement in picture pixels. */
  dx: number;
  dy: number;
  /** Factor on the radius. */
  scale: number;
  /** False while vanished. */
  visible: boolean;
  /** Drawn white. */
  white: boolean;
  /** Index of the event whose `color` is shown, or -1. */
  colorOf: number;
  /** Length of the white flick beyond the centre in pixels; 0 for none; the sign is its side. */
  flick: number;
}

/** Sizes of the effects relative to the actor's radius. */
const amounts: Readonly<Record<EventKind, number>> = {
  flash: 0,
  vanish: 0,
  swap: 0,
  hop: 1.3,
  dip: 1.3,
  nudge: 0.9,
  twitch: 0.5,
  flick: 2.1,
  shrink: 0.42,
  grow: 1.7,
  bump: 0.4,
  miss: 0.4,
};

/** `EventPlan.amount` of a kind for an actor of a radius: pixels, or a factor for shrink and grow. */
export const eventAmount = (kind: EventKind, radius: number): number =>
  kind === "shrink" || kind === "grow" ? amounts[kind] : amounts[kind] * radius;

/** How far any of these kinds can carry an actor up or down, as a share of its radius. */
export const verticalReach = (kinds: readonly EventKind[]): number =>
  Math.max(0, ...kinds.filter((kind) => kind === "hop" || kind === "dip").map((kind) => amounts[kind]));

/**
 * How much of the effect shows in a frame: a plateau of 1 with short ramps, positive in every frame of the span and
 * the same forwards and backwards.
 */
export const envelope = (event: EventPlan, frame: number): number => {
  const length = event.endFrame - event.startFrame;
  const ramp = Math.floor(length * 0.1) + 1;
  return Math.min(1, (frame - event.startFrame + 1) / ramp, (event.endFrame - frame) / ramp);
};

/** From the centre to the tip: even on the ramps it comes out of the widest shape, else nobody could see it. */
const flickLength = (event: EventPlan, radius: number, share: number): number => {
  const hidden = shapeReach * radius;
  return hidden + (event.amount - hidden) * share;
};

/** The neutral effect. */
export const noEffect = (): Effect => ({
  dx: 0,
  dy: 0,
  scale: 1,
  visible: true,
  white: false,
  colorOf: -1,
  flick: 0,
});

const approach = (plan: ClipPlan, event: EventPlan, frame: number): { x: number; y: number; gap: number } => {
  const own = plan.actors[event.actor]!;
  const other = plan.actors[event.other!]!;
  const from = ordinaryState(plan, own, frame);
  const to = ordinaryState(plan, other, frame);
  const x = to.x - from.x;
  const y = to.y - from.y;
  const distance = Math.max(1e-6, Math.hypot(x, y));
  return { x: x / distance, y: y / distance, gap: distance - (own.radius + other.radius) * from.zoom };
};

/** The effect on actor `actor` in `frame`: neutral outside every event. */
export const effectAt = (plan: ClipPlan, actor: number, frame: number): Effect => {
  const effect = noEffect();
  for (let e = 0; e < plan.events.length; e++) {
    const event = plan.events[e]!;
    if (frame < event.startFrame || frame >= event.endFrame) continue;
    if (event.actor !== actor && event.other !== actor) continue;
    const share = envelope(event, frame);
    const shift = event.amount * share;
    if (event.actor !== actor) {
      // Only a bump moves the second actor, and only while touched.
      if (event.what !== "bump" || share < 1) continue;
      const way = approach(plan, event, frame);
      effect.dx += way.x * event.amount;
      effect.dy += way.y * event.amount;
      continue;
    }
    switch (event.what) {
      case "flash":
        effect.white = true;
        break;
      case "vanish":
        effect.visible = false;
        break;
      case "swap":
        effect.colorOf = e;
        break;
      case "hop":
        effect.dy -= shift;
        break;
      case "dip":
        effect.dy += shift;
        break;
      case "nudge":
        effect.dx += event.side * shift;
        break;
      case "twitch": {
        const k = event.backwards ? event.endFrame - 1 - frame : frame - event.startFrame;
        effect.dx += event.side * event.amount * ((k >> 1) % 2 === 0 ? 1 : -1);
        break;
      }
      case "flick":
        effect.flick = event.side * flickLength(event, plan.actors[actor]!.radius, share);
        break;
      case "shrink":
      case "grow":
        effect.scale *= 1 + (event.amount - 1) * share;
        break;
      case "bump":
      case "miss": {
        const way = approach(plan, event, frame);
        // A miss passes beside the other actor with a clear gap; a bump runs into it.
        const aside =
          event.what === "miss" ? event.side * (plan.actors[event.actor]!.radius + event.amount) : 0;
        const along = event.what === "miss" ? way.gap * 0.85 : way.gap + event.amount;
        effect.dx += (way.x * along - way.y * aside) * share;
        effect.dy += (way.y * along + way.x * aside) * share;
        break;
      }
    }
  }
  return effect;
};
