import { UnsupportedError } from "../src/core/errors.ts";
import {
  type DecoderChoice,
  openVideoService,
  type VideoService,
  type VideoServiceOptions,
} from "../src/video/service.ts";

/** A service with one decoder; undefined, and said aloud, where that is not installed. */
export const openDecoder = async (
  name: string,
  options: Omit<VideoServiceOptions, "decoder"> = {},
): Promise<VideoService | undefined> => {
  const service = openVideoService({ ...options, decoder: name as DecoderChoice });
  try {
    await service.decoder();
    return service;
  } catch (error) {
    await service.close();
    if (!(error instanceof UnsupportedError)) throw error;
    console.log(`\nSKIPPED: decoder ${name}: ${error.message}\n`);
    return undefined;
  }
};
