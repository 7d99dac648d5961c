import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { VideoPerceiverError } from "../../../src/core/errors.ts";
import { seededRandom } from "../../../src/core/random.ts";
import {
  narrowToBfloat16,
  narrowToFloat16,
  widenBfloat16,
  widenFloat16,
} from "../../../src/weights/float-formats.ts";
import { openSafetensors } from "../../../src/weights/safetensors.ts";
import { parseHeader } from "../../../src/weights/safetensors-header.ts";
import { writeSafetensors } from "../../../src/weights/write-safetensors.ts";

const folder = mkdtempSync(join(tmpdir(), "safetensors-"));
const file = join(folder, "a.safetensors");
afterAll(() => rmSync(folder, { recursive: true }));

/** A file from a header (as text or value) and bytes of data. */
const craft = (header: unknown, dataBytes: number, length?: bigint): string => {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const start = Buffer.alloc(8);
  start.writeBigUInt64LE(length ?? BigInt(text.length));
  writeFileSync(file, Buffer.concat([start, text, Buffer.alloc(dataBytes, 1)]));
  return file;
};

const entry = (begin: number, end: number, shape: number[] = [(end - begin) / 4], dtype = "F32"): object => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe("what a damaged file says", () => {
  const cases: [string, unknown, number, RegExp][] = [
    ["no JSON", "{", 0, /the header is not JSON/],
    ["a list", [], 0, /the header is not an object/],
    [
      "a name twice",
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      4,
      /a name occurs twice.*"a"/,
    ],
    [
      "a field twice",
      '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      4,
      /a name occurs twice.*"dtype"/,
    ],
    ["an entry that is text", { a: "b" }, 0, /entry is not an object/],
    ["metadata that is a number", { __metadata__: { a: 1 } }, 0, /metadata is not text/],
    ["an unknown type", { a: entry(0, 4, [1], "F31") }, 4, /unknown element type.*"F31"/],
    ["a type that only objects have", { a: entry(0, 4, [1], "toString") }, 4, /unknown element type/],
    ["a negative side", { a: entry(0, 4, [-1]) }, 4, /bad shape/],
    [
      "a shape beyond integers",
      '{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}',
      4,
      /bad shape/,
    ],
    ["a product beyond integers", { a: entry(0, 4, [2 ** 40, 2 ** 40]) }, 4, /is not 4 bytes/],
    [
      "offsets of 2^63",
      '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,9223372036854775808]}}',
      4,
      /bad data_offsets/,
    ],
    ["offsets backwards", { a: entry(4, 0, [1]) }, 4, /data_offsets outside/],
    ["offsets beyond the file", { a: entry(0, 8) }, 4, /data_offsets outside the 4 bytes/],
    ["a wrong size", { a: entry(0, 8, [1]) }, 8, /F32 of shape \[1\] is not 8 bytes/],
    ["an overlap", { a: entry(0, 8), b: entry(4, 12) }, 12, /overlaps another tensor.*"b"/],
    ["a hole", { a: entry(0, 4), b: entry(8, 12) }, 12, /bytes that belong to no tensor/],
    ["a tail", { a: entry(0, 4) }, 6, /2 bytes behind the last tensor/],
  ];
  test.each(cases)("%s", async (_, header, bytes, message) => {
    await expect(openSafetensors(craft(header, bytes))).rejects.toThrow(message);
  });
  test("lengths beyond the file", async () => {
    for (const length of [1n << 63n, (1n << 64n) - 1n, 1_000n, 100_000_001n])
      await expect(openSafetensors(craft({}, 0, length))).rejects.toThrow(/header longer than/);
    writeFileSync(file, "abc");
    await expect(openSafetensors(file)).rejects.toThrow(/shorter than its length field/);
    await expect(openSafetensors(join(folder, "none"))).rejects.toThrow(/cannot open weights/);
    await expect(openSafetensors(folder)).rejects.toThrow(/safetensors: not a file/);
    const bad = Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from([0xff, 0xfe])]);
    writeFileSync(file, bad);
    await expect(openSafetensors(file)).rejects.toThrow(/not UTF-8/);
  });
});

