import { type Random, seededRandom } from "../core/random.ts";
import { balancedGroup, balancedPick, type WorldSeed } from "./balance.ts";
import { eventAmount } from "./events.ts";
import { layOut } from "./layout.ts";
import type { ActorPlan, CameraPlan, ClipPlan, EventPlan, GroundPlan } from "./plan.ts";
import type { WorldProfile } from "./profile.ts";
import {
  type CameraMotion,
  type Color,
  colors,
  counts,
  type EventKind,
  type Motion,
  type Period,
  type Place,
  periods,
  places,
  shades,
} from "./words.ts";

const within = (random: Random, range: readonly [number, number]): number =>
  range[0] + (range[1] - range[0]) * random.next();
const wholeWithin = (random: Random, range: readonly [number, number]): number =>
  range[0] + random.integer(range[1] - range[0] + 1);

/** Frames at either end that stay free of events: a sampled frame before and after, down to 3 frames a second. */
export const quietFrames = (framesPerSecond: number): number => Math.ceil(framesPerSecond / 3);

/** The third that the half-open span [start, end) lies in as a whole, if it does. */
export const periodOf = (start: number, end: number, frameCount: number): Period | undefined => {
  for (let third = 0; third < 3; third++)
    if (start >= Math.round((third * frameCount) / 3) && end <= Math.round(((third + 1) * frameCount) / 3))
      return periods[third];
  return undefined;
};

/** A span of `length` frames inside a third of the clip and outside its quiet ends. */
const spanIn = (
  random: Random,
  third: number,
  length: number,
  frameCount: number,
  quiet: number,
): [number, number] => {
  const from = Math.max(quiet, Math.round((third * frameCount) / 3));
  const to = Math.min(frameCount - quiet, Math.round(((third + 1) * frameCount) / 3));
  const used = Math.min(length, to - from);
  const start = from + random.integer(to - from - used + 1);
  return [start, start + used];
};

/** `number` spans with a sampled frame of quiet between them, spread over the clip. */
const repeatedSpans = (
  random: Random,
  number: number,
  length: number,
  frameCount: number,
  quiet: number,
): [number, number][] => {
  const slack = frameCount - 2 * quiet - number * length - (number - 1) * quiet;
  const cuts = Array.from({ length: number }, () => random.integer(slack + 1)).sort((a, b) => a - b);
  return cuts.map((cut, i) => {
    const start = quiet + cut + i * (length + quiet);
    return [start, start + length];
  });
};

const planCamera = (
  random: Random,
  profile: WorldProfile,
  motion: CameraMotion,
  frameCount: number,
): CameraPlan => {
  const pan = (within(random, profile.pan) * Math.min(profile.width, profile.height)) / frameCount;
  const growth = Math.log(1 + within(random, profile.pan)) / frameCount;
  const shake = within(random, profile.pan) * Math.min(profile.width, profile.height) * 0.2;
  const angle = random.next() * 2 * Math.PI;
  return {
    motion,
    dx: motion === "left" ? -pan : motion === "right" ? pan : 0,
    dy: motion === "up" ? -pan : motion === "down" ? pan : 0,
    zoom: motion === "in" ? growth : motion === "out" ? -growth : 0,
    shakeX: motion === "shake" ? shake * Math.cos(angle) : 0,
    shakeY: motion === "shake" ? shake * Math.sin(angle) : 0,
    rate: motion === "shake" ? (2 * Math.PI * (2 + 2 * random.next())) / profile.framesPerSecond : 0,
    phase: motion === "shake" ? random.next() * 2 * Math.PI : 0,
  };
};

const planGround = (random: Random, profile: WorldProfile): GroundPlan => {
  const shade = random.pick(shades);
  const brightness = shade === "dark" ? 30 + random.integer(20) : 95 + random.integer(25);
  const cast = (): number => Math.max(4, brightness + Math.round((2 * random.next() - 1) * profile.tint));
  return {
    texture: random.pick(profile.textures),
    shade,
    base: [cast(), cast(), cast()],
    contrast: Math.round(profile.contrast * (0.6 + 0.4 * random.next())),
    period: 7 + random.integer(8),
    direction: random.integer(4),
    seed: random.integer(2 ** 31),
    flipX: false,
    flipY: false,
  };
};

const planMotion = (
  random: Random,
  profile: WorldProfile,
  motion: Motion,
  frameCount: number,
): Pick<ActorPlan, "motion" | "vx" | "vy" | "amplitude" | "rate" | "phase"> => {
  const speed = (within(random, profile.travel) * Math.min(profile.width, profile.height)) / frameCount;
  const swings = motion === "orbit" || motion === "sway";
  const turns = (motion === "orbit" ? 1 : 1.5) * (0.8 + 0.4 * random.next());
  return {
    motion,
    vx: motion === "left" ? -speed : motion === "right" ? speed : 0,
    vy: motion === "up" ? -speed : motion === "down" ? speed : 0,
    amplitude: swings ? (speed * frameCount * 0.4 + 1) * (random.next() < 0.5 ? -1 : 1) : 0,
    rate: swings ? ((2 * Math.PI * turns) / frameCount) * (random.next() < 0.5 ? -1 : 1) : 0,
    phase: swings ? random.next() * 2 * Math.PI : 0,
  };
};

interface Story {
  readonly kinds: readonly EventKind[];
  readonly spans: readonly (readonly [number, number])[];
  /** Place of each event where one is wished. */
  readonly places: readonly (Place | undefined)[];
  /** For each event: the first actor or another one. */
  readonly sameActor: readonly boolean[];
}

