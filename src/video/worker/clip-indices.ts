import { statSync } from "node:fs";
import type { Backend, ClipIndex } from "../backend/backend.ts";
import { openClip } from "../backend/open-clip.ts";
import type { VideoLimits } from "../limits.ts";
import type { KeptIndex } from "../protocol.ts";
import { keepIndex, keptIndex } from "./index-file.ts";

/** Bytes of packet tables that are kept. */
const keptBytes = 64 << 20;

const bytesOf = ({ packets, frames }: ClipIndex): number =>
  packets.pts.byteLength * 4 +
  packets.flags.byteLength +
  frames.pts.byteLength +
  frames.packet.byteLength +
  1000;

/** The indices of clips seen lately, so that several requests for one clip read its packets once. */
export class ClipIndices {
  #kept = new Map<string, ClipIndex>();
  #bytes = 0;
  /** The clip's index; read again when the file changed. `place`: where it is kept for other processes. */
  async open(
    backend: Backend,
    file: string,
    place: KeptIndex | undefined,
    limits: VideoLimits,
    alive: () => void,
  ): Promise<ClipIndex> {
    const { size, mtimeMs, ino } = statSync(file);
    const key = `${file}\0${size}\0${mtimeMs}\0${ino}`;
    let clip = this.#kept.get(key);
    if (clip === undefined) {
      clip = place === undefined ? undefined : keptIndex(file, place, limits);
      if (clip === undefined) {
        clip = await openClip(backend, file, limits, alive);
        if (place !== undefined) keepIndex(clip, place);
      }
      this.#bytes += bytesOf(clip);
    } else this.#kept.delete(key);
    this.#kept.set(key, clip);
    for (const [old, kept] of this.#kept) {
      if (this.#bytes <= keptBytes || old === key) break;
      this.#kept.delete(old);
      this.#bytes -= bytesOf(kept);
    }
    return clip;
  }
}
