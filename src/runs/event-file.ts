/**
 * TensorBoard event files: TFRecord framing around `Event` messages.
 *
 * @source tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto (field numbers),
 * tensorflow/tsl/lib/io/record_writer.cc (framing)
 */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync } from "node:fs";
import { unixSeconds } from "../core/clock.ts";
import { DataFormatError, InternalError } from "../core/errors.ts";
import { ProtobufWriter, protobufFields } from "../core/protobuf.ts";
import { appendBytes } from "./append-bytes.ts";
import { maskedCrc32c } from "./crc32c.ts";

/** A PNG picture for TensorBoard. */
export interface PngPicture {
  readonly png: Uint8Array;
  /** Width in pixels. */
  readonly width: number;
  /** Height in pixels. */
  readonly height: number;
}

/** What one event shows under one tag. */
export type EventValue =
  | { readonly tag: string; readonly scalar: number }
  | { readonly tag: string; readonly text: string }
  | { readonly tag: string; readonly image: PngPicture };

/** Frames one record: length (8 bytes), its masked checksum, the data, its masked checksum; little endian. */
export const frameRecord = (data: Uint8Array): Uint8Array => {
  const record = Buffer.alloc(12 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
};

const dtString = 7;
const rgbColours = 3;

const addValue = (summary: ProtobufWriter, value: EventValue): void => {
  summary.message(1, (entry) => {
    entry.string(1, value.tag);
    if ("scalar" in value) entry.float(2, value.scalar);
    else if ("image" in value)
      entry.message(4, (image) =>
        image
          .integer(1, value.image.height)
          .integer(2, value.image.width)
          .integer(3, rgbColours)
          .bytes(4, value.image.png),
      );
    else {
      entry.message(8, (tensor) =>
        tensor
          .integer(1, dtString)
          .message(2, (shape) => shape.message(2, (axis) => axis.integer(1, 1)))
          .string(8, value.text),
      );
      entry.message(9, (metadata) => metadata.message(1, (plugin) => plugin.string(1, "text")));
    }
  });
};

/** One `Event` message with a summary. `wallSeconds` is seconds since 1970. */
export const encodeEvent = (wallSeconds: number, step: number, values: readonly EventValue[]): Uint8Array =>
  new ProtobufWriter()
    .double(1, wallSeconds)
    .integer(2, step)
    .message(5, (summary) => {
      for (const value of values) addValue(summary, value);
    })
    .finish();

/** The `Event` message that every event file begins with. */
export const encodeFileVersion = (wallSeconds: number): Uint8Array =>
  new ProtobufWriter().double(1, wallSeconds).string(3, "brain.Event:2").finish();

export interface EventRecord {
  /** The message's bytes. */
  readonly data: Uint8Array;
  /** Byte offset behind the record. */
  readonly end: number;
}

/**
 * The whole records of an event file; a record cut short by a killed process ends the list.
 *
 * @throws {DataFormatError} when a checksum of a whole record does not fit
 */
export const readEventRecords = (bytes: Uint8Array, where: string): EventRecord[] => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: EventRecord[] = [];
  let at = 0;
  const check = (data: Uint8Array, stored: number): void => {
    if (maskedCrc32c(data) !== stored)
      throw new DataFormatError("wrong checksum in an event file", {
        where: `${where}, record ${records.length} at byte ${at}`,
        hint: "the file is damaged; remove it, metrics.jsonl holds the same numbers",
      });
  };
  while (bytes.length - at >= 12) {
    check(bytes.subarray(at, at + 8), view.getUint32(at + 8, true));
    const length = Number(view.getBigUint64(at, true));
    if (length > bytes.length - at - 16) break;
    const data = bytes.subarray(at + 12, at + 12 + length);
    check(data, view.getUint32(at + 12 + length, true));
    at += 16 + length;
    records.push({ data, end: at });
  }
  return records;
};

/** The step of an `Event` message; 0 when it names none. */
export const eventStep = (data: Uint8Array, where: string): number => {
  for (const field of protobufFields(data, where))
    if (field.field === 2 && field.wire === 0) return Number(BigInt.asIntN(64, field.value));
  return 0;
};

/** Cuts an event file behind its last record of at most `step`; the file's own first record always stays. */
export const truncateEvents = (file: string, step: number): void => {
  if (!existsSync(file)) return;
  const records = readEventRecords(readFileSync(file), file);
  let end = 0;
  for (const [position, { data, end: recordEnd }] of records.entries()) {
    if (position > 0 && eventStep(data, file) > step) break;
    end = recordEnd;
  }
  const handle = openSync(file, "r+");
  try {
    ftruncateSync(handle, end);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};

/** Appends events to one file; every event is in the file when `add` returns. Owns its file handle until closed. */
export class EventFile {
  #handle: number;
  #file: string;
  #lastStep = 0;
  /** Opens `file`, or begins it when it is new or empty. */
  constructor(file: string) {
    const begun = existsSync(file) && readFileSync(file).length > 0;
    this.#file = file;
    this.#handle = openSync(file, "a");
    if (!begun) this.#write(encodeFileVersion(unixSeconds()));
  }
  #write(message: Uint8Array): void {
    appendBytes(this.#handle, frameRecord(message), this.#file);
  }
  /** Appends one event. @throws {InternalError} when the step goes back */
  add(step: number, values: readonly EventValue[]): void {
    if (step < this.#lastStep) throw new InternalError(`event of step ${step} after step ${this.#lastStep}`);
    this.#lastStep = step;
    this.#write(encodeEvent(unixSeconds(), step, values));
  }
  /** Returns when the events are on the disk. */
  sync(): void {
    fsyncSync(this.#handle);
  }
  /** Gives the file handle back. */
  close(): void {
    closeSync(this.#handle);
  }
}
