import type { PictureSize } from "../frame-size.ts";
import type { FrameTable } from "../frame-table.ts";
import type { SizeChange } from "./backend.ts";
import { type PacketReader, packetReader, unitLengthIn } from "./packet-content.ts";
import { type SizeReader, sizeReader } from "./picture-size.ts";

/** Whether {@link PacketScan} reads anything in packets of a codec. */
export const codecTells = (codec: string): boolean =>
  ["h264", "hevc", "mpeg1video", "mpeg2video", "vp8", "vp9", "av1", "mjpeg"].includes(codec);

/** Notes sizes that differ from the one before. */
export class SizeChanges {
  readonly #stored: PictureSize;
  #size: PictureSize | undefined;
  readonly changes: { readonly at: number; readonly width: number; readonly height: number }[] = [];
  /** @param stored the size that the container says */
  constructor(stored: PictureSize) {
    this.#stored = stored;
  }
  /** Packet or frame `at` has this size. Interlaced pictures and the like tell another than the container from the first on. */
  add(at: number, size: PictureSize): void {
    const before = this.#size ?? (at === 0 ? size : this.#stored);
    this.#size = { width: size.width, height: size.height };
    if (size.width !== before.width || size.height !== before.height)
      this.changes.push({ at, ...this.#size });
  }
}

/** What the packets of a stream tell by their bytes, taken in order. */
export class PacketScan {
  readonly #flags: PacketReader;
  readonly #size: SizeReader;
  readonly #changes: SizeChanges;
  constructor(codec: string, extradata: Uint8Array | undefined, stored: PictureSize) {
    this.#flags = packetReader(codec, extradata);
    this.#size = sizeReader(codec, unitLengthIn(codec, extradata));
    this.#changes = new SizeChanges(stored);
  }
  /** Bits of `packetFlag` that the bytes of packet `at` tell. */
  read(at: number, data: Uint8Array): number {
    const size = this.#size(data);
    if (size !== undefined) this.#changes.add(at, size);
    return this.#flags(data);
  }
  /** Changes of size by frame, for frames that come from packets. */
  sizesIn(frames: FrameTable): SizeChange[] {
    return this.#changes.changes.flatMap(({ at, width, height }) => {
      let frame = frames.packet.indexOf(at);
      if (frame < 0) frame = frames.packet.findIndex((packet) => packet > at);
      return frame < 0 ? [] : [{ frame, width, height }];
    });
  }
}
