import type { PacketTable } from "../packet-table.ts";
import type { Opened } from "./open.ts";

/**
 * The file whose packets were read last, left open: FFmpeg looks at the first pictures of every file that it opens, and who
 * reads a clip's packets usually decodes it next.
 */
export class HeldFile {
  #file: { readonly opened: Opened; readonly packets: PacketTable } | undefined;
  /** Takes over a file whose packets were all read, if it can be entered at its beginning again; closes the one before. */
  hold(opened: Opened, packets: PacketTable): void {
    this.close();
    const { container, opening } = opened.facts;
    if (/^(mov|matroska)/.test(container) && opening.shifts === undefined) this.#file = { opened, packets };
  }
  holds(opened: Opened): boolean {
    return this.#file?.opened === opened;
  }
  /** The open file that these packets are of, which its receiver closes; undefined: it is not held. Closes any other one. */
  take(packets: PacketTable): Opened | undefined {
    const file = this.#file;
    if (file?.packets !== packets) this.close();
    this.#file = undefined;
    return file?.packets === packets ? file.opened : undefined;
  }
  close(): void {
    this.#file?.opened.close();
    this.#file = undefined;
  }
}
