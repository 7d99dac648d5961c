import fc from "fast-check";
import { type TwinView, twinViewOf } from "../../src/absent/twin-view.ts";
import type { FrameIndex, Seconds } from "../../src/core/units.ts";
import type { Sample } from "../../src/dataset/sample.ts";

/** A sample about a clip of `frames` frames at 25 fps, with an event and its absent twin where they fit. */
export const sampleOf = (id: string, frames: number, event: readonly [number, number] | null): Sample => {
  const keyFrames = event === null ? [] : Array.from({ length: event[1] - event[0] }, (_, i) => event[0] + i);
  return {
    id,
    clip: {
      file: `clips/${id}.mp4`,
      sha256: `sha-${id.split("#")[0]}`,
      timeline: Array.from({ length: frames }, (_, i) => ({
        index: i as FrameIndex,
        timeSeconds: (i / 25) as Seconds,
      })),
    },
    ...(event === null
      ? {}
      : {
          absent: {
            keyFrames,
            replacements: keyFrames
              .map((index) => ({ index, from: Math.max(0, event[0] - 1) }))
              .filter(({ index, from }) => index !== from),
            builder: { name: "span", params: {} },
          },
          events: [{ startSeconds: event[0] / 25, endSeconds: event[1] / 25, what: "flash" }],
        }),
    messages: [{ role: "user", content: [{ type: "text", text: `What happens in ${id}?` }] }],
    answer: "B",
    answerKind: "choice",
    options: ["hop", "flash"],
    skill: "motion-recognition",
    provenance: {},
  };
};

/** What the absent twin of a sample shows; null without one. */
export const twinOf = ({ absent }: Sample): TwinView | null =>
  absent === undefined ? null : twinViewOf(absent.replacements);

/** Samples with ascending positions into their timeline; about half have an event. */
export const arbitraryView: fc.Arbitrary<{ sample: Sample; positions_T: number[] }> = fc
  .record({
    frames: fc.integer({ min: 1, max: 80 }),
    stride: fc.integer({ min: 1, max: 6 }),
    event: fc.option(fc.tuple(fc.nat(70), fc.integer({ min: 1, max: 6 })), { nil: null }),
  })
  .map(({ frames, stride, event }) => {
    const span =
      event === null || event[0] + event[1] > frames ? null : ([event[0], event[0] + event[1]] as const);
    const positions_T: number[] = [];
    for (let i = 0; i < frames; i += stride) positions_T.push(i);
    return { sample: sampleOf("clip-a#1", frames, span), positions_T };
  });
