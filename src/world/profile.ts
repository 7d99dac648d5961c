import { z } from "zod";
import { ConfigError, UnknownNameError } from "../core/errors.ts";
import { nearestName } from "../core/nearest.ts";
import { explainZod } from "../core/registry.ts";
import {
  type CameraMotion,
  cameraMotions,
  type EventKind,
  eventKinds,
  type Motion,
  motions,
  type Shape,
  shapes,
  type Texture,
  textures,
} from "./words.ts";

const rangeSchema = z.tuple([z.number(), z.number()]).refine(([low, high]) => low <= high, "low <= high");

/** Everything that decides what clips of a world look like; sizes in pixels, times in frames or seconds as named. */
export interface WorldProfile {
  readonly name: string;
  /** 0: learnable in minutes from nothing; 1: hard for the full method. */
  readonly difficulty: number;
  /** Multiples of 28 (two vision patches). */
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number;
  /** Range of clip lengths. */
  readonly seconds: readonly [number, number];
  /** Range of the number of actors. */
  readonly actors: readonly [number, number];
  /** Range of an actor's radius as a share of the picture's shorter side. */
  readonly radius: readonly [number, number];
  /** Range of an event's length in frames. */
  readonly eventFrames: readonly [number, number];
  readonly kinds: readonly EventKind[];
  readonly shapes: readonly Shape[];
  readonly motions: readonly Motion[];
  readonly cameras: readonly CameraMotion[];
  readonly textures: readonly Texture[];
  /** Range of the distance an actor travels in a clip, as a share of the shorter side. */
  readonly travel: readonly [number, number];
  /** Range of the camera's travel in a clip, as a share of the shorter side. */
  readonly pan: readonly [number, number];
  /** Largest deviation of a noisy pixel, in levels of 255. */
  readonly noise: number;
  /** Contrast of the ground's pattern, in levels of 255. */
  readonly contrast: number;
  /** Largest colour cast of the ground, in levels of 255. */
  readonly tint: number;
  /** Clips of each kind in every 20: one event, two events in order, one event repeated. */
  readonly mix: readonly [number, number, number];
  /** Most repetitions of a repeated event. */
  readonly repetitions: number;
  /** `short` leaves out articles; `full` is plain English. */
  readonly captions: "short" | "full";
}

/** Checks a profile that came from outside. */
export const profileSchema: z.ZodType<WorldProfile> = z.strictObject({
  name: z.string(),
  difficulty: z.number().min(0).max(1),
  width: z.number().int().multipleOf(28).min(56).max(448),
  height: z.number().int().multipleOf(28).min(56).max(448),
  framesPerSecond: z.number().min(8).max(60),
  seconds: rangeSchema.refine(([low, high]) => low >= 4 && high <= 8, "clips last 4 to 8 seconds"),
  actors: rangeSchema.refine(([low, high]) => low >= 2 && high <= 5, "2 to 5 actors"),
  radius: rangeSchema.refine(([low, high]) => low >= 0.05 && high <= 0.2, "0.05 to 0.2 of the shorter side"),
  eventFrames: rangeSchema.refine(([low]) => low >= 2, "events last at least 2 frames"),
  kinds: z.array(z.enum(eventKinds)).min(3),
  shapes: z.array(z.enum(shapes)).min(4),
  motions: z.array(z.enum(motions)).min(2),
  cameras: z.array(z.enum(cameraMotions)).min(2),
  textures: z.array(z.enum(textures)).min(1),
  travel: rangeSchema.refine(([low, high]) => low > 0 && high <= 0.4, "0 to 0.4 of the shorter side"),
  pan: rangeSchema.refine(([low, high]) => low > 0 && high <= 0.3, "0 to 0.3 of the shorter side"),
  noise: z.number().min(0).max(40),
  contrast: z.number().min(0).max(60),
  tint: z.number().min(0).max(50),
  mix: z
    .tuple([z.number().int(), z.number().int(), z.number().int()])
    .refine(
      (mix) => mix.every((share) => share >= 0) && mix[0] + mix[1] + mix[2] === 20,
      "three shares that add up to 20",
    ),
  repetitions: z.number().int().min(2).max(4),
  captions: z.enum(["short", "full"]),
});