/** What happens, answers first: every answer a question will have is drawn from a balanced block. */
const planStory = (
  random: Random,
  seed: WorldSeed,
  profile: WorldProfile,
  story: ClipPlan["story"],
  rank: number,
  frameCount: number,
): Story => {
  const draw = <T>(purpose: string, options: readonly T[]): T =>
    balancedPick(seed, `${story}/${purpose}`, rank, options);
  const quiet = quietFrames(profile.framesPerSecond);
  const length = (): number => wholeWithin(random, profile.eventFrames);
  const kind = draw("what", profile.kinds);
  if (story === "single") {
    const third = periods.indexOf(draw("when", periods));
    return {
      kinds: [kind],
      spans: [spanIn(random, third, length(), frameCount, quiet)],
      places: [draw("where", places)],
      sameActor: [true],
    };
  }
  if (story === "order") {
    // One shift for a whole block of first events: then the second ones are balanced over the block, too.
    const shifts = profile.kinds.slice(1).map((_, s) => s + 1);
    const block = Math.floor(rank / profile.kinds.length);
    const shift = balancedPick(seed, `${story}/shift`, block, shifts);
    const second = profile.kinds[(profile.kinds.indexOf(kind) + shift) % profile.kinds.length]!;
    const [from, to] = random.pick([
      [0, 1],
      [0, 2],
      [1, 2],
    ] as const);
    const first = spanIn(random, from, length(), frameCount, quiet);
    let next = spanIn(random, to, length(), frameCount, quiet);
    if (next[0] - first[1] < quiet) next = [first[1] + quiet, first[1] + quiet + next[1] - next[0]];
    return {
      kinds: [kind, second],
      spans: [first, next],
      places: [undefined, undefined],
      sameActor: [true, random.next() < 0.5],
    };
  }
  const number = counts.indexOf(draw("count", counts.slice(0, profile.repetitions))) + 1;
  const longest = Math.floor((frameCount - (number + 1) * quiet) / number);
  const each = Math.min(length(), longest);
  return {
    kinds: Array.from({ length: number }, () => kind),
    spans: repeatedSpans(random, number, each, frameCount, quiet),
    places: Array.from({ length: number }, () => undefined),
    sameActor: Array.from({ length: number }, () => true),
  };
};

/**
 * The plan of clip `index` of the world `seed`: a pure function of its arguments. Answers of closed questions are
 * exactly balanced over whole blocks of consecutive indices (`balance.ts`).
 */
export const planClip = (seed: WorldSeed, index: number, profile: WorldProfile): ClipPlan => {
  const random = seededRandom("world", seed, "clip", index);
  const { group, rank } = balancedGroup(seed, "story", index, profile.mix);
  const story = (["single", "order", "repeat"] as const)[group]!;
  const frameCount = Math.round(within(random, profile.seconds) * profile.framesPerSecond);
  const told = planStory(random.fork("story"), seed, profile, story, rank, frameCount);
  const looks = random.fork("looks");
  const actorCount = wholeWithin(looks, profile.actors);
  // The position of the event's actor in lists must say nothing, so it is drawn too.
  const hero = looks.integer(actorCount);
  const heroColor: Color = balancedPick(seed, `${story}/who`, rank, colors);
  const heroShape = balancedPick(seed, `${story}/shape`, rank, profile.shapes);
  const otherColors = looks.shuffled(colors.filter((color) => color !== heroColor));
  // All different where there are enough: a shape that stands twice would not be the hero's.
  const otherShapes = looks.shuffled(profile.shapes.filter((shape) => shape !== heroShape));
  const askedActor = looks.integer(actorCount);
  const askedMotion = balancedPick(seed, "motion", index, profile.motions);
  const side = Math.min(profile.width, profile.height);
  const actors: ActorPlan[] = [];
  for (let a = 0; a < actorCount; a++) {
    const motion = a === askedActor ? askedMotion : looks.pick(profile.motions);
    actors.push({
      color: a === hero ? heroColor : otherColors.pop()!,
      levels: [215 + looks.integer(36), 10 + looks.integer(26)],
      shape: a === hero ? heroShape : otherShapes[(a < hero ? a : a - 1) % otherShapes.length]!,
      radius: within(looks, profile.radius) * side,
      upsideDown: looks.next() < 0.5,
      ...planMotion(looks, profile, motion, frameCount),
      x: profile.width / 2,
      y: profile.height / 2,
    });
  }
  const others = actors.map((_, a) => a).filter((a) => a !== hero);
  const second = looks.pick(others);
  const spare = otherColors.length > 0 ? otherColors : [heroColor];
  const events: EventPlan[] = told.kinds.map((what, e): EventPlan => {
    const actor = told.sameActor[e]! ? hero : second;
    const [startFrame, endFrame] = told.spans[e]!;
    const period = periodOf(startFrame, endFrame, frameCount);
    return {
      what,
      actor,
      ...(what === "bump" || what === "miss" ? { other: actor === hero ? second : hero } : {}),
      startFrame,
      endFrame,
      amount: eventAmount(what, actors[actor]!.radius),
      side: looks.next() < 0.5 ? -1 : 1,
      ...(what === "swap" ? { color: looks.pick(spare) } : {}),
      backwards: false,
      ...(period === undefined ? {} : { period }),
      place: "left",
    };
  });
  const draft: ClipPlan = {
    seed,
    index,
    profile,
    story,
    rank,
    width: profile.width,
    height: profile.height,
    framesPerSecond: profile.framesPerSecond,
    frameCount,
    frameOffset: 0,
    actors,
    camera: planCamera(
      random.fork("camera"),
      profile,
      balancedPick(seed, "camera", index, profile.cameras),
      frameCount,
    ),
    ground: planGround(random.fork("ground"), profile),
    noise: { amplitude: profile.noise, seed: looks.integer(2 ** 31) },
    events,
    askedActor,
  };
  return layOut(draft, random.fork("layout"), told.places);
};
