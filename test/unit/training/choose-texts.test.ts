import { expect, test } from "vitest";
import { chooseTexts } from "../../../src/training/sft-batches.ts";

const text = (skill: string, name: string) => ({ skill, name });
const namesOf = (texts: readonly { readonly name: string }[]): string[] => texts.map(({ name }) => name);

test.each(["dense-caption", "description"])(
  "a caption (%s) is among a clip's texts at every step",
  (skill) => {
    const texts = [text("when", "a"), text("order", "b"), text(skill, "caption"), text("how-many", "c")];
    const others = new Set<string>();
    for (let step = 0; step < 40; step++) {
      const chosen = namesOf(chooseTexts(texts, 2, [0, "texts", step, 0]));
      expect(chosen[0]).toBe("caption");
      others.add(chosen[1]!);
    }
    expect(others).toEqual(new Set(["a", "b", "c"]));
  },
);

test("of several captions of a clip each leads some step, and the others count as texts", () => {
  const texts = [text("description", "one"), text("description", "two"), text("when", "a")];
  const leads = new Set<string>();
  for (let step = 0; step < 40; step++) {
    const chosen = namesOf(chooseTexts(texts, 3, [0, "texts", step, 0]));
    expect(chosen.toSorted()).toEqual(["a", "one", "two"]);
    leads.add(chosen[0]!);
  }
  expect(leads).toEqual(new Set(["one", "two"]));
});
