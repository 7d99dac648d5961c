import { seededRandom } from "../core/random.ts";
import { effectAt, noEffect } from "./events.ts";
import { canvasSize, paintGround } from "./ground.ts";
import type { ClipPlan } from "./plan.ts";
import { drawBar, drawShape } from "./shapes.ts";
import { cameraAt, ordinaryState } from "./state.ts";
import { type Color, colorChannels } from "./words.ts";

/** Values of the noise table; a power of two. */
const noiseLength = 16_384;

/** Noise values in [-amplitude, amplitude], read from a place that changes with every frame. */
const noiseTable = (plan: ClipPlan): Int8Array => {
  const random = seededRandom("noise", plan.noise.seed);
  const table = new Int8Array(noiseLength);
  if (plan.noise.amplitude === 0) return table;
  const span = 2 * plan.noise.amplitude + 1;
  for (let i = 0; i < noiseLength; i++) table[i] = random.integer(span) - plan.noise.amplitude;
  return table;
};

const levelOf = (color: Color, channel: number, levels: readonly [number, number]): number =>
  colorChannels[color][channel] === 1 ? levels[0] : levels[1];

/** Fills packed pixels with the ground as the camera sees it: nearest canvas pixel. */
const drawGround = (
  plan: ClipPlan,
  frame: number,
  canvas: Uint32Array,
  size: number,
  pixels: Uint32Array,
): void => {
  const { x, y, zoom } = cameraAt(plan, frame);
  const { width, height } = plan;
  const mask = size - 1;
  const half = size / 2;
  const signX = plan.ground.flipX ? -1 : 1;
  const signY = plan.ground.flipY ? -1 : 1;
  const columns = new Int32Array(width);
  for (let i = 0; i < width; i++)
    columns[i] = (Math.floor(signX * ((i + 0.5 - width / 2) / zoom + x)) + half) & mask;
  for (let j = 0; j < height; j++) {
    const row = ((Math.floor(signY * ((j + 0.5 - height / 2) / zoom + y)) + half) & mask) * size;
    const to = j * width;
    for (let i = 0; i < width; i++) pixels[to + i] = canvas[row + columns[i]!]!;
  }
};

/** Draws the actors with what events do to them; those with an event in this frame come last, on top. */
const drawActors = (plan: ClipPlan, frame: number, withEvents: boolean, pixels: Uint32Array): void => {
  const { width, height } = plan;
  const effects = plan.actors.map((_, a) => (withEvents ? effectAt(plan, a, frame) : noEffect()));
  const busy = plan.actors.map(
    (_, a) =>
      withEvents &&
      plan.events.some((event) => event.actor === a && frame >= event.startFrame && frame < event.endFrame),
  );
  for (let pass = 0; pass < 2; pass++)
    for (let a = 0; a < plan.actors.length; a++) {
      if (busy[a] !== (pass === 1)) continue;
      const effect = effects[a]!;
      if (!effect.visible) continue;
      const actor = plan.actors[a]!;
      const { x, y, zoom } = ordinaryState(plan, actor, frame);
      const shown = effect.colorOf < 0 ? actor.color : plan.events[effect.colorOf]!.color!;
      const level = (channel: number): number => (effect.white ? 255 : levelOf(shown, channel, actor.levels));
      if (effect.flick !== 0)
        drawBar(
          pixels,
          width,
          height,
          x + effect.dx,
          y + effect.dy,
          effect.flick * zoom,
          Math.max(3, 0.5 * actor.radius * zoom),
          250,
        );
      drawShape(
        pixels,
        width,
        height,
        actor.shape,
        actor.upsideDown,
        actor.radius * zoom * effect.scale,
        x + effect.dx,
        y + effect.dy,
        level(0),
        level(1),
        level(2),
      );
    }
};

/** Unpacks into red green blue bytes, adding noise; the array's own clamping keeps them in range. */
const unpack = (
  packed: Uint32Array,
  noise: Int8Array,
  noiseAt: number,
  to: Uint8ClampedArray,
  offset: number,
): void => {
  const mask = noiseLength - 1;
  let n = noiseAt;
  let o = offset;
  for (let i = 0; i < packed.length; i++) {
    const value = packed[i]!;
    to[o] = (value & 255) + noise[n & mask]!;
    to[o + 1] = ((value >> 8) & 255) + noise[(n + 1) & mask]!;
    to[o + 2] = ((value >> 16) & 255) + noise[(n + 2) & mask]!;
    n += 3;
    o += 3;
  }
};

/**
 * The pixels of a planned clip: uint8 [T, height, width, 3], red green blue, of all frames or of those named. Every
 * frame is a function of the plan and its number alone. With `withEvents` false: the clip in which nothing happens.
 */
export const renderClip = (
  plan: ClipPlan,
  frames?: readonly number[],
  withEvents: boolean = true,
): Uint8Array => {
  const wanted = frames ?? Array.from({ length: plan.frameCount }, (_, frame) => frame);
  const area = plan.width * plan.height;
  const result = new Uint8Array(wanted.length * area * 3);
  const clamped = new Uint8ClampedArray(result.buffer);
  const canvas = paintGround(plan);
  const size = canvasSize(plan.width, plan.height);
  const noise = noiseTable(plan);
  const picture = new Uint32Array(area);
  for (let i = 0; i < wanted.length; i++) {
    const frame = wanted[i]!;
    drawGround(plan, frame, canvas, size, picture);
    drawActors(plan, frame, withEvents, picture);
    // A step of two primes: neighbouring frames read far apart, no two of a clip the same place.
    const noiseAt = (plan.noise.seed + (frame + plan.frameOffset) * 5_791) % noiseLength;
    unpack(picture, noise, noiseAt, clamped, i * area * 3);
  }
  return result;
};