const between = (d: number, easy: number, hard: number): number => easy + (hard - easy) * d;
/** Two decimals more than any of these numbers needs; keeps stored profiles readable. */
const tidy = (value: number): number => Math.round(value * 10_000) / 10_000;

const smallest = { width: 56, height: 56, seconds: [4, 4], captions: "short", difficulty: 0 } as const;
const sizes = {
  quickstart: smallest,
  "one-way": smallest,
  standard: { width: 112, height: 112, seconds: [4, 6], captions: "full", difficulty: 0.5 },
  wide: { width: 168, height: 112, seconds: [4, 8], captions: "full", difficulty: 0.7 },
} as const;

/**
 * What a profile has in place of what its difficulty says. "one-way": actors go down or to the right, and far, and the camera
 * rests or comes nearer, so that any two frames tell which is the earlier one.
 */
const moving: Readonly<Record<string, Partial<WorldProfile>>> = {
  "one-way": { motions: ["down", "right"], cameras: ["still", "in"], travel: [0.36, 0.4] },
};

/** Names of the built-in profiles. */
export const profileNames = (): string[] => Object.keys(sizes);

/**
 * A built-in profile at a difficulty (its own when left out), with single fields replaced by `overrides`.
 * @throws {UnknownNameError} for a name that is not built in
 * @throws {ConfigError} when a field is out of range
 */
export const worldProfile = (
  name: string,
  difficulty?: number,
  overrides: Partial<WorldProfile> = {},
): WorldProfile => {
  if (!Object.hasOwn(sizes, name))
    throw new UnknownNameError("world profile", name, profileNames(), nearestName(name, profileNames()));
  const size = sizes[name as keyof typeof sizes];
  const d = difficulty ?? size.difficulty;
  if (!(d >= 0 && d <= 1))
    throw new ConfigError("difficulty out of range", { expected: "a number from 0 to 1", got: String(d) });
  const small = Math.min(size.width, size.height) < 112 ? 1.25 : 1;
  const profile: WorldProfile = {
    name,
    ...size,
    difficulty: d,
    framesPerSecond: 25,
    actors: d < 0.3 ? [2, 2] : d < 0.6 ? [2, 3] : [3, small > 1 ? 3 : 5],
    radius: [tidy(between(d, 0.15, 0.075 * small)), tidy(between(d, 0.17, 0.1 * small))],
    eventFrames: [Math.round(between(d, 8, 3)), Math.round(between(d, 16, 7))],
    kinds: eventKinds.slice(0, d < 0.25 ? 5 : d < 0.6 ? 9 : 12),
    shapes: shapes.slice(0, d < 0.4 ? 4 : 6),
    motions: motions.slice(0, d < 0.4 ? 5 : 7),
    cameras: cameraMotions.slice(0, d < 0.4 ? 5 : d < 0.6 ? 7 : 8),
    textures: textures.slice(0, d < 0.25 ? 4 : 6),
    travel: [tidy(between(d, 0.16, 0.12)), tidy(between(d, 0.22, 0.3))],
    pan: [tidy(between(d, 0.12, 0.08)), tidy(between(d, 0.16, 0.2))],
    noise: Math.round(between(d, 3, 16)),
    contrast: Math.round(between(d, 16, 44)),
    tint: Math.round(between(d, 14, 40)),
    mix: d < 0.25 ? [16, 2, 2] : [12, 4, 4],
    repetitions: d < 0.5 ? 3 : 4,
    ...moving[name],
    ...overrides,
  };
  const checked = profileSchema.safeParse(profile);
  if (!checked.success)
    throw new ConfigError("bad world profile", { where: name, got: explainZod(checked.error) });
  return checked.data;
};
