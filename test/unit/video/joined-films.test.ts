import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { ByteSource } from "../../../src/video/container/byte-source.ts";
import { joinedFilm } from "../../../src/video/container/joined-films.ts";

const folder = mkdtempSync(join(tmpdir(), "joined-films-"));
afterAll(() => rmSync(folder, { recursive: true }));

const found = (bytes: Uint8Array): ReturnType<typeof joinedFilm> => {
  const file = join(folder, "film");
  writeFileSync(file, bytes);
  using source = new ByteSource(file);
  return joinedFilm(source);
};

const head = (length: number, fill: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.alloc(length);
  fill(bytes);
  return bytes;
};

/** Films of one kind out of the sizes of their pieces. */
const makers: Readonly<Record<string, (sizes: readonly number[]) => Buffer>> = {
  FLV: (sizes) =>
    Buffer.concat([
      Buffer.from("464c5601010000000900000000", "hex"),
      ...sizes.map((size) =>
        head(11 + size + 4, (bytes) => {
          bytes[0] = 9;
          bytes.writeUIntBE(size, 1, 3);
        }),
      ),
    ]),
  ASF: (sizes) =>
    Buffer.concat(
      [64, ...sizes].map((size, i) =>
        head(24 + size, (bytes) => {
          if (i === 0) bytes.write("3026b2758e66cf11a6d900aa0062ce6c", "hex");
          bytes.writeBigUInt64LE(BigInt(24 + size), 16);
        }),
      ),
    ),
  IVF: (sizes) =>
    Buffer.concat([
      head(32, (bytes) => {
        bytes.write("DKIF");
        bytes.writeUInt16LE(32, 6);
      }),
      ...sizes.map((size) => head(12 + size, (bytes) => bytes.writeUInt32LE(size, 0))),
    ]),
  PNG: (sizes) =>
    Buffer.concat([
      Buffer.from("89504e470d0a1a0a", "hex"),
      ...sizes.map((size) =>
        head(12 + size, (bytes) => {
          bytes.writeUInt32BE(size, 0);
          bytes.write("fdAT", 4, "latin1");
        }),
      ),
    ]),
};
const sizes = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 20 });

test.each(Object.entries(makers))(
  "%s: the second film is found where it begins, none in one",
  (what, make) => {
    fc.assert(
      fc.property(sizes, sizes, (one, two) => {
        const first = make(one);
        expect(found(first)).toBeUndefined();
        expect(found(Buffer.concat([first, make(two)]))).toEqual({ what, at: first.length });
      }),
      { numRuns: 25 },
    );
  },
);

test.each(Object.entries(makers))("%s: whatever follows a head, the search ends", (_, make) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 40 }), (noise, cut) => {
      const at = found(Buffer.concat([make([3]).subarray(0, cut), noise]))?.at;
      expect(at === undefined || at > 0).toBe(true);
    }),
    { numRuns: 50 },
  );
});
