import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Augmentation,
  augmentPixels,
  augmentPlan,
  augmentQuestion,
  canFlipY,
  channelPermutations,
  shiftPlan,
} from "../../../src/world/augment.ts";
import { denseCaption, eventCaption } from "../../../src/world/captions.ts";
import { planClip } from "../../../src/world/clip.ts";
import { worldProfile } from "../../../src/world/profile.ts";
import { questionsFor } from "../../../src/world/questions.ts";
import { renderClip } from "../../../src/world/render.ts";

/** Without noise and with a faint ground, so that large differences are the actors'. */
const quiet = { noise: 0, contrast: 8 };
const profiles = [
  worldProfile("quickstart", 0, quiet),
  worldProfile("quickstart", 1, { ...quiet, captions: "full" }),
];
const augmentation: fc.Arbitrary<Augmentation> = fc.record({
  flipX: fc.boolean(),
  flipY: fc.boolean(),
  reverse: fc.boolean(),
  channels: fc.constantFrom(...channelPermutations),
});

describe("augmentation", () => {
  test("words changed by rule are the words that the changed plan is described with", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(1), augmentation, (index, which, wished) => {
        const plan = planClip("augment", index, profiles[which]!);
        const happened = plan.events.map((event) => event.what);
        const a = { ...wished, flipY: wished.flipY && canFlipY(plan.profile.kinds, happened) };
        const changed = augmentPlan(plan, a);
        const byRule = questionsFor(plan).map((question) => augmentQuestion(question, a));
        const byPlan = questionsFor(changed);
        const words = (list: typeof byPlan): string[] =>
          list.map(({ question, answer }) => `${question} -> ${answer}`).sort();
        expect(words(byRule)).toEqual(words(byPlan));
        for (const question of byRule)
          if (question.options !== undefined) expect(question.options).toContain(question.answer);
      }),
      { numRuns: 400 },
    );
  });

  test("pixels changed by rule are the pixels that the changed plan renders to", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(1), augmentation, (index, which, a) => {
        const plan = planClip("augment", index, profiles[which]!);
        const { width, height, frameCount } = plan;
        const middle = Math.floor((plan.events[0]!.startFrame + plan.events[0]!.endFrame) / 2);
        const shown = [0, middle, plan.events.at(-1)!.endFrame - 1, frameCount - 1];
        const changed = augmentPlan(plan, a);
        const times = a.reverse ? shown.map((frame) => frameCount - 1 - frame).reverse() : shown;
        const byPlan = renderClip(changed, times);
        const byRule = augmentPixels(renderClip(plan, shown), shown.length, width, height, a);
        const size = width * height * 3;
        for (let t = 0; t < times.length; t++) {
          let actors = 0;
          for (let i = t * size; i < (t + 1) * size; i++)
            if (Math.abs(byPlan[i]! - byRule[i]!) > 60) actors++;
          // An actor's rim may round the other way; anything more would be an actor in another place.
          expect(actors / size).toBeLessThan(0.002);
        }
      }),
      { numRuns: 120 },
    );
  });

  test("twice the same mirror image is the clip", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 2 * 3 * 4 * 3, maxLength: 2 * 3 * 4 * 3 }),
        augmentation,
        (pixels, a) => {
          const mirror: Augmentation = { ...a, channels: [0, 1, 2] };
          const once = augmentPixels(pixels, 2, 4, 3, mirror);
          expect(augmentPixels(once, 2, 4, 3, mirror)).toEqual(pixels);
        },
      ),
    );
  });

  test("upside down needs a dip for every hop", () => {
    expect(canFlipY(["hop", "flash"], ["flash"])).toBe(true);
    expect(canFlipY(["hop", "flash"], ["hop"])).toBe(false);
    expect(canFlipY(["hop", "dip"], ["hop"])).toBe(true);
  });

  test("a shifted plan shows the same frames earlier or later and says when anew", () => {
    let shifted = 0;
    for (let index = 0; index < 60; index++) {
      const plan = planClip("shift", index, profiles[0]!);
      for (const frames of [-12, 5, 20]) {
        const later = shiftPlan(plan, frames);
        if (later === undefined) continue;
        shifted++;
        const frame = 40;
        expect(renderClip(later, [frame])).toEqual(renderClip(plan, [frame + frames]));
        expect(later.events[0]!.startFrame).toBe(plan.events[0]!.startFrame - frames);
        expect(denseCaption(later)).toContain(eventCaption(later));
      }
    }
    expect(shifted).toBeGreaterThan(40);
  });
});
