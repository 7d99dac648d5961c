import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeHead, type FromWorker, PayloadReader } from "../../../src/video/protocol.ts";

test("messages come out as they went in, however the stream is cut", () => {
  const messages = fc.array(fc.tuple(fc.string(), fc.uint8Array({ maxLength: 300 })), { maxLength: 8 });
  fc.assert(
    fc.property(messages, fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (sent, cuts) => {
      const stream = Buffer.concat(
        sent.flatMap(([reason, payload]) => [
          encodeHead({ type: "unavailable", reason }, payload.length),
          payload,
        ]),
      );
      const received: [string, number[]][] = [];
      const asked: number[] = [];
      const reader = new PayloadReader<FromWorker>(
        (message, payload) => {
          if (message.type === "unavailable") received.push([message.reason, [...payload]]);
        },
        (bytes) => {
          asked.push(bytes);
          return Buffer.alloc(bytes);
        },
      );
      for (let at = 0, i = 0; at < stream.length; i++) {
        const size = cuts[i % cuts.length]!;
        reader.push(stream.subarray(at, at + size));
        at += size;
      }
      expect(received).toEqual(sent.map(([reason, payload]) => [reason, [...payload]]));
      // Memory that is lent is not wasted on messages without any payload.
      expect(asked).toEqual(sent.map(([, { length }]) => length).filter((length) => length > 0));
    }),
  );
});
