import { describe, expect, test } from "vitest";
import { seededRandom } from "../../src/core/random.ts";
import { balancedDraw } from "../../src/fragments/draw-samples.ts";
import { type FragmentTask, fragmentTasks, type TaskDraft } from "../../src/fragments/fragment-task.ts";
import { gradeAnswer } from "../../src/grading/grade-answer.ts";

const drawnWith = (task: FragmentTask, name: string, count: number): TaskDraft[] => {
  const [least, most] = task.frames;
  return Array.from({ length: count }, (_, number) => {
    const place = { seed: 5, number };
    return task.draw({
      frames: least + balancedDraw(`${name}/frames`, place, most - least + 1),
      balanced: (answers) => balancedDraw(`${name}/answer`, place, answers),
      random: seededRandom(5, name, number),
    });
  });
};

describe.each(fragmentTasks.names())("fragment task %s", (name) => {
  test("says what it is and refuses unknown parameters", async () => {
    const plugin = await fragmentTasks.load(name);
    expect(plugin.summary).not.toBe("");
    expect(plugin.source).not.toBe("");
    await expect(fragmentTasks.make(name, { noSuchParameter: 1 })).rejects.toThrow(`fragment task "${name}"`);
  });

  test("asks what grading reads; shows frames of the fragment; has five wordings; draws the same again", async () => {
    const { value: task } = await fragmentTasks.make(name);
    const drafts = drawnWith(task, name, 400);
    expect(drawnWith(task, name, 400)).toEqual(drafts);
    const [least, most] = task.frames;
    expect(least).toBeGreaterThanOrEqual(1);
    expect(most).toBeGreaterThanOrEqual(least);
    for (const { shown, answer, answerKind, options, question } of drafts) {
      expect(shown.length).toBeGreaterThan(0);
      for (const frame of shown) expect(Number.isInteger(frame) && frame >= 0 && frame < most).toBe(true);
      expect(question.trim()).not.toBe("");
      const asked = { answer, answerKind, ...(options && { options }) };
      expect(gradeAnswer({ ...asked, completion: answer }).correct).toBe(true);
      expect(gradeAnswer({ ...asked, completion: "" }).correct).toBe(false);
    }
    expect(new Set(drafts.map(({ template }) => template)).size).toBe(5);
    expect(new Set(drafts.map(({ question }) => question)).size).toBe(5);
  });

  test("its wording and the number of pictures say nothing of the answer, unless that is what is asked", async () => {
    const { value: task } = await fragmentTasks.make(name);
    const drafts = drawnWith(task, name, 6000);
    const share = (of: readonly TaskDraft[], answer: string): number =>
      of.filter((draft) => draft.answer === answer).length / of.length;
    const told = (key: (draft: TaskDraft) => string): number => {
      const groups = Map.groupBy(drafts, key);
      let most = 0;
      for (const group of groups.values())
        for (const answer of new Set(group.map((draft) => draft.answer)))
          most = Math.max(most, Math.abs(share(group, answer) - share(drafts, answer)));
      return most;
    };
    expect(told(({ template }) => String(template))).toBeLessThan(0.05);
    const yesNo = drafts.every(({ options }) => options !== undefined);
    if (yesNo) {
      expect(Math.abs(share(drafts, "yes") - 0.5)).toBeLessThan(0.001);
      expect(told(({ shown }) => String(shown.length))).toBeLessThan(0.03);
    }
    // A text that names its number of pictures would tell what counting asks for.
    if (!task.labelled) for (const { question } of drafts) expect(question).not.toMatch(/\d/);
  });
});

describe("answers", () => {
  test("of counting are all equally frequent, every place of localization and none as well", async () => {
    const counting = drawnWith((await fragmentTasks.make("counting")).value, "counting", 7000);
    const counts = Map.groupBy(counting, ({ answer }) => answer);
    expect([...counts.keys()].sort()).toEqual(["2", "3", "4", "5", "6", "7", "8"]);
    for (const group of counts.values()) expect(group.length).toBe(1000);
    const { value } = await fragmentTasks.make("localization", { least: 4, most: 4 });
    const places = Map.groupBy(drawnWith(value, "localization", 5000), ({ answer }) => answer);
    expect([...places.keys()].sort()).toEqual(["1", "2", "3", "4", "none"]);
    for (const group of places.values()) expect(Math.abs(group.length - 1000)).toBeLessThan(120);
  });
  test("of localization name the place at which the picture that is looked for stands, and none another one", async () => {
    for (const { shown, answer } of drawnWith((await fragmentTasks.make("localization")).value, "l", 500)) {
      const [target, ...among] = shown;
      expect(new Set(among).size).toBe(among.length);
      if (answer === "none") expect(among).not.toContain(target);
      else expect(among[Number(answer) - 1]).toBe(target);
    }
  });
  test("of consistency are about identity", async () => {
    for (const { shown, answer } of drawnWith((await fragmentTasks.make("consistency")).value, "c", 500))
      expect(shown[0] === shown[1]).toBe(answer === "yes");
  });
  test("of rearrangement bring the frames into their order; each wrong order is equally frequent", async () => {
    const { value } = await fragmentTasks.make("rearrangement", { least: 3, most: 3 });
    const drafts = drawnWith(value, "r", 5000);
    for (const { shown, answer } of drafts)
      expect(answer.split(",").map((label) => shown[Number(label) - 1])).toEqual([0, 1, 2]);
    const orders = Map.groupBy(drafts, ({ shown }) => shown.join());
    expect(orders.size).toBe(5);
    expect(orders.has("0,1,2")).toBe(false);
    for (const group of orders.values()) expect(Math.abs(group.length - 1000)).toBeLessThan(120);
  });
  test("of disorder are about the shown order, and no reversal is shown", async () => {
    for (const { shown, answer } of drawnWith((await fragmentTasks.make("disorder")).value, "d", 2000)) {
      const inOrder = shown.map((_, at) => at);
      expect(shown.join() === inOrder.join()).toBe(answer === "no");
      expect(shown).not.toEqual(inOrder.toReversed());
    }
  });
});
