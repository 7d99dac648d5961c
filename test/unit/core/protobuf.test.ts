import fc from "fast-check";
import { expect, test } from "vitest";
import { DataFormatError } from "../../../src/core/errors.ts";
import { ProtobufWriter, protobufFields } from "../../../src/core/protobuf.ts";

const field = fc.integer({ min: 1, max: 2 ** 29 - 1 });

test("fields read back as they were written", () => {
  const part = fc.oneof(
    fc.record({
      kind: fc.constant("integer" as const),
      field,
      value: fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n),
    }),
    fc.record({ kind: fc.constant("double" as const), field, value: fc.double() }),
    fc.record({ kind: fc.constant("float" as const), field, value: fc.float() }),
    fc.record({ kind: fc.constant("string" as const), field, value: fc.string({ unit: "grapheme" }) }),
  );
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      const writer = new ProtobufWriter();
      for (const one of parts)
        if (one.kind === "integer") writer.integer(one.field, one.value);
        else if (one.kind === "double") writer.double(one.field, one.value);
        else if (one.kind === "float") writer.float(one.field, one.value);
        else writer.string(one.field, one.value);
      const read = [...protobufFields(writer.finish(), "x")].map((found) => {
        if (found.wire === 0) return [found.field, found.value];
        const { buffer, byteOffset, byteLength } = found.value;
        const view = new DataView(buffer, byteOffset, byteLength);
        if (found.wire === 1) return [found.field, view.getFloat64(0, true)];
        if (found.wire === 5) return [found.field, view.getFloat32(0, true)];
        return [found.field, Buffer.from(found.value).toString("utf8")];
      });
      expect(read).toEqual(
        parts.map((one) => [one.field, one.kind === "integer" ? BigInt.asUintN(64, one.value) : one.value]),
      );
    }),
  );
});

// protoc --encode of { int32 a = 1; string b = 2; message c = 3 { int32 a = 1 } } as in the format's own guide:
// a = 150 is 08 96 01, b = "testing" is 12 07 74 65 73 74 69 6e 67, c = { a: 150 } is 1a 03 08 96 01.
test("the examples of the encoding guide", () => {
  const bytes = new ProtobufWriter()
    .integer(1, 150)
    .string(2, "testing")
    .message(3, (inner) => inner.integer(1, 150))
    .append(Uint8Array.of(0x08, 0x01))
    .finish();
  expect(Buffer.from(bytes).toString("hex")).toBe("089601120774657374696e671a030896010801");
});

test("arbitrary bytes give fields or one clear error, never a read beyond the end", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      try {
        for (const { value } of protobufFields(bytes, "some file"))
          if (typeof value !== "bigint") expect(value.length).toBeLessThanOrEqual(bytes.length);
      } catch (error) {
        expect(error).toBeInstanceOf(DataFormatError);
        expect((error as Error).message).toMatch(/^not a protocol-buffer message: some file, byte \d+; got /);
      }
    }),
    { numRuns: 2000 },
  );
});
