import type { Packet } from "node-av/lib";
import type { ClipIndex } from "../backend/backend.ts";
import { type NodeAv, ticks } from "./library.ts";
import type { Opened } from "./open.ts";

/** Packets of containers that land before the place that was looked for, at most. */
const mostSkipped = 5000;

/** Reads the packets of an indexed clip's stream one by one, from any key packet on. */
export class ClipPacketReader implements Disposable {
  readonly packet: Packet;
  readonly #library: NodeAv;
  readonly #opened: Opened;
  readonly #clip: ClipIndex;
  /** True when the container is entered by time, false by byte. */
  readonly #bySeconds: boolean;
  /** Whether the container can be entered at all. */
  readonly canSeek: boolean;
  /** True when `packet` holds what the next `read` gives. */
  #held = false;
  constructor(library: NodeAv, opened: Opened, clip: ClipIndex) {
    this.#library = library;
    this.#opened = opened;
    this.#clip = clip;
    this.packet = new library.av.Packet();
    this.packet.alloc();
    this.#bySeconds = /^(mov|matroska|mp4)/.test(opened.facts.container);
    const { container, opening } = opened.facts;
    this.canSeek = (this.#bySeconds && opening.shifts === undefined) || container === "mpegts";
  }
  /** Reads on to the next packet of the stream; false at the end. */
  read(): boolean {
    if (this.#held) {
      this.#held = false;
      return true;
    }
    while (this.#opened.read(this.packet) >= 0) {
      if (this.packet.streamIndex === this.#opened.facts.streamIndex) return true;
      this.packet.unref();
    }
    return false;
  }
  #isPacket(at: number): boolean {
    const { packets } = this.#clip;
    const position = packets.position[at]!;
    return (
      ticks(this.packet.pts) === packets.pts[at] &&
      (Number.isNaN(position) || position < 0 || ticks(this.packet.pos) === position)
    );
  }
  /** Goes to key packet `at`; true when it is what is read next. */
  seek(at: number): boolean {
    const { packets } = this.#clip;
    const { format, facts } = this.#opened;
    const { constants } = this.#library;
    this.#held = false;
    const status = this.#bySeconds
      ? format.seekFrameSync(facts.streamIndex, BigInt(packets.pts[at]!), constants.AVSEEK_FLAG_BACKWARD)
      : format.seekFrameSync(facts.streamIndex, BigInt(packets.position[at]!), constants.AVSEEK_FLAG_BYTE);
    if (status < 0 || !this.read()) return false;
    // Containers may land earlier; reading on to the right place is fine, being beyond it is not.
    const wanted = Number.isNaN(packets.dts[at]!) ? packets.pts[at]! : packets.dts[at]!;
    for (let tries = 0; tries < mostSkipped; tries++) {
      if (this.#isPacket(at)) {
        this.#held = true;
        return true;
      }
      if (ticks(this.packet.dts) >= wanted) return false;
      this.packet.unref();
      if (!this.read()) return false;
    }
    return false;
  }
  [Symbol.dispose](): void {
    this.packet.unref();
    this.packet.free();
  }
}
