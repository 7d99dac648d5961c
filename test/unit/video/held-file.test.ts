/** Which open file is handed on to decoding, and that every other one is closed. */
import { expect, test } from "vitest";
import { HeldFile } from "../../../src/video/node-av/held-file.ts";
import type { Opened } from "../../../src/video/node-av/open.ts";
import type { PacketTable } from "../../../src/video/packet-table.ts";

const packets = (): PacketTable => ({ count: 1 }) as PacketTable;
/** An open file that counts how often it is closed. */
const opened = (container: string, shifts?: object): { readonly file: Opened; closed: number } => {
  const result = { file: {} as Opened, closed: 0 };
  const facts = { container, opening: { ...(shifts && { shifts }) } };
  result.file = { facts, close: () => result.closed++ } as unknown as Opened;
  return result;
};

test("the file of the packets is handed over open, once", () => {
  const [held, one, own] = [new HeldFile(), opened("mov,mp4"), packets()];
  held.hold(one.file, own);
  expect(held.holds(one.file)).toBe(true);
  expect(held.take(own)).toBe(one.file);
  expect([held.take(own), held.holds(one.file), one.closed]).toEqual([undefined, false, 0]);
});

test("other packets, another file and the end close it", () => {
  for (const end of [
    (held: HeldFile) => expect(held.take(packets())).toBeUndefined(),
    (held: HeldFile) => held.hold(opened("matroska,webm").file, packets()),
    (held: HeldFile) => held.close(),
  ]) {
    const [held, one] = [new HeldFile(), opened("mov,mp4")];
    held.hold(one.file, packets());
    end(held);
    expect([one.closed, held.holds(one.file)]).toEqual([1, false]);
  }
});

test("a file that cannot be entered at its beginning again is not held", () => {
  for (const one of [opened("mpegts"), opened("mov,mp4", {})]) {
    const [held, own] = [new HeldFile(), packets()];
    held.hold(one.file, own);
    expect([held.holds(one.file), held.take(own)]).toEqual([false, undefined]);
  }
});
