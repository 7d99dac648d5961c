import type { WorldSeed } from "./balance.ts";
import type { WorldProfile } from "./profile.ts";
import type {
  CameraMotion,
  Color,
  EventKind,
  Motion,
  Period,
  Place,
  Shade,
  Shape,
  Texture,
} from "./words.ts";

/**
 * A planned clip: plain data that fixes every pixel and every word.
 *
 * Positions are in pixels from the top left corner of the picture (pixel i covers [i, i + 1)), velocities in pixels a
 * frame. Motion is written relative to the middle of the clip, `(frameCount - 1) / 2`: there an actor is at (x, y) and
 * the camera at rest, which makes mirroring and reversing a plan exact.
 */
export interface ClipPlan {
  readonly seed: WorldSeed;
  readonly index: number;
  readonly profile: WorldProfile;
  /** One event; two events of two kinds in an order; one event several times. */
  readonly story: "single" | "order" | "repeat";
  /** Running number among the clips of this story: what answers are balanced over. */
  readonly rank: number;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  readonly frameCount: number;
  /** Added to the frame number wherever motion is a function of time; not 0 only in a time-shifted plan. */
  readonly frameOffset: number;
  readonly actors: readonly ActorPlan[];
  readonly camera: CameraPlan;
  readonly ground: GroundPlan;
  readonly noise: { readonly amplitude: number; readonly seed: number };
  /** In order of time; spans never touch. */
  readonly events: readonly EventPlan[];
  /** The actor whose ordinary motion is asked for. */
  readonly askedActor: number;
}

/** One actor and its ordinary motion. */
export interface ActorPlan {
  readonly color: Color;
  /** Brightness of the colour's high and low channels, 0-255. */
  readonly levels: readonly [number, number];
  readonly shape: Shape;
  readonly radius: number;
  /** The triangle's other orientation. */
  readonly upsideDown: boolean;
  readonly motion: Motion;
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
  /** Circling or swaying: amplitude in pixels (signed), radians a frame, phase at the middle of the clip. */
  readonly amplitude: number;
  readonly rate: number;
  readonly phase: number;
}

/** Camera motion: pan in pixels a frame, zoom as a growth rate a frame, shake as an oscillation. */
export interface CameraPlan {
  readonly motion: CameraMotion;
  readonly dx: number;
  readonly dy: number;
  readonly zoom: number;
  readonly shakeX: number;
  readonly shakeY: number;
  readonly rate: number;
  readonly phase: number;
}

/** The textured ground. */
export interface GroundPlan {
  readonly texture: Texture;
  readonly shade: Shade;
  /** Mean red, green and blue level. */
  readonly base: readonly [number, number, number];
  readonly contrast: number;
  /** Pixels between two repetitions of the pattern. */
  readonly period: number;
  /** 0 to 3, a quarter turn each: direction of stripes. */
  readonly direction: number;
  readonly seed: number;
  readonly flipX: boolean;
  readonly flipY: boolean;
}

/** One transient event; frames are half-open [startFrame, endFrame), nothing is different outside. */
export interface EventPlan {
  readonly what: EventKind;
  /** Index of the actor that it happens to. */
  readonly actor: number;
  /** Index of the second actor of a bump or a miss. */
  readonly other?: number;
  readonly startFrame: number;
  readonly endFrame: number;
  /** Size of the effect: pixels for motions, a factor for shrink and grow, unused otherwise. */
  readonly amount: number;
  /** Direction of sideways events and of a miss: -1 or 1. */
  readonly side: -1 | 1;
  /** The colour a swap shows. */
  readonly color?: Color;
  /** Played backwards in a reversed plan. */
  readonly backwards: boolean;
  /** The third of the clip that the whole event lies in, if any. */
  readonly period?: Period;
  /** Where the actor is, its ordinary motion continued, in the middle of the event. */
  readonly place: Place;
}