describe("what is written comes back", () => {
  test("any tensors, in each format, rounded as the format demands", async () => {
    const tensor = fc.tuple(
      fc.array(fc.nat(4), { maxLength: 3 }),
      fc.infiniteStream(fc.float({ noNaN: true })),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.string(), tensor, { maxKeys: 4, noNullPrototype: true }),
        fc.constantFrom("F32", "F16", "BF16"),
        async (named, type) => {
          const tensors = Object.entries(named).map(([name, [shape, stream]]) => ({
            name: `t.${name}`,
            shape,
            data: Float32Array.from(
              { length: shape.reduce((a, b) => a * b, 1) },
              () => stream.next().value as number,
            ),
          }));
          writeSafetensors(file, tensors, type as "F32");
          const back = await openSafetensors(file);
          expect([...back.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
          for (const { name, shape, data } of tensors) {
            expect(back.tensors.get(name)!.shape).toEqual(shape);
            const read = await back.readFloats(name);
            read.forEach((value, i) => {
              const given = data[i]!;
              if (type === "F32") expect(value).toBe(given);
              else if (type === "BF16" && Math.abs(given) < 3.38e38)
                expect(Math.abs(value - given)).toBeLessThanOrEqual(
                  Math.max(Math.abs(given) * 2 ** -8, 2 ** -134),
                );
              else if (type === "F16" && Math.abs(given) < 65_504)
                expect(Math.abs(value - given)).toBeLessThanOrEqual(
                  Math.max(Math.abs(given) * 2 ** -11, 2 ** -25),
                );
            });
          }
          await back.close();
        },
      ),
      { numRuns: 60 },
    );
  });
  test("pieces do not change a tensor longer than one of them", async () => {
    const data = Float32Array.from({ length: 700_001 }, (_, i) => i % 2048);
    writeSafetensors(file, [{ name: "a", shape: [700_001], data: () => data }], "F16");
    const back = await openSafetensors(file);
    expect(await back.readFloats("a")).toEqual(data);
    await expect(back.readInto("a", new Float32Array(3))).rejects.toThrow(
      /room for a tensor.*expected 700001 numbers; got 3/,
    );
    await expect(back.readFloats("b")).rejects.toThrow(/no such tensor/);
    await expect(back.readIntegers("a")).rejects.toThrow(/not an integer tensor/);
    await back.close();
  });
  test("integers, and those that do not fit", async () => {
    const data = Buffer.alloc(16);
    data.writeBigInt64LE(-100n, 0);
    data.writeBigInt64LE(1n << 40n, 8);
    const path = craft({ a: entry(0, 8, [1], "I64"), b: entry(8, 16, [1], "I64") }, 0);
    writeFileSync(path, Buffer.concat([readFileSync(path), data]));
    const back = await openSafetensors(path);
    expect(await back.readIntegers("a")).toEqual(Int32Array.of(-100));
    expect(await back.readFloats("a")).toEqual(Float32Array.of(-100));
    await expect(back.readIntegers("b")).rejects.toThrow(/does not fit 32 bits/);
    await back.close();
  });
  test("refuses data that does not fit its shape and names given twice", () => {
    const data = new Float32Array(3);
    expect(() => writeSafetensors(file, [{ name: "a", shape: [2], data }], "F32")).toThrow(
      /expected 2 numbers for \[2\]; got 3/,
    );
    const twice = { name: "a", shape: [3], data };
    expect(() => writeSafetensors(file, [twice, twice], "F32")).toThrow(/written twice/);
  });
});

test("as many numbers are widened as there are, at whatever place of a memory, and nothing behind them", () => {
  const all = Uint16Array.from({ length: 96 }, (_, i) => (i * 2749) % 31_000);
  for (const widen of [widenFloat16, widenBfloat16]) {
    const whole = Uint32Array.from(all, (bits) => {
      const one = new Uint32Array(1);
      widen(Uint16Array.of(bits), one);
      return one[0]!;
    });
    for (let from = 0; from < 20; from++)
      for (let count = 0; count < 70; count++) {
        const target = new Uint32Array(count + 1).fill(7);
        widen(all.subarray(from, from + count), target);
        expect(target.subarray(0, count)).toEqual(whole.subarray(from, from + count));
        expect(target[count]).toBe(7);
      }
  }
});

