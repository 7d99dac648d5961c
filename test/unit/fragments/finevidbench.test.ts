import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { verbLemma } from "../../../src/absent/language/tagger.ts";
import { installedWordNet } from "../../../src/absent/language/wordnet.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { fineVidBenchTasks } from "../../../src/evaluation/finevidbench-layout.ts";
import {
  actionClassOf,
  bareVerb,
  gerundOf,
  readEffects,
  readVisualSynonyms,
} from "../../../src/fragments/finevidbench/actions.ts";
import {
  benchmarkFragments,
  fragmentQuestionNames,
} from "../../../src/fragments/finevidbench/fragment-questions.ts";
import {
  actionQuestionOf,
  chooseActions,
  chooseEffects,
  effectQuestionOf,
  type SceneClip,
  type SceneMeans,
  speedQuestionOf,
} from "../../../src/fragments/finevidbench/scene-questions.ts";
import {
  blendedPicture,
  filmSpeeds,
  planSpeeds,
} from "../../../src/fragments/finevidbench/speed-variants.ts";
import { mayBeOne } from "../../../src/jobs/finevidbench/labels.ts";

const wordNet = installedWordNet();
const synonyms = readVisualSynonyms();
const areAlike = mayBeOne();

describe("the list of visual synonyms", () => {
  const pairs = synonyms.actions.flatMap((action) =>
    synonyms.of(action).map((other) => [action, other] as const),
  );
  test("holds 60 pairs and more, each both ways and once", () => {
    expect(pairs.length / 2).toBeGreaterThanOrEqual(60);
    for (const [action, other] of pairs) expect(synonyms.of(other)).toContain(action);
    const keys = pairs.map((pair) => [...pair].sort().join("|"));
    for (const key of new Set(keys)) expect(keys.filter((one) => one === key)).toHaveLength(2);
  });
  test("names verbs by their lemmas, and says them as options do", () => {
    for (const action of synonyms.actions) {
      const verb = bareVerb(action);
      expect(wordNet.has(verb, "verb"), action).toBe(true);
      expect(action).toMatch(/^[a-z]+( [a-z]+)?$/);
      expect(verbLemma(bareVerb(gerundOf(action)), wordNet), gerundOf(action)).toBe(verb);
    }
    expect(["lie down", "run", "dye", "arm-wrestle", "open", "knit"].map(gerundOf)).toEqual([
      "lying down",
      "running",
      "dyeing",
      "arm-wrestling",
      "opening",
      "knitting",
    ]);
  });
  test("pairs nothing that one word can say: then both would be right", () => {
    for (const [action, other] of pairs) expect(areAlike(action, other), `${action}, ${other}`).toBe(false);
  });
  test("a person's own pairs come on top; the same pair twice, turned round, is refused with its line", () => {
    const folder = mkdtempSync(join(tmpdir(), "synonyms-"));
    const file = join(folder, "own.csv");
    writeFileSync(file, "one,other,motion\nski,snowboard,a body slides down a slope\n");
    expect(readVisualSynonyms(file).of("snowboard")).toEqual(["ski"]);
    writeFileSync(file, "one,other,motion\nwipe,wave,again\n");
    expect(() => readVisualSynonyms(file)).toThrow(/own\.csv:2.*wipe, wave/);
    rmSync(folder, { recursive: true });
  });
});

test("effects: the last action first, none whose opposite happens too; both sides have verbs", () => {
  const effects = readEffects();
  expect(effects.of(["open"])[0]!.change).toContain("is open");
  expect(effects.of(["close"])[0]).toEqual({
    change: effects.of(["open"])[0]!.opposite,
    opposite: effects.of(["open"])[0]!.change,
  });
  expect(effects.of(["raise", "lower"])).toEqual([]);
  expect(effects.of(["rub", "lower"])).toHaveLength(1);
  expect(effects.of(["sneeze"])).toEqual([]);
  expect(new Set(effects.all.flatMap(({ change, opposite }) => [change, opposite])).size).toBe(
    2 * effects.all.length,
  );
  expect(["hold up", "put", "juggle"].map(actionClassOf)).toEqual([
    "slight-movement",
    "non-typical",
    "distinctive",
  ]);
});

test("the fragment tasks that are made are those of the benchmark's table, in one order", () => {
  expect(fineVidBenchTasks.fragment).toEqual(fragmentQuestionNames);
});

