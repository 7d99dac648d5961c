import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import type { ClipIndex } from "../backend/backend.ts";
import type { FrameTable } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { PacketTable } from "../packet-table.ts";
import type { KeptIndex } from "../protocol.ts";

/**
 * A clip's index as a file: eight letters, CRC-32 of the rest, bytes of the JSON, packets and frames (uint32 each), the
 * JSON, then the tables one after another (little endian, as this machine has them in memory).
 */
const letters = Buffer.from("VPINDEX4");
const headBytes = 24;

/** True when the file is still the one that the index was named for. */
const isMeant = (file: string, { size, mtimeMs }: KeptIndex): boolean => {
  const now = statSync(file);
  return now.size === size && now.mtimeMs === mtimeMs;
};

const bytesOf = (table: Float64Array | Int32Array | Uint8Array): Buffer =>
  Buffer.from(table.buffer, table.byteOffset, table.byteLength);

/** Keeps an index; a folder that takes no file costs the next process a pass over the packets. */
export const keepIndex = (clip: ClipIndex, place: KeptIndex): void => {
  const { packets, frames, facts, faults, sizes, notes } = clip;
  const { count } = packets;
  const json = Buffer.from(JSON.stringify({ facts, faults, sizes, notes, source: frames.source }));
  const columns = [packets.pts, packets.dts, packets.duration, packets.position];
  const body = Buffer.concat([
    json,
    ...columns.map((column) => bytesOf(column.subarray(0, count))),
    bytesOf(packets.flags.subarray(0, count)),
    bytesOf(frames.pts),
    bytesOf(frames.packet),
    bytesOf(Float64Array.of(frames.lastDuration)),
  ]);
  const head = Buffer.alloc(headBytes);
  letters.copy(head);
  head.writeUInt32LE(json.length, 12);
  head.writeUInt32LE(count, 16);
  head.writeUInt32LE(frames.pts.length, 20);
  head.writeUInt32LE(crc32(body, crc32(head.subarray(12))), 8);
  const temporary = `${place.path}.${process.pid}.tmp`;
  try {
    if (!isMeant(clip.file, place)) return;
    writeFileSync(temporary, Buffer.concat([head, body]));
    renameSync(temporary, place.path);
  } catch {
    rmSync(temporary, { force: true });
  }
};

/** Takes one table after another out of bytes, each into memory of its own. */
class TableReader {
  #bytes: Buffer;
  #at: number;
  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }
  take(length: number): ArrayBuffer {
    const from = this.#bytes.byteOffset + this.#at;
    this.#at += length;
    return (this.#bytes.buffer as ArrayBuffer).slice(from, from + length);
  }
  floats(count: number): Float64Array {
    return new Float64Array(this.take(count * 8));
  }
}

/** The index that was kept, or undefined when there is none, it is damaged, or these limits do not admit the clip. */
export const keptIndex = (file: string, place: KeptIndex, limits: VideoLimits): ClipIndex | undefined => {
  let bytes: Buffer;
  try {
    bytes = readFileSync(place.path);
    if (!isMeant(file, place)) return undefined;
  } catch {
    return undefined;
  }
  if (bytes.length < headBytes || !bytes.subarray(0, 8).equals(letters)) return undefined;
  if (crc32(bytes.subarray(12)) !== bytes.readUInt32LE(8)) return undefined;
  const [jsonBytes, count, frameCount] = [12, 16, 20].map((at) => bytes.readUInt32LE(at)) as [
    number,
    number,
    number,
  ];
  const { facts, source, ...told } = JSON.parse(
    bytes.subarray(headBytes, headBytes + jsonBytes).toString(),
  ) as Pick<ClipIndex, "facts" | "faults" | "sizes" | "notes"> & Pick<FrameTable, "source">;
  if (facts.codedWidth * facts.codedHeight > limits.maxPixels || count > limits.maxPackets) return undefined;
  const reader = new TableReader(bytes, headBytes + jsonBytes);
  const packets = new PacketTable();
  packets.count = count;
  packets.pts = reader.floats(count);
  packets.dts = reader.floats(count);
  packets.duration = reader.floats(count);
  packets.position = reader.floats(count);
  packets.flags = new Uint8Array(reader.take(count));
  const pts = reader.floats(frameCount);
  const packet = new Int32Array(reader.take(source === "packets" ? frameCount * 4 : 0));
  const lastDuration = reader.floats(1)[0]!;
  return { file, facts, packets, frames: { source, pts, packet, lastDuration }, ...told };
};
