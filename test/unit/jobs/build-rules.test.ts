import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { namesValue } from "../../../src/cli/option-values.ts";
import { sha256 } from "../../../src/core/files.ts";
import type { Sample } from "../../../src/dataset/sample.ts";
import { Decisions, otherDataset, readDecisions } from "../../../src/jobs/build/decisions.ts";
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

const folder = mkdtempSync(join(tmpdir(), "decisions-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("decisions that were saved on another data set's page are told in one line", () => {
  const text = JSON.stringify({
    schema: "videoperceiver/decisions@1",
    dataset: "a".repeat(64),
    decisions: { "t.csv:2": { verdict: "reject" } },
  });
  const file = join(folder, "decisions.json");
  writeFileSync(file, text);
  const set = (name: string, contentHash: string, params: object = {}): string => {
    mkdirSync(join(folder, name), { recursive: true });
    const counts = { samples: 1, clips: 1, rejected: 0 };
    const recipe = { name: "build", params };
    const schema = "videoperceiver/dataset@1";
    const described = { schema, counts, skills: {}, recipe, files: [], contentHash };
    writeFileSync(join(folder, name, "dataset.json"), JSON.stringify(described));
    return join(folder, name);
  };
  const own = set("own", "a".repeat(64));
  const other = set("other", "b".repeat(64));
  const applied = set("applied", "b".repeat(64), { decisions: sha256(Buffer.from(text)) });
  const said = (out: string, ...sources: string[]): string | undefined =>
    otherDataset(file, readDecisions(file), out, sources);
  expect(said(own)).toBeUndefined();
  expect(said(join(folder, "new"), "captions.csv", own)).toBeUndefined();
  expect(said(applied, "captions.csv")).toBeUndefined();
  for (const out of [other, join(folder, "new")])
    expect(said(out, other, "captions.csv")).toBe(
      `${file} was saved on the page of the data set aaaaaaaaaaaa, which is neither in ${out} nor a source: its decisions are applied to rows of the same names`,
    );
});
