import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { silentProgress } from "../../../src/core/progress.ts";
import { type ScoreResult, score } from "../../../src/jobs/score.ts";

const folder = mkdtempSync(join(tmpdir(), "tempcompass-"));
afterAll(() => rmSync(folder, { recursive: true }));

const questions = join(folder, "questions");
const said = join(folder, "said");
for (const one of [questions, said]) mkdirSync(one);

/** `[question, reference, answer, right officially, right strictly]` of one video's aspect. */
type Item = readonly [string, string, string, number, number];

const matching = (word: string, marks: readonly [string, string], right: 0 | 1): [string, string] => {
  const options = [`${word} ${marks[0]}: It goes up.`, `${word} ${marks[1]}: It goes down.`];
  return [`Which one fits?\n${options.join("\n")}`, options[right]!];
};

const tasks: Readonly<Record<string, Readonly<Record<string, readonly Item[]>>>> = {
  "multi-choice": { direction: [["Where?\nA. up\nB. down", "B. down", "B", 1, 1]] },
  yes_no: {
    direction: [
      ["Does it go up?", "no", "No, it goes down.", 1, 1],
      ["Does it go down?", "yes", "no", 0, 0],
      // The original takes everything that begins so.
      ["Does it go left?", "no", "Not sure", 1, 0],
    ],
    speed: [
      ["Is it fast?", "yes", "YES.", 1, 1],
      ["Is it slow?", "yes", "The answer is yes.", 0, 1],
    ],
  },
  caption_matching: {
    direction: [
      [...matching("Caption", ["A", "B"], 1), "Caption B: It goes down.", 1, 1],
      [...matching("Option", ["1", "2"], 1), "Option 2", 1, 1],
      [...matching("Sentence", ["A", "B"], 0), "It goes up.", 1, 1],
      // Officially a language model reads these three.
      [...matching("Sentence", ["A", "B"], 0), "Sentence A.", 0, 1],
      [...matching("Caption", ["A", "B"], 1), "Caption B matches the video better as it falls.", 0, 1],
      [...matching("Option", ["1", "2"], 1), "2", 0, 1],
      [...matching("Option", ["1", "2"], 0), "Option 2: It goes down.", 0, 0],
      [...matching("Option", ["1", "2"], 0), "Option 1: It goes down.", 0, 0],
    ],
  },
  captioning: {
    action: [
      [
        "Write a caption.\nInformation A: {'action': 'a jump'}\nInformation B: {'action': 'a fall'}\nGenerated Caption:",
        "B. a fall",
        "Somebody falls.",
        0,
        0,
      ],
    ],
  },
};

for (const [task, aspects] of Object.entries(tasks)) {
  const video = (of: (item: Item) => object): string =>
    JSON.stringify({
      "7": Object.fromEntries(Object.entries(aspects).map(([aspect, items]) => [aspect, items.map(of)])),
    });
  const annotation = ([question, answer]: Item): object => ({ question, answer });
  writeFileSync(join(questions, `${task}.json`), video(annotation));
  writeFileSync(
    join(said, `${task}.json`),
    video((item) => ({ ...annotation(item), prediction: item[2] })),
  );
}

const scored = (
  mode: "strict" | "official",
  annotations: string,
  predictions: string,
): Promise<ScoreResult> =>
  score(
    { benchmark: "tempcompass", annotations, predictions, mode },
    { signal: new AbortController().signal, progress: () => silentProgress, warn: () => {} },
  );

const idsOf = (task: string): [string, Item][] =>
  Object.entries(tasks[task]!).flatMap(([aspect, items]) =>
    items.map((item, at): [string, Item] => [
      `${task === "multi-choice" ? "" : `${task}/`}7/${aspect}/${at}`,
      item,
    ]),
  );

test.each(["multi-choice", "yes_no", "caption_matching"])(
  "TempCompass's %s: every answer by the official rule without its language model, and by ours",
  async (task) => {
    const { records, unknown, missing } = await scored(
      "official",
      join(questions, `${task}.json`),
      join(said, `${task}.json`),
    );
    expect({ unknown, missing }).toEqual({ unknown: 0, missing: 0 });
    expect(
      records.map(({ questionId, correctOfficial, correct, rawOutput }) => [
        questionId,
        rawOutput,
        Number(correctOfficial),
        Number(correct),
      ]),
    ).toEqual(idsOf(task).map(([id, [, , answer, official, strict]]) => [id, answer, official, strict]));
  },
);

test("a folder has every task: averages by task and aspect; captions are named and not scored", async () => {
  const result = await scored("official", questions, said);
  expect(result).toMatchObject({ scored: 14, withoutPublishedAnswer: 1, unknown: 0 });
  expect(
    Object.fromEntries(result.skills.map(({ skill, accuracy }) => [skill, accuracy.value])),
  ).toMatchObject({
    direction: 1,
    "yes_no/direction": 2 / 3,
    "yes_no/speed": 1 / 2,
    "caption_matching/direction": 3 / 8,
  });
  expect(result.metrics.find(({ name }) => name === "task-average")!.value!.value).toBeCloseTo(
    (1 + 3 / 5 + 3 / 8) / 3,
    12,
  );
  expect(result.irregular.map(({ what, ids }) => [what, ids])).toEqual([
    [
      "captioning: scored by a language model that reads the caption, with judged=true (not scored)",
      ["captioning/7/action/0"],
    ],
  ]);
});

test("answers to another task are not taken for these questions", async () => {
  await expect(
    scored("official", join(questions, "yes_no.json"), join(said, "multi-choice.json")),
  ).rejects.toThrow("no prediction belongs to a question");
});

test("answers without their questions belong to the task that their file is named after", async () => {
  const bare = join(folder, "my-yes_no.json");
  writeFileSync(
    bare,
    JSON.stringify({ "7": { direction: [{ response: "No" }, { response: "yes" }, { response: "no" }] } }),
  );
  const { records } = await scored("official", join(questions, "yes_no.json"), bare);
  expect(records.map(({ outcome }) => outcome)).toEqual(["right", "right", "right", "missing", "missing"]);
});
