/** Fragment questions of clips in memory, and the steps that they fill. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import { gradeAnswer } from "../../../src/grading/grade-answer.ts";
import {
  clipInMemory,
  type FragmentDraws,
  type FragmentQuestion,
  fragmentQuestions,
  fragmentWords,
  spacedWords,
  withOnePicture,
} from "../../../src/jobs/fragments/memory-fragments.ts";
import { frameSeconds, shortClipFrames } from "../../../src/jobs/fragments/protocol.ts";
import { makeLanguage, type WorldLanguage } from "../../../src/jobs/quickstart/language.ts";
import { fragmentDraws, fragmentSource, questionClip } from "../../../src/jobs/repro/fragment-clips.ts";
import { chooseFrames } from "../../../src/model/frame-count.ts";

const [width, height, count] = [56, 56, 16];
/** A bright square that moves one way over a dark ramp. */
const clip = (start: number): FrameBatch => {
  const pixels = new Uint8Array(count * width * height * 3);
  for (let t = 0; t < count; t++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const [left, top] = [start + 2 * t, 10 + t];
        const value = x >= left && x < left + 14 && y >= top && y < top + 14 ? 230 : 30 + x;
        pixels.fill(value, ((t * height + y) * width + x) * 3, ((t * height + y) * width + x) * 3 + 3);
      }
  const frames = Array.from({ length: count }, (_, t) => ({
    index: frameIndex(6 * t),
    timeSeconds: seconds(t / 4),
  }));
  return { pixels, width, height, frames };
};

let folder: string;
let draws: FragmentDraws;
let questions: readonly FragmentQuestion[];
let language: WorldLanguage;
const tasks = [
  "counting:least=2,most=5",
  "consistency",
  "localization:least=3,most=3",
  "disorder:least=3,most=3",
  // As they were filmed, so that the test can find the square where it was.
  "rearrangement:least=3,most=3,anew=false",
];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "memory-fragments-"));
  draws = await fragmentDraws({ tasks, selector: "motion_guided" }, 1);
  const clips = [0, 3, 6, 9, 12].flatMap((start) => clipInMemory(`clip ${start}`, clip(start)) ?? []);
  questions = fragmentQuestions(clips, 4, draws);
  language = makeLanguage(join(folder, "words"), fragmentWords(draws.tasks));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("every task is asked, its answer is one of those that it could have, and only that one is right", () => {
  expect(questions).toHaveLength(5 * 4 * 5);
  for (const { answer, answers, answerKind, pictures } of questions) {
    expect(new Set(answers).size).toBe(answers.length);
    expect(answers).toContain(answer);
    const options = answerKind === "choice" ? { options: answers } : {};
    // As the model writes it: words and marks apart.
    const right = answers.filter(
      (said) => gradeAnswer({ answer, answerKind, completion: spacedWords(said), ...options }).correct,
    );
    expect(right).toEqual([answer]);
    for (const picture of pictures) expect(picture.length).toBe(width * height * 3);
  }
  const orders = questions.filter(({ task }) => task === "rearrangement");
  expect(orders[0]!.answers).toHaveLength(6);
  // The pictures of a shuffled fragment, put back by its answer, move one way.
  for (const { pictures, answer } of orders) {
    const places = answer.split(",").map((place) => pictures[Number(place) - 1]!);
    // Pictures of one question have one brightness: the square is the brightest, by however much.
    const leftOf = (picture: Uint8Array): number => picture.indexOf(Math.max(...picture));
    const lefts = places.map(leftOf);
    expect(Math.min(...lefts)).toBeGreaterThan(0);
    expect(lefts).toEqual(lefts.toSorted((a, b) => a - b));
  }
});

test("a part without its clip's bars is shown at the clip's size", () => {
  const frames = clip(3);
  for (let t = 0; t < count; t++)
    for (const [from, to] of [
      [0, 5],
      [height - 5, height],
    ] as const)
      frames.pixels.fill(0, (t * height + from) * width * 3, (t * height + to) * width * 3);
  const barred = clipInMemory("barred", frames)!;
  expect(barred.part.batch.height).toBeLessThan(height);
  const made = fragmentQuestions([barred], 2, draws);
  expect(made.length).toBeGreaterThan(0);
  for (const { pictures, ...asked } of made) {
    expect([asked.width, asked.height]).toEqual([width, height]);
    for (const picture of pictures) expect(picture.length).toBe(width * height * 3);
  }
});

