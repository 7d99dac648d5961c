import { VideoError } from "../../core/errors.ts";
import type { Backend, ClipIndex } from "../backend/backend.ts";
import { displayedSize, durationOf, timelineOf, uprightSize } from "../clip-info.ts";
import { resizedChain, rgbChain, zscaleTakes } from "../filter-chain.ts";
import { wantedSize } from "../frame-size.ts";
import type { VideoLimits } from "../limits.ts";
import type { FrameRequest } from "../request.ts";
import { resolveRequest } from "../resolve-request.ts";
import { type Emit, FramePlacer } from "./frame-placer.ts";

/**
 * Decodes, turns, resizes and sends the frames of a request. Gives the faults that were found on the way.
 * @throws {VideoError} when none of the frames can be decoded
 */
export const framesJob = async (
  backend: Pick<Backend, "decode" | "appliesFilters">,
  clip: ClipIndex,
  request: FrameRequest,
  threads: number,
  limits: VideoLimits,
  emit: Emit,
  alive: () => void,
): Promise<{ faults: readonly string[] }> => {
  const timeline = timelineOf(clip);
  const targets = resolveRequest(request, timeline, durationOf(clip));
  if (targets.length === 0) return { faults: [] };
  const upright = uprightSize(clip);
  const size = wantedSize(displayedSize(clip), request.size);
  const { colour, orientation, codec } = clip.facts;
  const stays = size.width === upright.width && size.height === upright.height;
  const fits = backend.appliesFilters && zscaleTakes(colour, clip.facts.codedWidth, clip.facts.codedHeight);
  const inDecoder = request.resizer === "zscale" && !stays && fits;
  const chain = inDecoder
    ? resizedChain(colour, orientation, size.width, size.height)
    : rgbChain(colour, orientation);
  const placer = new FramePlacer(targets, size, timeline, emit);
  const { width, height } = inDecoder ? size : upright;
  const deliver = placer.place.bind(placer);
  try {
    const outcome = await backend.decode(
      clip,
      { targets, chain, width, height, threads, alive, deliver },
      limits,
    );
    if (placer.empty)
      throw new VideoError("no frame can be decoded", {
        where: clip.file,
        got: `${targets.length} of ${timeline.length} frames of ${codec} asked for, none decoded`,
      });
    const missing = await placer.finish();
    const faults = [...outcome.faults];
    if (missing > 0) faults.push(`${missing} frames could not be decoded`);
    return { faults };
  } finally {
    placer.close();
  }
};
