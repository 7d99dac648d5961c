import { expect, test } from "vitest";
import { chooseFrames } from "../../../src/model/frame-count.ts";

test("a number of frames that a clip cannot give names what was asked, what became of it in pairs, and what the clip has", () => {
  expect(() => chooseFrames({ nframes: 3 }, 3, 25)).toThrow(
    "frames of a clip; expected an even number from 2 to 2 of its 3 frames; got 3, in pairs 4",
  );
  expect(() => chooseFrames({ nframes: 1 }, 30, 25)).toThrow(
    "expected an even number from 2 to 30 of its 30 frames; got 1, in pairs 0",
  );
  expect(() => chooseFrames({ nframes: 40 }, 31, 25)).toThrow("from 2 to 30 of its 31 frames; got 40");
  expect(() => chooseFrames({ nframes: 4, fps: 2 }, 30, 25)).toThrow(
    "expected either a rate (fps) or a number of frames (nframes); got both",
  );
  expect(chooseFrames({ nframes: 3 }, 30, 25).indices).toHaveLength(4);
});
