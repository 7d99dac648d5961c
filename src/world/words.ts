/**
 * The closed language of the scripted world. Every caption, question and answer is made of these words only: lower
 * case, single spaces, punctuation as words of its own.
 */

/** Shapes, the easy ones first. */
export const shapes = ["square", "circle", "triangle", "cross", "diamond", "ring"] as const;
/** A shape's word. */
export type Shape = (typeof shapes)[number];

/** Actor colours: the corners of the colour cube without black and white, so a channel permutation maps them onto each other. */
export const colors = ["red", "green", "blue", "yellow", "cyan", "magenta"] as const;
/** A colour's word. */
export type Color = (typeof colors)[number];

/** Which channels (red, green, blue) are high in a colour. */
export const colorChannels: Readonly<Record<Color, readonly [number, number, number]>> = {
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
  yellow: [1, 1, 0],
  cyan: [0, 1, 1],
  magenta: [1, 0, 1],
};

/** Transient events, from easy to hard to tell apart; the words are both verbs and nouns. */
export const eventKinds = [
  "flash",
  "vanish",
  "hop",
  "swap",
  "shrink",
  "nudge",
  "flick",
  "grow",
  "dip",
  "twitch",
  "bump",
  "miss",
] as const;
/** An event's word. */
export type EventKind = (typeof eventKinds)[number];

/** Ordinary motion of an actor relative to the ground. */
export const motions = ["still", "left", "right", "up", "down", "orbit", "sway"] as const;
/** A motion's word. */
export type Motion = (typeof motions)[number];

/** Motion of the camera; "left" means that the scene slides to the right. */
export const cameraMotions = ["still", "left", "right", "up", "down", "in", "out", "shake"] as const;
/** A camera motion's word. */
export type CameraMotion = (typeof cameraMotions)[number];

/** Parts of the picture that an actor can be in, by the larger distance from the centre. */
export const places = ["left", "right", "top", "bottom"] as const;
/** A place's word. */
export type Place = (typeof places)[number];

/** Thirds of the clip. */
export const periods = ["early", "midway", "late"] as const;
/** A period's word. */
export type Period = (typeof periods)[number];

/** How often a repeated event happens: 1, 2, 3, 4 times. */
export const counts = ["one", "two", "three", "four"] as const;

/** Patterns of the ground. */
export const textures = ["plain", "striped", "checked", "dotted", "cloudy", "gridded"] as const;
/** A texture's word. */
export type Texture = (typeof textures)[number];

/** Brightness of the ground. */
export const shades = ["dark", "gray"] as const;
/** A shade's word. */
export type Shade = (typeof shades)[number];

/** Words of the sentence patterns in `captions.ts` and `questions.ts`. */
const grammar =
  "a an the at is with moves zooms shakes in out around sideways makes of it there then and time times camera ground on " +
  "what who which where when how many does do happens happen comes move shape color first last describe clip " +
  "event second third begins ends sudden . , ?";

/** Every word that any caption, question or answer can hold, sorted. */
export const worldVocabulary = (): string[] => {
  const words = new Set<string>(grammar.split(" "));
  for (const list of [
    shapes,
    colors,
    eventKinds,
    motions,
    cameraMotions,
    places,
    periods,
    counts,
    textures,
    shades,
  ])
    for (const word of list) words.add(word);
  return [...words].sort();
};
