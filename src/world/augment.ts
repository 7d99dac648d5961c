/**
 * Changes of a clip after which the words that describe it are known exactly: mirror images, a permutation of the
 * colour channels, playing backwards. They work on decoded pixels with the sample's words (what training does), and on
 * plans (what the tests compare that with). A shift in time needs other pixels, so it exists for plans only.
 */
import type { Random } from "../core/random.ts";
import { periodOf, quietFrames } from "./clip.ts";
import type { ActorPlan, ClipPlan, EventPlan } from "./plan.ts";
import { eventPlace, ordinaryState } from "./state.ts";
import { type Color, colorChannels, colors, type EventKind } from "./words.ts";

/** A channel permutation: output channel c shows input channel `channels[c]`. */
export type Channels = readonly [number, number, number];

/** What is done to a clip; every combination is possible. */
export interface Augmentation {
  /** Left and right exchanged. */
  readonly flipX: boolean;
  /** Top and bottom exchanged; see {@link canFlipY}. */
  readonly flipY: boolean;
  /** Played backwards. An absent twin must be built after this, or its frames come from the wrong side. */
  readonly reverse: boolean;
  readonly channels: Channels;
}

/** Every permutation of three channels. */
export const channelPermutations: readonly Channels[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

/** Upside down a hop is a dip: possible when nothing of the two happened or the world knows both. */
export const canFlipY = (kinds: readonly string[], happened: readonly string[]): boolean =>
  !(happened.includes("hop") || happened.includes("dip")) || (kinds.includes("hop") && kinds.includes("dip"));

/** A random augmentation of a clip in which `happened` happened, in a world that knows `kinds`. */
export const randomAugmentation = (
  random: Random,
  kinds: readonly string[],
  happened: readonly string[],
  options: { readonly reverse?: boolean } = {},
): Augmentation => ({
  flipX: random.next() < 0.5,
  flipY: random.next() < 0.5 && canFlipY(kinds, happened),
  reverse: random.next() < 0.5 && options.reverse === true,
  channels: random.pick(channelPermutations),
});

/** Pixels of the augmented clip, uint8 [T, height, width, 3]; `result` must not overlap `pixels`. */
export const augmentPixels = (
  pixels: Uint8Array,
  frames: number,
  width: number,
  height: number,
  augmentation: Augmentation,
  result: Uint8Array = new Uint8Array(pixels.length),
): Uint8Array => {
  const { flipX, flipY, reverse } = augmentation;
  const [c0, c1, c2] = augmentation.channels;
  const step = flipX ? -3 : 3;
  let to = 0;
  for (let t = 0; t < frames; t++) {
    const frame = (reverse ? frames - 1 - t : t) * height;
    for (let y = 0; y < height; y++) {
      let from = ((frame + (flipY ? height - 1 - y : y)) * width + (flipX ? width - 1 : 0)) * 3;
      for (let x = 0; x < width; x++) {
        result[to] = pixels[from + c0]!;
        result[to + 1] = pixels[from + c1]!;
        result[to + 2] = pixels[from + c2]!;
        to += 3;
        from += step;
      }
    }
  }
  return result;
};

/** The colour that a colour turns into. */
export const augmentColor = (color: Color, channels: Channels): Color => {
  const old = colorChannels[color];
  return colors.find((other) => colorChannels[other].every((level, c) => level === old[channels[c]!]))!;
};

const exchange = (word: string, a: string, b: string): string => (word === a ? b : word === b ? a : word);

/** What a word is about, where that decides how it changes. */
type Role = "place" | "motion" | "other";

const augmentWord = (word: string, role: Role, augmentation: Augmentation): string => {
  const { flipX, flipY, reverse, channels } = augmentation;
  let result = word;
  if (colors.includes(result as Color)) return augmentColor(result as Color, channels);
  const turned = reverse && role === "motion";
  if (flipX !== turned) result = exchange(result, "left", "right");
  if (flipY !== turned) result = exchange(result, "up", "down");
  if (turned) result = exchange(result, "in", "out");
  if (flipY) result = exchange(exchange(result, "top", "bottom"), "hop", "dip");
  if (reverse) result = exchange(exchange(result, "early", "late"), "first", "last");
  return result;
};

const motionBefore = new Set(["moves", "camera", "zooms"]);

/** Event sentences stand in order of time: backwards they change places. */
const reorderEvents = (sentences: readonly string[]): string[] => {
  const isEvent = (sentence: string): boolean => /^(early|midway|late|then) /.test(sentence);
  const events = sentences.filter(isEvent).reverse();
  return sentences.map((sentence) => (isEvent(sentence) ? events.shift()! : sentence));
};

/** A caption or question of the world, made true of the augmented clip. */
export const augmentText = (text: string, augmentation: Augmentation): string => {
  const words = text.split(" ");
  const changed = words.map((word, i) => {
    // The "in" of "moves in an orbit" is no camera word.
    const inPhrase = word === "in" && words[i + 1] === "an";
    const role: Role = inPhrase ? "other" : motionBefore.has(words[i - 1] ?? "") ? "motion" : "place";
    return augmentWord(word, role, augmentation);
  });
  if (!augmentation.reverse) return changed.join(" ");
  const sentences = changed.join(" ").split(/(?<= [.?]) /);
  return reorderEvents(sentences).join(" ");
};

/** A question with its answer and options, made true of the augmented clip. */
export const augmentQuestion = <
  Q extends { readonly question: string; readonly answer: string; readonly options?: readonly string[] },
>(
  question: Q,
  augmentation: Augmentation,
): Q => {
  const single = (word: string): string =>
    augmentWord(word, question.question.startsWith("how does") ? "motion" : "place", augmentation);
  const answer = question.answer.includes(" ")
    ? augmentText(question.answer, augmentation)
    : single(question.answer);
  return {
    ...question,
    question: augmentText(question.question, augmentation),
    answer,
    ...(question.options === undefined ? {} : { options: question.options.map(single) }),
  };
};

const augmentActor = (plan: ClipPlan, actor: ActorPlan, augmentation: Augmentation): ActorPlan => {
  const { flipX, flipY, reverse } = augmentation;
  const time = reverse ? -1 : 1;
  const orbits = actor.motion === "orbit";
  // An orbit mirrored at the horizontal axis turns the other way from the opposite phase.
  const turn = orbits && flipY ? -1 : 1;
  return {
    ...actor,
    color: augmentColor(actor.color, augmentation.channels),
    upsideDown: actor.upsideDown !== flipY,
    motion: augmentWord(actor.motion, "motion", augmentation) as ActorPlan["motion"],
    x: flipX ? plan.width - actor.x : actor.x,
    y: flipY ? plan.height - actor.y : actor.y,
    vx: actor.vx * time * (flipX ? -1 : 1),
    vy: actor.vy * time * (flipY ? -1 : 1),
    amplitude: flipX ? -actor.amplitude : actor.amplitude,
    rate: actor.rate * time * turn,
    phase: actor.phase * turn,
  };
};

const augmentEvent = (plan: ClipPlan, event: EventPlan, augmentation: Augmentation): EventPlan => {
  const { flipX, flipY, reverse } = augmentation;
  const startFrame = reverse ? plan.frameCount - event.endFrame : event.startFrame;
  const endFrame = reverse ? plan.frameCount - event.startFrame : event.endFrame;
  const { period: _, ...rest } = event;
  const period = periodOf(startFrame, endFrame, plan.frameCount);
  // A miss passes on one hand of its way: either mirror image changes hands.
  const changesSide = event.what === "miss" ? flipX !== flipY : flipX;
  return {
    ...rest,
    what: augmentWord(event.what, "other", augmentation) as EventKind,
    startFrame,
    endFrame,
    side: changesSide ? (event.side === 1 ? -1 : 1) : event.side,
    backwards: event.backwards !== reverse,
    ...(event.color === undefined ? {} : { color: augmentColor(event.color, augmentation.channels) }),
    ...(period === undefined ? {} : { period }),
  };
};

const withPlaces = (plan: ClipPlan): ClipPlan => ({
  ...plan,
  events: plan.events.map((event) => ({ ...event, place: eventPlace(plan, event) })),
});

/** The plan whose rendering is the augmented rendering of `plan` (up to rounding and the noise's own pattern). */
export const augmentPlan = (plan: ClipPlan, augmentation: Augmentation): ClipPlan => {
  const { flipX, flipY, reverse, channels } = augmentation;
  const { camera, ground } = plan;
  const time = reverse ? -1 : 1;
  const events = plan.events.map((event) => augmentEvent(plan, event, augmentation));
  return withPlaces({
    ...plan,
    frameOffset: reverse ? -plan.frameOffset : plan.frameOffset,
    actors: plan.actors.map((actor) => augmentActor(plan, actor, augmentation)),
    camera: {
      ...camera,
      motion: augmentWord(camera.motion, "motion", augmentation) as ClipPlan["camera"]["motion"],
      dx: camera.dx * time * (flipX ? -1 : 1),
      dy: camera.dy * time * (flipY ? -1 : 1),
      zoom: camera.zoom * time,
      shakeX: flipX ? -camera.shakeX : camera.shakeX,
      shakeY: flipY ? -camera.shakeY : camera.shakeY,
      rate: camera.rate * time,
    },
    ground: {
      ...ground,
      base: [ground.base[channels[0]]!, ground.base[channels[1]]!, ground.base[channels[2]]!],
      flipX: ground.flipX !== flipX,
      flipY: ground.flipY !== flipY,
    },
    events: reverse ? events.reverse() : events,
  });
};

/**
 * The same world seen `frames` frames later (negative: earlier). Undefined when an event would come too close to the
 * ends or lie across thirds where it did not, or an actor would leave the picture.
 */
export const shiftPlan = (plan: ClipPlan, frames: number): ClipPlan | undefined => {
  const quiet = quietFrames(plan.framesPerSecond);
  const events: EventPlan[] = [];
  for (const event of plan.events) {
    const startFrame = event.startFrame - frames;
    const endFrame = event.endFrame - frames;
    if (startFrame < quiet || endFrame > plan.frameCount - quiet) return undefined;
    const period = periodOf(startFrame, endFrame, plan.frameCount);
    if (event.period !== undefined && period === undefined) return undefined;
    const { period: _, ...rest } = event;
    events.push({ ...rest, startFrame, endFrame, ...(period === undefined ? {} : { period }) });
  }
  const shifted: ClipPlan = { ...plan, frameOffset: plan.frameOffset + frames, events };
  for (const actor of plan.actors)
    for (let frame = 0; frame < plan.frameCount; frame++) {
      const { x, y } = ordinaryState(shifted, actor, frame);
      if (x < 0 || y < 0 || x > plan.width || y > plan.height) return undefined;
    }
  return withPlaces(shifted);
};
