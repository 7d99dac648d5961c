import fc from "fast-check";
import { expect, test } from "vitest";
import { DataFormatError } from "../../../src/core/errors.ts";
import { encodeMessage, MessageReader } from "../../../src/core/framed-messages.ts";

const bytesOf = (values: readonly unknown[]): Uint8Array => Buffer.concat(values.flatMap(encodeMessage));

const leaf = fc.oneof(
  fc.string(),
  // Minus zero is zero in JSON, and x + 0 makes it so.
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => x + 0),
  fc.boolean(),
  fc.constant(null),
  fc.float32Array({ maxLength: 5 }),
  fc.uint8Array({ maxLength: 9 }),
  fc.int32Array({ maxLength: 3 }),
  fc.bigInt64Array({ maxLength: 3 }),
);
const message = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    leaf,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(
      fc.string().filter((key) => !key.startsWith("$") && key !== "__proto__"),
      tie("value"),
      { maxKeys: 3, noNullPrototype: true },
    ),
    fc.array(fc.tuple(fc.integer(), tie("value")), { maxLength: 3 }).map((entries) => new Map(entries)),
  ),
})).value;

test("messages come back whole however their bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(message, { maxLength: 4 }),
      fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
      (values, cuts) => {
        const bytes = bytesOf(values);
        const reader = new MessageReader();
        const got: unknown[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = cuts.next().value as number;
          got.push(...reader.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(got).toEqual(values);
        expect(got.length).toBe(values.length);
      },
    ),
    { numRuns: 300 },
  );
});

test("what is no message is an error, at once when its sizes are out of bounds", () => {
  const reader = () => new MessageReader();
  expect(() => reader().push(new Uint8Array(12).fill(255))).toThrow(DataFormatError);
  expect(() => reader().push(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toThrow(
    /not a message of this protocol/,
  );
  const good = bytesOf([{ a: Float32Array.of(1, 2) }]);
  const text = Buffer.from(good).toString("latin1");
  const longer = Buffer.from(text.replace('"bytes":8', '"bytes":9'), "latin1");
  expect(() => reader().push(longer)).toThrow(/an array of 9 bytes of type f32/);
  expect(() => reader().push(Buffer.from(text.replace("f32", "f64"), "latin1"))).toThrow(/of type f64/);
  const broken = Buffer.from(good);
  broken[12] = 0x20;
  expect(() => reader().push(broken)).toThrow(/no JSON/);
});
