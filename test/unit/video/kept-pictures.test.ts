import fc from "fast-check";
import { expect, test } from "vitest";
import { KeptPictures } from "../../../src/video/worker/kept-pictures.ts";

test("every picture is there whenever the twin shows it, and is dropped after the last time", () => {
  const sources = fc
    .integer({ min: 1, max: 20 })
    .chain((count) => fc.array(fc.nat(count - 1), { minLength: count, maxLength: count }));
  fc.assert(
    fc.property(sources, (list) => {
      const pictures = new KeptPictures(Int32Array.from(list));
      const moved = [...list.entries()].filter(([index, from]) => from !== index);
      const ahead = moved.filter(([index, from]) => index < from).map(([, from]) => from);
      expect(pictures.ahead).toEqual([...new Set(ahead)].sort((a, b) => a - b));
      const pictureOf = (frame: number): Uint8Array => Uint8Array.of(frame);
      for (const frame of pictures.ahead) pictures.offer(frame, pictureOf(frame));
      list.forEach((from, frame) => {
        pictures.offer(frame, pictureOf(frame));
        if (from !== frame) expect(pictures.get(from)).toEqual(pictureOf(from));
        pictures.passed(frame);
        for (const kept of list.keys()) {
          const isShownLater = moved.some(([index, source]) => source === kept && index > frame);
          if (kept <= frame && !isShownLater) expect(pictures.get(kept)).toBeUndefined();
        }
      });
    }),
  );
});
