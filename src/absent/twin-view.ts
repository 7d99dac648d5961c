import { ConfigError } from "../core/errors.ts";
import type { MadeBy } from "../core/registry.ts";
import { absentBuilders, type PixelOperation } from "./builders.ts";
import type { Replacement } from "./pair.ts";

/** What the twin shows in the place of one frame of the complete clip. */
export interface TwinFrame {
  /** Index of the complete clip's frame whose picture is shown. */
  readonly source: number;
  /** What is done to that picture; null: nothing. */
  readonly pixels: PixelOperation | null;
}

/** The only answer to "what does the twin show": made by {@link twinView}, read by everything that shows a twin. */
export interface TwinView {
  /** What stands at frame `index` of the clip; the frame itself where the twin changes nothing. */
  at(index: number): TwinFrame;
  /** True where the twin shows something else than the complete clip. */
  changes(index: number): boolean;
  /** Indices of the changed frames, ascending. */
  readonly changed: readonly number[];
  /** What is done to the picture of every changed frame; null: nothing. */
  readonly pixels: PixelOperation | null;
}

/** What says how a twin differs from its complete clip: a `Pair`, or the `absent` part of a sample. */
export interface TwinRecord {
  readonly replacements: readonly Replacement[];
  readonly builder: MadeBy;
}

/**
 * The view of a twin whose builder is at hand.
 *
 * @throws {ConfigError} when a frame is declared to show itself and nothing is done to its picture
 */
export const twinViewOf = (
  replacements: readonly Replacement[],
  pixels: PixelOperation | undefined = undefined,
): TwinView => {
  const sources = new Map<number, number>();
  for (const { index, from } of replacements) {
    if (index === from && pixels === undefined)
      throw new ConfigError("a twin that changes nothing where it says that it does", {
        where: `frame ${index}`,
        expected: "another frame, or a builder that changes the picture (mask)",
        got: `frame ${from}`,
      });
    sources.set(index, from);
  }
  return {
    at: (index) => {
      const source = sources.get(index);
      return source === undefined ? { source: index, pixels: null } : { source, pixels: pixels ?? null };
    },
    changes: (index) => sources.has(index),
    changed: [...sources.keys()].sort((a, b) => a - b),
    pixels: pixels ?? null,
  };
};

/**
 * The view of a pair, or of a sample's twin, with its builder's pixel operation.
 *
 * @throws {UnknownNameError} for a builder that is not there
 * @throws {ConfigError} for a builder's bad parameters, or a twin that changes nothing where it says that it does
 */
export const twinView = async ({ replacements, builder }: TwinRecord): Promise<TwinView> => {
  const made = await absentBuilders.make(builder.name, builder.params);
  return twinViewOf(replacements, made.value.pixels);
};

/** The view of a twin of which only some frames, by index, are at hand. */
export const viewOfHeld = (view: TwinView, held: ReadonlySet<number>): TwinView => ({
  ...view,
  changed: view.changed.filter((index) => held.has(index)),
});

/** The picture of a twin's frame: `picture` itself (rgb24 of the source), or a changed copy of it. */
export const shownPicture = (
  { pixels }: TwinFrame,
  picture: Uint8Array,
  width: number,
  height: number,
): Uint8Array => {
  if (pixels === null) return picture;
  const changed = Uint8Array.from(picture);
  pixels(changed, width, height);
  return changed;
};
