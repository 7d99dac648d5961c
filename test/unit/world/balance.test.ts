import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { balancedGroup, balancedPick } from "../../../src/world/balance.ts";
import { planClip } from "../../../src/world/clip.ts";
import { worldProfile } from "../../../src/world/profile.ts";
import { questionsFor, type WorldQuestion } from "../../../src/world/questions.ts";

/** Right answers of a player who knows only `key` of every question, from the answers seen in `known`. */
const majority = (
  known: WorldQuestion[],
  asked: WorldQuestion[],
  key: (q: WorldQuestion) => string,
): number => {
  const seen = new Map<string, Map<string, number>>();
  for (const question of known) {
    const answers = seen.get(key(question)) ?? new Map<string, number>();
    answers.set(question.answer, (answers.get(question.answer) ?? 0) + 1);
    seen.set(key(question), answers);
  }
  let right = 0;
  for (const question of asked) {
    const answers = [...(seen.get(key(question)) ?? [])].sort((a, b) => b[1] - a[1]);
    if (answers[0]?.[0] === question.answer) right++;
  }
  return right / asked.length;
};

describe("balance", () => {
  test("every block holds every option once", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.nat(50), fc.nat(100), (size, block, seed) => {
        const options = Array.from({ length: size }, (_, i) => i);
        const picked = options.map((i) => balancedPick(seed, "test", block * size + i, options));
        expect(picked.sort((a, b) => a - b)).toEqual(options);
      }),
    );
  });

  test("groups have their shares and running numbers without gaps", () => {
    const ranks: number[][] = [[], [], []];
    for (let index = 0; index < 200; index++) {
      const { group, rank } = balancedGroup("s", "test", index, [14, 4, 2]);
      ranks[group]!.push(rank);
    }
    expect(ranks.map((list) => list.length)).toEqual([140, 40, 20]);
    for (const list of ranks) expect(list).toEqual(list.map((_, i) => i));
  });

  test.each([
    ["quickstart", 0],
    ["quickstart", 0.5],
    ["standard", 0.5],
    ["wide", 1],
  ] as const)(
    "%s at %d: the best guess without looking stays within 3 points of chance",
    (name, difficulty) => {
      const profile = worldProfile(name, difficulty);
      const questions: WorldQuestion[] = [];
      for (let index = 0; index < 2000; index++)
        questions.push(
          ...questionsFor(planClip("balance", index, profile)).filter(
            (question) => question.options !== undefined,
          ),
        );
      const skills = new Set(questions.map((question) => question.skill));
      expect(skills.size).toBe(7);
      for (const skill of skills) {
        const asked = questions.filter((question) => question.skill === skill);
        const chance = asked.reduce((sum, { options }) => sum + 1 / options!.length, 0) / asked.length;
        // The question's pattern tells the set of answers; in the sample itself, the most favourable case.
        const guess = majority(asked, asked, (question) => question.template);
        expect(guess, `${skill}: ${guess} against ${chance}`).toBeLessThanOrEqual(chance + 0.03);
        // The whole text, colours and shapes included, learned on one half and asked on the other.
        const half = Math.floor(asked.length / 2);
        const learned = majority(asked.slice(0, half), asked.slice(half), (question) => question.question);
        expect(learned, `${skill}: ${learned} against ${chance}`).toBeLessThanOrEqual(chance + 0.03);
        // The position of the right answer among the options.
        const positions = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (const { options, answer } of asked) positions[options!.indexOf(answer)]!++;
        expect(Math.max(...positions) / asked.length).toBeLessThanOrEqual(chance + 0.08);
      }
    },
  );
});
