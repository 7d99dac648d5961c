import { type Define, definer, folderRegistry, type Plugin, type Registry } from "../core/registry.ts";
import type { Backend } from "./backend/backend.ts";
import type { DecoderIdentity } from "./types.ts";

/** A way to decode and to write clips, before anything of it is loaded. */
export interface Decoder {
  /**
   * Called in a worker process, once.
   *
   * @throws {UnsupportedError} when it is not installed here
   */
  load(): Promise<Backend>;
}

/** A decoder's file: `decoders/<name>.ts`. */
export type DecoderPlugin = Plugin<Decoder>;

/** Declares a decoder. */
export const defineDecoder: Define<DecoderPlugin> = definer("decoder");

/** Every decoder, by file name. */
export const videoDecoders: Registry<DecoderPlugin> = folderRegistry<DecoderPlugin>(
  "decoder",
  new URL("./decoders/", import.meta.url),
);

/** Those that "auto" tries, in this order. */
export const usualDecoders: readonly string[] = ["node-av", "ffmpeg"];

/** A decoder that is ready to work. */
export interface LoadedDecoder {
  readonly backend: Backend;
  readonly identity: DecoderIdentity;
}

/**
 * Loads a decoder into this process, which should be a worker's.
 *
 * @param chosen NAME, or NAME:key=value,key=value
 * @throws {UnsupportedError} when it is not installed here
 */
export const loadDecoder = async (chosen: string): Promise<LoadedDecoder> => {
  const { value, recipe } = await videoDecoders.choose(chosen);
  const backend = await value.load();
  // What was decoded with other parameters is something else: they are part of the version.
  const params = Object.entries(recipe.params).map(([key, told]) => `${key}=${JSON.stringify(told)}`);
  return { backend, identity: { name: recipe.name, version: [backend.version, ...params].join(" ") } };
};
