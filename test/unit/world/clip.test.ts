import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ConfigError, UnknownNameError } from "../../../src/core/errors.ts";
import { clipKeywords, denseCaption } from "../../../src/world/captions.ts";
import { planClip, quietFrames } from "../../../src/world/clip.ts";
import type { ClipPlan } from "../../../src/world/plan.ts";
import { profileNames, type WorldProfile, worldProfile } from "../../../src/world/profile.ts";
import { questionsFor } from "../../../src/world/questions.ts";
import { renderClip } from "../../../src/world/render.ts";
import { samplesOf } from "../../../src/world/samples.ts";
import { ordinaryState } from "../../../src/world/state.ts";
import { colorChannels, colors, shapes, worldVocabulary } from "../../../src/world/words.ts";

const profiles: WorldProfile[] = [
  worldProfile("quickstart"),
  worldProfile("quickstart", 0.4),
  worldProfile("quickstart", 1),
  worldProfile("standard"),
  worldProfile("wide", 1),
];
const anyPlan: fc.Arbitrary<ClipPlan> = fc
  .record({ seed: fc.nat(1000), index: fc.nat(5000), profile: fc.constantFrom(...profiles) })
  .map(({ seed, index, profile }) => planClip(seed, index, profile));

describe("planned clips", () => {
  test("a plan is a function of seed, index and profile", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.nat(5000), fc.constantFrom(...profiles), (seed, index, profile) => {
        expect(planClip(seed, index, profile)).toEqual(planClip(seed, index, profile));
      }),
    );
    expect(planClip(1, 0, profiles[0]!)).not.toEqual(planClip(2, 0, profiles[0]!));
  });

  test("only permitted sizes, lengths and numbers of actors", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        expect(plan.width % 28).toBe(0);
        expect(plan.height % 28).toBe(0);
        const seconds = plan.frameCount / plan.framesPerSecond;
        expect(seconds).toBeGreaterThanOrEqual(4);
        expect(seconds).toBeLessThanOrEqual(8);
        expect(plan.actors.length).toBeGreaterThanOrEqual(2);
        const worn = plan.actors.map((actor) => actor.color);
        expect(new Set(worn).size).toBe(worn.length);
        const forms = plan.actors.map((actor) => actor.shape);
        expect(new Set(forms).size).toBe(forms.length);
      }),
    );
    expect(colors.length).toBeGreaterThanOrEqual(6);
    expect(shapes.length).toBeGreaterThanOrEqual(4);
  });

  test("events are short, apart, and away from both ends", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const quiet = quietFrames(plan.framesPerSecond);
        let free = quiet;
        for (const event of plan.events) {
          expect(event.startFrame).toBeGreaterThanOrEqual(free);
          expect(event.endFrame - event.startFrame).toBeGreaterThanOrEqual(2);
          expect(event.endFrame - event.startFrame).toBeLessThanOrEqual(plan.framesPerSecond);
          expect(event.endFrame).toBeLessThanOrEqual(plan.frameCount - quiet);
          free = event.endFrame + quiet;
        }
        if (plan.story === "single") expect(plan.events[0]!.period).toBeDefined();
      }),
      { numRuns: 400 },
    );
  });

  test("an easy event shows in a frame sampled four times a second, whichever rounding the sampler has", () => {
    for (let index = 0; index < 300; index++) {
      const plan = planClip("sampled", index, profiles[0]!);
      for (const round of [Math.floor, Math.round, Math.ceil])
        for (const event of plan.events) {
          const seen = Array.from({ length: 16 }, (_, k) => round(k * 6.25)).filter(
            (frame) => frame >= event.startFrame && frame < event.endFrame,
          );
          expect(seen.length).toBeGreaterThanOrEqual(1);
        }
    }
  });

  test("an event changes the picture in every frame of its span and in no other", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        // The spans' frames, two on either side, and the clip's ends.
        const frames = new Set([0, plan.frameCount - 1]);
        for (const { startFrame, endFrame } of plan.events)
          for (let frame = startFrame - 2; frame < endFrame + 2; frame++) frames.add(frame);
        const wanted = [...frames];
        const all = renderClip(plan, wanted);
        const without = renderClip(plan, wanted, false);
        const size = plan.width * plan.height * 3;
        wanted.forEach((frame, k) => {
          const inside = plan.events.some((event) => frame >= event.startFrame && frame < event.endFrame);
          const same = Buffer.compare(
            all.subarray(k * size, (k + 1) * size),
            without.subarray(k * size, (k + 1) * size),
          );
          const where = `frame ${frame} of clip ${plan.index}, world ${plan.seed} (${plan.events[0]!.what})`;
          expect(same !== 0, where).toBe(inside);
        });
      }),
      { numRuns: 120 },
    );
  });

  test("rendering some frames gives the frames of rendering all", () => {
    fc.assert(
      fc.property(anyPlan, fc.nat(99), (plan, frame) => {
        const size = plan.width * plan.height * 3;
        expect(renderClip(plan, [frame])).toEqual(renderClip(plan).slice(frame * size, (frame + 1) * size));
      }),
      { numRuns: 15 },
    );
  });

  test("colour and place of every actor can be read from the pixels", () => {
    for (let index = 0; index < 80; index++) {
      const plan = planClip("pixels", index, worldProfile("quickstart", 0, { noise: 0 }));
      const frame = (plan.frameCount - 1) >> 1;
      if (plan.events.some((event) => frame >= event.startFrame && frame < event.endFrame)) continue;
      const pixels = renderClip(plan, [frame]);
      for (const actor of plan.actors) {
        let [x, y, n] = [0, 0, 0];
        for (let i = 0; i < plan.width * plan.height; i++) {
          const matches = colorChannels[actor.color].every((high, c) =>
            high === 1 ? pixels[i * 3 + c]! > 190 : pixels[i * 3 + c]! < 60,
          );
          if (!matches) continue;
          x += (i % plan.width) + 0.5;
          y += Math.floor(i / plan.width) + 0.5;
          n++;
        }
        const truth = ordinaryState(plan, actor, frame);
        expect(n).toBeGreaterThan(60);
        // Parts outside of the picture pull the mean inwards.
        expect(Math.hypot(x / n - truth.x, y / n - truth.y)).toBeLessThan(actor.radius * 0.6);
        expect(2 * actor.radius).toBeGreaterThanOrEqual(14);
        expect(2 * actor.radius).toBeLessThanOrEqual(20);
      }
    }
  });

  test("actors keep clear of each other while nothing happens", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        for (let frame = 0; frame < plan.frameCount; frame += 3) {
          const seen = plan.actors.map((actor) => ordinaryState(plan, actor, frame));
          for (const [i, a] of seen.entries())
            for (const [j, b] of seen.entries()) {
              if (j >= i) continue;
              const touch = (plan.actors[i]!.radius + plan.actors[j]!.radius) * a.zoom;
              expect(Math.hypot(a.x - b.x, a.y - b.y)).toBeGreaterThan(0.85 * touch);
            }
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a caption names every actor and every event", () => {
    fc.assert(
      fc.property(anyPlan, (plan) => {
        const caption = denseCaption(plan);
        for (const actor of plan.actors) expect(caption).toContain(`${actor.color} ${actor.shape} at `);
        for (const word of clipKeywords(plan)) expect(caption.split(" ")).toContain(word);
      }),
    );
  });

  test("the language is closed, lower case and small", () => {
    const vocabulary = new Set(worldVocabulary());
    expect(vocabulary.size).toBeLessThanOrEqual(160);
    fc.assert(
      fc.property(anyPlan, (plan) => {
        for (const { question, answer, options } of questionsFor(plan))
          for (const text of [question, answer, ...(options ?? [])]) {
            expect(text).toBe(text.toLowerCase());
            for (const word of text.split(" ")) expect(vocabulary, text).toContain(word);
          }
      }),
      { numRuns: 250 },
    );
  });

  test("samples have unique ids, true times and an answer among the options", () => {
    const plan = planClip(1, 4, profiles[0]!);
    const clip = { file: "clips/a.mp4", sha256: "0".repeat(64) };
    const samples = samplesOf(plan, clip);
    expect(new Set(samples.map((sample) => sample.id)).size).toBe(samples.length);
    for (const sample of samples) {
      expect(sample.clip.timeline.length).toBe(plan.frameCount);
      if (sample.options !== undefined) expect(sample.options).toContain(sample.answer);
      expect(sample.events?.[0]?.startSeconds).toBe(plan.events[0]!.startFrame / 25);
    }
  });

  test("profiles: unknown names and values out of range are one clear line", () => {
    expect(() => worldProfile("quickstrat")).toThrow(UnknownNameError);
    expect(() => worldProfile("quickstrat")).toThrow(/did you mean "quickstart"/);
    expect(() => worldProfile("quickstart", 1.5)).toThrow(ConfigError);
    expect(() => worldProfile("quickstart", 0, { width: 60 })).toThrow(/width/);
    for (const name of profileNames())
      for (const difficulty of [0, 0.25, 0.5, 0.75, 1]) worldProfile(name, difficulty);
  });
});
