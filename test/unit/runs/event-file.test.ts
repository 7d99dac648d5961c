import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { DataFormatError, InternalError } from "../../../src/core/errors.ts";
import { maskedCrc32c } from "../../../src/runs/crc32c.ts";
import {
  EventFile,
  type EventValue,
  encodeEvent,
  encodeFileVersion,
  eventStep,
  frameRecord,
  readEventRecords,
  truncateEvents,
} from "../../../src/runs/event-file.ts";

// Made by scripts/make-golden/tensorboard_events.py with TensorBoard 2.20's own classes; compared byte for byte.
const golden = JSON.parse(readFileSync(new URL("./tensorboard-golden.json", import.meta.url), "utf8")) as {
  readonly png: string;
  readonly events: Readonly<Record<string, string>>;
  readonly records: Readonly<Record<string, string>>;
  readonly maskedCrc32c: Readonly<Record<string, number>>;
};

const folder = mkdtempSync(join(tmpdir(), "events-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("against TensorBoard's own bytes", () => {
  const image = { png: Buffer.from(golden.png, "base64"), width: 300, height: 5 };
  const made: Readonly<Record<string, Uint8Array>> = {
    version: encodeFileVersion(1700000000.25),
    scalars: encodeEvent(1700000001.5, 300, [
      { tag: "loss", scalar: 0.1 },
      { tag: "grad/norm", scalar: -2.5 },
    ]),
    text: encodeEvent(1700000002, 1, [{ tag: "rollout", text: "**früh** \n x".repeat(20) }]),
    image: encodeEvent(1700000003, 2 ** 40, [{ tag: "sheet", image }]),
  };
  test.each(Object.keys(golden.events))("%s", (name) => {
    expect(Buffer.from(made[name]!).toString("base64")).toBe(golden.events[name]);
    expect(Buffer.from(frameRecord(made[name]!)).toString("base64")).toBe(golden.records[name]);
  });
  test("checksums", () => {
    for (const [text, checksum] of Object.entries(golden.maskedCrc32c))
      expect(maskedCrc32c(Buffer.from(text))).toBe(checksum);
  });
});

describe("reading back", () => {
  test("every cut of a file gives exactly the records that are whole", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }),
        fc.nat(),
        (messages, seed) => {
          const records = messages.map(frameRecord);
          const bytes = Buffer.concat(records);
          const cut = bytes.length === 0 ? 0 : seed % (bytes.length + 1);
          const ends = records.map((_, at) => Buffer.concat(records.slice(0, at + 1)).length);
          const read = readEventRecords(bytes.subarray(0, cut), "x");
          expect(read.map(({ end }) => end)).toEqual(ends.filter((end) => end <= cut));
          expect(read.map(({ data }) => [...data])).toEqual(
            messages.slice(0, read.length).map((m) => [...m]),
          );
        },
      ),
    );
  });
  test("a changed byte is an error that says where", () => {
    const record = frameRecord(Buffer.from("hello"));
    for (let at = 0; at < record.length; at++) {
      const changed = Uint8Array.from(record);
      changed[at]! ^= 1;
      expect(() => readEventRecords(changed, "some-file")).toThrow(DataFormatError);
      expect(() => readEventRecords(changed, "some-file")).toThrow(/some-file, record 0 at byte 0/);
    }
  });
  test("the step of any event", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.double({ noNaN: true }), (step, scalar) => {
        expect(eventStep(encodeEvent(1, step, [{ tag: "t", scalar }]), "x")).toBe(step);
      }),
    );
  });
});

describe("a file that grows", () => {
  const add = (file: EventFile, step: number): void => {
    const value: EventValue = { tag: "loss", scalar: step };
    file.add(step, [value]);
  };
  const steps = (path: string): number[] =>
    readEventRecords(readFileSync(path), path)
      .slice(1)
      .map(({ data }) => eventStep(data, path));
  test("is cut back behind a step, torn tail included, and goes on without a second beginning", () => {
    const path = join(folder, "grows");
    const first = new EventFile(path);
    for (const step of [1, 2, 2, 3]) add(first, step);
    first.close();
    appendFileSync(path, frameRecord(Buffer.alloc(9)).subarray(0, 20));
    truncateEvents(path, 2);
    const second = new EventFile(path);
    add(second, 3);
    second.close();
    expect(steps(path)).toEqual([1, 2, 2, 3]);
  });
  test("a file torn in its first record begins again", () => {
    const path = join(folder, "torn");
    writeFileSync(path, frameRecord(encodeFileVersion(1)).subarray(0, 7));
    truncateEvents(path, 5);
    const file = new EventFile(path);
    add(file, 1);
    file.close();
    expect(steps(path)).toEqual([1]);
  });
  test("refuses to go back in steps", () => {
    const file = new EventFile(join(folder, "back"));
    add(file, 4);
    expect(() => add(file, 3)).toThrow(InternalError);
    file.close();
  });
});
