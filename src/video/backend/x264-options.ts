import type { EncoderSettings } from "./backend.ts";

/**
 * x264 through FFmpeg's wrapper: names that both the library and the command line take. `mbtree` stays off: with it
 * the same frames gave different bytes from run to run on one thread (its vector code; 20 equal of 20 without it).
 */
export const x264Options = (settings: EncoderSettings): Readonly<Record<string, string>> => {
  const common = { preset: settings.preset, "forced-idr": "1", g: String(settings.gop) };
  if (!settings.independentGroups)
    return { ...common, crf: String(settings.crf), "x264-params": "threads=1:mbtree=0" };
  const alone = "threads=1:mbtree=0:scenecut=0:b-adapt=0:rc-lookahead=0:sync-lookahead=0:open-gop=0";
  return { ...common, qp: String(settings.crf), "x264-params": alone };
};
