import type { Frame } from "node-av/lib";
import type { ClipIndex, DecodeOrder } from "../backend/backend.ts";
import { steadySize } from "../filter-chain.ts";
import type { VideoLimits } from "../limits.ts";
import type { NodeAv } from "./library.ts";
import { type Opened, openFile } from "./open.ts";
import { openDecoder, type PictureDecoder } from "./picture-decoder.ts";
import { type PictureFilter, PicturePacker, pictureFilter } from "./picture-filter.ts";

/** One picture that was asked for, out of the decoder. */
interface Ready {
  readonly frame: number;
  rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** State of one pass over an open file. */
export class DecodePass {
  readonly opened: Opened;
  readonly decoder: PictureDecoder;
  readonly #filter: PictureFilter;
  readonly #packer: PicturePacker;
  readonly #ready: Ready[] = [];
  readonly #threads: number;
  readonly #order: DecodeOrder;
  /** Frames that were delivered, in this pass and those before it. */
  readonly #done: Set<number>;
  /** True when damage was met with several threads: what they gave since cannot be trusted. */
  untrusted = false;
  /** Whether packets of the file were read before: it has to be entered anew. */
  readonly wasRead: boolean;
  /** True when a file whose packets were read before does not give them again. */
  strayed = false;
  constructor(
    library: NodeAv,
    clip: ClipIndex,
    order: DecodeOrder,
    limits: VideoLimits,
    threads: number,
    done: Set<number>,
    held: Opened | undefined,
  ) {
    this.#threads = threads;
    this.#order = order;
    this.#done = done;
    this.wasRead = held !== undefined;
    this.opened = held ?? openFile(library, clip.file, clip.facts.opening, limits);
    const size = steadySize(clip.facts.codedWidth, clip.facts.codedHeight);
    this.#packer = new PicturePacker(library);
    this.#filter = pictureFilter(library, `${size},${order.chain}`);
    this.decoder = openDecoder(library, this.opened, limits, threads);
  }
  /** Converts a picture that was asked for; it waits for {@link deliver}. */
  take(frame: number, picture: Frame): void {
    const made = this.#filter.apply(picture);
    const { width, height } = made;
    // Almost always one picture is ready at a time. One that still waits must not be packed over.
    const waiting = this.#ready.at(-1);
    if (waiting !== undefined) waiting.rgb = waiting.rgb.slice();
    this.#ready.push({ frame, rgb: this.#packer.pack(made), width, height });
  }
  /** Hands over what is ready; false when no more is wanted, or nothing more can be trusted. */
  deliver(): boolean | Promise<boolean> {
    return this.#ready.length === 0 ? true : this.#deliverReady();
  }
  async #deliverReady(): Promise<boolean> {
    if (this.#threads > 1 && this.decoder.damaged > 0) {
      this.untrusted = true;
      return false;
    }
    for (const { frame, rgb, width, height } of this.#ready.splice(0)) {
      if (this.#done.has(frame)) continue;
      this.#done.add(frame);
      const answer = this.#order.deliver(frame, rgb, width, height);
      if (!(typeof answer === "boolean" ? answer : await answer)) return false;
    }
    return true;
  }
  close(): void {
    this.decoder.close();
    this.#filter.close();
    this.#packer.close();
    this.opened.close();
  }
}