test("every float16 and bfloat16 survives widening and narrowing", () => {
  const all = Uint16Array.from({ length: 65_536 }, (_, i) => i);
  for (const [widen, narrow, exponent] of [
    [widenFloat16, narrowToFloat16, 0x7c00],
    [widenBfloat16, narrowToBfloat16, 0x7f80],
  ] as const) {
    const wide = new Uint32Array(65_536);
    const back = new Uint16Array(65_536);
    widen(all, wide);
    narrow(wide, back);
    const changed = [...all].filter((bits) => back[bits] !== bits && (bits & 0x7fff) <= exponent);
    expect(changed).toEqual([]);
    expect([...all].every((bits) => (bits & 0x7fff) <= exponent || (back[bits]! & 0x7fff) > exponent)).toBe(
      true,
    );
  }
});

test("float16 rounds to the nearest, ties to even", () => {
  // struct.pack("<e", x) of Python 3.11, as integers
  const expected: [number, number][] = [
    [1 + 2 ** -11, 0x3c00],
    [1 + 3 * 2 ** -11, 0x3c02],
    [2 ** -25, 0x0000],
    [1.5 * 2 ** -24, 0x0002],
    [2 ** -14 - 2 ** -26, 0x0400],
    [65_519, 0x7bff],
    [-0, 0x8000],
  ];
  const out = new Uint16Array(expected.length);
  narrowToFloat16(new Uint32Array(Float32Array.from(expected, ([value]) => value).buffer), out);
  expect([...out]).toEqual(expected.map(([, bits]) => bits));
});

test("ranges that a header accepts tile the data", () => {
  const offsets = fc.array(fc.nat(24), { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(offsets, fc.nat(24), (marks, size) => {
      const header: Record<string, unknown> = {};
      for (let i = 0; i + 1 < marks.length; i += 2)
        header[`t${i}`] = {
          dtype: "U8",
          shape: [Math.abs(marks[i + 1]! - marks[i]!)],
          data_offsets: [marks[i], marks[i + 1]],
        };
      const owners = new Uint8Array(size);
      try {
        const { tensors } = parseHeader(JSON.stringify(header), 0, size, "x");
        for (const { begin, end } of tensors.values()) for (let at = begin; at < end; at++) owners[at]!++;
      } catch (error) {
        expect(error).toBeInstanceOf(VideoPerceiverError);
        return;
      }
      expect(owners.every((count) => count === 1)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

/** VIDEOPERCEIVER_FUZZ=10000 runs as many; the default keeps the unit tests short. */
test("mutated files are refused with one of our errors, or read without reaching beyond the file", async () => {
  const random = seededRandom("safetensors", "fuzz");
  const tensors = ["a", "b.weight", "c"].map((name, i) => ({
    name,
    shape: [i + 1, 3],
    data: new Float32Array(3 * i + 3).fill(i),
  }));
  writeSafetensors(file, tensors, "BF16");
  const good = readFileSync(file);
  const tokens = [
    "9223372036854775808",
    "-1",
    "18446744073709551615",
    "1e308",
    '"F64"',
    "null",
    "[]",
    "{}",
    "0",
  ];
  for (let round = 0; round < Number(process.env["VIDEOPERCEIVER_FUZZ"] ?? 300); round++) {
    let bytes = Buffer.from(good);
    for (let change = random.integer(3); change >= 0; change--) {
      const at = random.integer(bytes.length);
      const kind = random.integer(4);
      if (kind === 0) bytes[at] = random.integer(256);
      else if (kind === 1) bytes = bytes.subarray(0, at);
      else if (kind === 2)
        bytes = Buffer.concat([
          bytes.subarray(0, at),
          Buffer.alloc(random.integer(20), random.integer(256)),
          bytes.subarray(at),
        ]);
      else {
        const text = bytes
          .subarray(8)
          .toString("latin1")
          .replace(/\d+|"BF16"/g, (found) => (random.integer(6) === 0 ? random.pick(tokens) : found));
        const end = text.lastIndexOf("}") + 1;
        bytes = Buffer.concat([bytes.subarray(0, 8), Buffer.from(text, "latin1")]);
        if (end > 0 && bytes.length >= 8) bytes.writeBigUInt64LE(BigInt(end), 0);
      }
      if (bytes.length === 0) break;
    }
    writeFileSync(file, bytes);
    try {
      const opened = await openSafetensors(file);
      try {
        for (const [name, { begin, end }] of opened.tensors) {
          expect(end - begin).toBeLessThanOrEqual(bytes.length);
          await opened.readFloats(name);
        }
      } finally {
        await opened.close();
      }
    } catch (error) {
      expect(error).toBeInstanceOf(VideoPerceiverError);
    }
  }
}, 120_000);
