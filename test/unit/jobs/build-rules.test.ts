import { expect, test } from "vitest";
import { namesValue } from "../../../src/cli/option-values.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { Decisions } from "../../../src/jobs/build/decisions.ts";
import type { KeptApart } from "../../../src/jobs/build/kept-apart.ts";
import type { ClipSettings } from "../../../src/jobs/build/protocol.ts";
import { queueName } from "../../../src/jobs/build/queue-build.ts";
import { makeRules, wantedRules } from "../../../src/jobs/build/rule-check.ts";
import { workRecipe } from "../../../src/jobs/build/work-folder.ts";

const apart: KeptApart = { hashes: new Set(["a".repeat(64)]), names: new Set(["bench-7"]), prints: [] };
const named = (clip: string): Sample =>
  ({
    id: "s",
    clip: { sha256: "b".repeat(64), file: "clips/b.mp4" },
    provenance: { clip },
  }) as never as Sample;

test("clips that must stay out stay out whatever other rules are chosen or skipped", async () => {
  for (const [chosen, skipped] of [
    [["question-form"], []],
    [undefined, ["near-duplicate"]],
    [["not-in:look=0.25"], []],
  ] as const) {
    const { rules, recipes } = await makeRules(await wantedRules(chosen, skipped, true), apart);
    const rule = rules.find(({ id }) => id === "not-in");
    expect(rule?.filter.check(named("bench-7.mp4"))).toContain("named bench-7");
    expect(rule?.filter.check(named("other.mp4"))).toBeUndefined();
    // The record has the parameters, and of the lists how many and their hash.
    expect(recipes.find((recipe) => "name" in recipe && recipe.name === "not-in")).toEqual({
      name: "not-in",
      params: {
        look: chosen?.[0]?.includes("look") === true ? 0.25 : 0.1,
        change: 0.5,
        hashes: 1,
        names: 1,
        prints: 0,
        sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      },
    });
  }
});

test("names and parameters of rules are checked before anything is read for them", async () => {
  await expect(wantedRules(["no-such-rule"], [], true)).rejects.toThrow(
    /unknown validator rule "no-such-rule"/,
  );
  await expect(wantedRules(undefined, ["no-such-rule"], false)).rejects.toThrow(/unknown validator rule/);
  await expect(wantedRules(["not-in:look=2"], [], true)).rejects.toThrow(/bad parameters/);
  await expect(wantedRules(undefined, ["not-in"], true)).rejects.toThrow(/contradict one another/);
});

test("a list of plug-ins may have several parameters each", () => {
  expect(namesValue("near-duplicate:look=0.2,change=0.6,no-duplicates,when:longest=0.5")).toEqual([
    "near-duplicate:look=0.2,change=0.6",
    "no-duplicates",
    "when:longest=0.5",
  ]);
});

const settings = { relevance: "motion", seed: 0 } as ClipSettings;
const plan = (caption: string): Parameters<typeof workRecipe>[1] => {
  const row = { id: "r", clip: { file: "a.mp4" }, caption, provenance: {} };
  const clips = [
    { position: 0, path: "a.mp4", name: "a.mp4", firstRow: 0, rows: [{ row, sourceNumber: 0 }] },
  ];
  return { clips, rejected: [], sources: [], notes: [] };
};

test("a queue is a build's own: other settings, other rows, another folder are another one; going on is the same", () => {
  const name = (out: string, own: ClipSettings, caption: string): string =>
    queueName(out, workRecipe(own, plan(caption)));
  const first = name("/sets/a", settings, "A man flips a pancake.");
  expect(name("/sets/a", settings, "A man flips a pancake.")).toBe(first);
  expect(
    new Set([
      first,
      name("/sets/b", settings, "A man flips a pancake."),
      name("/sets/a", { ...settings, seed: 1 }, "A man flips a pancake."),
      name("/sets/a", settings, "A man drops a pancake."),
    ]).size,
  ).toBe(4);
});

test("a decision means a pair by its first name; of two sources with that name, the first one's", () => {
  const decisions = new Decisions(
    new Map([
      ["t.csv:2", { verdict: "reject" }],
      ["gone", { verdict: "reject" }],
    ]),
  );
  const sample = (id: string, row: string): Sample => ({ id, provenance: { row } }) as never as Sample;
  expect(decisions.about(sample("t.csv:2/when-1", "t.csv:2"), "t.csv:2/when-1", 0)?.verdict).toBe("reject");
  expect(decisions.about(sample("t.csv:2/when-1@2", "t.csv:2"), "t.csv:2/when-1@2", 1)).toBeUndefined();
  expect(decisions.about(sample("t.csv:3/when-1", "t.csv:3"), "t.csv:3", 0)).toBeUndefined();
  expect(decisions.strangers()).toEqual(["gone"]);
  expect(decisions.ambiguous()).toEqual(["t.csv:2"]);
});