test("the tokenizer knows every word of every question and answer", () => {
  const unknown = language.tokenizer.idOf("<|unknown|>");
  for (const asked of questions) {
    const [text] = questionClip(asked, language).texts;
    expect([...text!.prompt, ...text!.target, ...text!.optionTargets!.flat()]).not.toContain(unknown);
  }
});

test("with one picture repeated the words stay and every temporal step is the same", () => {
  for (const asked of questions) {
    const [own, one] = [asked, withOnePicture(asked)].map((each) => questionClip(each, language));
    expect(one!.texts).toEqual(own!.texts);
    expect(one!.patches.steps).toHaveLength(own!.patches.steps.length);
    expect(new Set(one!.patches.steps.map((step) => Buffer.from(step).toString("base64"))).size).toBe(1);
  }
});

test("which picture is repeated tells no answer, even to who knows when it was", () => {
  // Of three pictures the middle one is always the middle of the fragment where they are in order, and never where they are not.
  const orders = {
    no: [[0, 1, 2]],
    yes: [
      [0, 2, 1],
      [1, 0, 2],
      [1, 2, 0],
      [2, 0, 1],
    ],
  } as const;
  const asked = questions.find(({ pictures }) => pictures.length === 3)!;
  const middles = (answer: keyof typeof orders): number => {
    let count = 0;
    for (let n = 0; n < 1500; n++) {
      const order = orders[answer][n % orders[answer].length]!;
      const pictures = order.map((place) => new Uint8Array([place]));
      const { pictures: shown } = withOnePicture({ ...asked, id: `clip ${n}/${answer}`, pictures });
      if (shown[0]![0] === 1) count++;
    }
    return count / 1500;
  };
  // Four standard errors.
  for (const answer of ["no", "yes"] as const) expect(Math.abs(middles(answer) - 1 / 3)).toBeLessThan(0.05);
});

test("every picture fills a temporal step of its own, a whole second behind the one before", () => {
  for (const asked of questions) {
    const { steps, secondsPerStep } = questionClip(asked, language).patches;
    expect([steps.length, secondsPerStep]).toEqual([asked.pictures.length, 1]);
  }
});

test("at its usual rate Qwen's reader takes every picture of a short clip, and no temporal step mixes two", () => {
  for (let pictures = 2; pictures <= 17; pictures++) {
    const shown = shortClipFrames(Array.from({ length: pictures }, (_, picture) => picture));
    const taken = chooseFrames({}, shown.length, 1 / frameSeconds).indices.map((index) => shown[index]!);
    const steps = Array.from({ length: taken.length / 2 }, (_, step) => taken.slice(2 * step, 2 * step + 2));
    expect(steps).toEqual(Array.from({ length: pictures }, (_, picture) => [picture, picture]));
  }
});

test("steps show pictures of one number; tasks come alike, clips of the world by their share", async () => {
  const world = questions.slice(0, 3).map((asked, at) => ({
    ...questionClip(asked, language),
    id: `world ${at}`,
  }));
  const options = { clipsPerStep: 4, seed: 1 };
  const share = { share: 0.5, repeated: false };
  const source = fragmentSource(world, questions, share, language, options);
  const seen = new Map<string, number>();
  for (let step = 1; step <= 200; step++) {
    const chosen = await source.take(step);
    const sizes = new Set(chosen.map(({ patches }) => patches.steps.length));
    const isWorld = chosen.map(({ id }) => id.startsWith("world"));
    if (isWorld.includes(false)) expect(sizes.size).toBe(1);
    expect(new Set(isWorld).size).toBe(1);
    for (const { id, texts } of chosen) {
      const what = id.startsWith("world") ? "world" : texts[0]!.skill;
      seen.set(what, (seen.get(what) ?? 0) + 1);
    }
  }
  expect(seen.get("world")).toBeCloseTo(400, -1);
  for (const task of ["counting", "consistency", "localization", "disorder", "rearrangement"])
    expect(Math.abs(seen.get(task)! - 80), task).toBeLessThan(12);
});