describe("scene questions", () => {
  const means: SceneMeans = { seed: 5, synonyms, areAlike };
  const verbs = [
    "wave",
    "throw",
    "rub",
    "jump",
    "drop",
    "wave",
    "pour",
    "walk",
    "kick",
    "fall",
    "wave",
    "open",
  ];
  const clips = verbs.map(
    (verb, position): SceneClip => ({
      position,
      actions: position === 3 ? [verb, "stumble"] : [verb],
      effect: readEffects().of([verb])[0],
    }),
  );
  const chosen = chooseActions(clips, means);
  test("three wrong actions, at least one a visual synonym, none that the clip shows", () => {
    for (const { position, actions } of clips) {
      const choice = chosen.get(position)!;
      if ("ruleId" in choice) throw new Error(choice.reason);
      expect(choice.wrong).toHaveLength(3);
      expect(choice.wrong.some((one) => synonyms.of(choice.action).includes(one))).toBe(true);
      for (const one of choice.wrong) for (const own of actions) expect(areAlike(one, own)).toBe(false);
    }
  });
  test("unlabelled clips, and actions that no list has, say why", () => {
    const odd = chooseActions(
      [
        { position: 0, actions: [], effect: undefined },
        { position: 1, actions: ["photosynthesize"], effect: undefined },
      ],
      means,
    );
    expect([odd.get(0), odd.get(1)]).toMatchObject([{ ruleId: "no-label" }, { ruleId: "no-synonym" }]);
  });
  test("one clip alone, and clips that all show one action, still get four different options", () => {
    for (const count of [1, 5]) {
      const same = Array.from({ length: count }, (_, position) => ({ ...clips[0]!, position }));
      for (const choice of chooseActions(same, means).values()) {
        if ("ruleId" in choice) throw new Error(choice.reason);
        expect(new Set([choice.action, ...choice.wrong]).size).toBe(4);
      }
    }
  });
  test("every letter is right equally often, in every task; the right text stands at the letter", () => {
    const [action] = [...chosen.values()];
    if (action === undefined || "ruleId" in action) throw new Error("no action");
    const other = chooseEffects(clips, readEffects().all, means);
    const effect = clips.find((clip) => clip.effect !== undefined)!;
    const made = Array.from({ length: 40 }, (_, number) => ({
      action: actionQuestionOf(action, number, means),
      effect: effectQuestionOf(effect.effect!, other.get(effect.position)!, number, 5),
      speed: speedQuestionOf(filmSpeeds[number % 4]!, number, 5),
    }));
    for (const task of ["action", "effect", "speed"] as const) {
      const letters = Map.groupBy(made, (one) => one[task].answer);
      for (const letter of "ABCD") expect(letters.get(letter)).toHaveLength(10);
      for (const one of made) expect(new Set(one[task].options).size).toBe(4);
    }
    for (const { action: asked, effect: changed } of made) {
      expect(asked.options[asked.answer.charCodeAt(0) - 65]).toBe(gerundOf(action.action));
      expect(changed.options[changed.answer.charCodeAt(0) - 65]).toBe(effect.effect!.change);
    }
  });
});

describe("films at all speeds", () => {
  const still = () => 0;
  test.each([
    [240, 1 / 30],
    [60, 1 / 25],
    [47, 1 / 30],
    [18, 1 / 10],
  ])(
    "%i frames: equally many pictures, blended alike, inside the source; the pace is the speed",
    (count, step) => {
      const { films, stepSeconds } = planSpeeds(count, step, still, seededRandom("plan"))!;
      const shares = filmSpeeds.map(
        (speed) => new Set(films[speed].map(({ share }) => Math.min(share, 1 - share))),
      );
      for (const one of shares) expect([...one]).toEqual([0.25]);
      expect(new Set(filmSpeeds.map((speed) => films[speed].length)).size).toBe(1);
      const places = filmSpeeds.map((speed) => films[speed].map(({ at, share }) => at + share));
      for (const { at } of filmSpeeds.flatMap((speed) => films[speed])) {
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at + 1).toBeLessThan(count);
      }
      const pace = places.map(
        (film) => ((film.at(-1)! - film[0]!) * step) / ((film.length - 1) * stepSeconds),
      );
      [0.5, 1, 2, 0].forEach((wanted, at) => {
        expect(Math.abs(pace[at]! - wanted)).toBeLessThan(0.08);
      });
      expect((films.slow.length - 1) * stepSeconds).toBeLessThanOrEqual(3);
    },
  );
  test("too few frames give none; slow films stand where most moves", () => {
    expect(planSpeeds(15, 1 / 10, still, seededRandom("few"))).toBeUndefined();
    const late = planSpeeds(240, 1 / 30, (start, end) => (start + end > 400 ? 1 : 0), seededRandom("late"))!;
    expect(late.films.slow[0]!.at + late.films.slow.at(-1)!.at).toBeGreaterThan(400);
  });
  test("no two pictures are the same bytes, and grain changes no mean", () => {
    const grey = new Uint8Array(30_000).fill(100);
    const random = seededRandom("grain");
    const [one, two] = [
      blendedPicture(grey, grey, 0.25, random.fork(1)),
      blendedPicture(grey, grey, 0.25, random.fork(2)),
    ];
    expect(Buffer.compare(one, two)).not.toBe(0);
    for (const picture of [one, two])
      expect(picture.reduce((sum, value) => sum + value, 0) / picture.length).toBeCloseTo(100, 0);
  });
});

test("fragment questions: a choice wherever there can be one; every answer about equally often", async () => {
  const tasks = await benchmarkFragments();
  for (const name of fragmentQuestionNames) {
    const task = tasks[name];
    const [least, most] = task.frames;
    const answers = new Map<string, number>();
    for (let n = 0; n < 600; n++) {
      const frames = least + (n % (most - least + 1));
      const random = seededRandom("draw", name, n);
      const draft = task.draw({ frames, balanced: (count) => n % count, random });
      expect(draft.options === undefined).toBe(name === "rearrangement");
      expect(draft.question).not.toMatch(/answer/i);
      if (name === "frame-count")
        expect(draft.options![draft.answer.charCodeAt(0) - 65]).toBe(String(draft.shown.length));
      if (name === "meaning-of-order") {
        const wanted = draft.drawn["asked"] === "first" ? 0 : frames - 1;
        expect(draft.shown[draft.answer.charCodeAt(0) - 65]).toBe(wanted);
      }
      const key = name === "rearrangement" ? `${frames}: ${draft.answer.split(",")[0]}` : draft.answer;
      answers.set(key, (answers.get(key) ?? 0) + 1);
    }
    if (name === "frame-comparison" || name === "adjust-or-not") expect(answers.get("A")).toBe(300);
    if (name === "frame-count") for (const letter of "ABCD") expect(answers.get(letter)).toBe(150);
  }
});
