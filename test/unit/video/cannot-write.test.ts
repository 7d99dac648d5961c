import { expect, test } from "vitest";
import type { EncoderSettings } from "../../../src/video/backend/backend.ts";
import { isRefusal, writeFailure } from "../../../src/video/backend/cannot-write.ts";

const settings = { output: "pair/complete.mp4" } as EncoderSettings;

test.each([
  "No space left on device",
  "Error closing file: No space left on device",
  "Disk quota exceeded",
  "File too large",
  "Read-only file system",
  "Input/output error",
])("%s: told at the place that takes no more", (got) => {
  expect(isRefusal(got)).toBe(true);
  expect(writeFailure(settings, got).message).toBe(
    `cannot write: pair/complete.mp4; got ${got}; make room there, or choose another place`,
  );
});

test("what the encoder refuses is no full disk", () => {
  expect(isRefusal("Invalid argument")).toBe(false);
  expect(writeFailure(settings, "Invalid argument").message).toBe(
    "cannot encode: pair/complete.mp4; got Invalid argument",
  );
});
