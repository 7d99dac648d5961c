import { expect, test } from "vitest";
import { questionText } from "../../../src/dataset/question.ts";
import type { Message } from "../../../src/dataset/sample.ts";

const said = (role: Message["role"], ...texts: readonly string[]): Message => ({
  role,
  content: texts.map((text) =>
    text === "<video>" ? { type: "video", video: "a.mp4" } : { type: "text", text },
  ),
});

test.each([
  ["pictures are no text", [said("user", "<video>", "What moves?")], "What moves?"],
  [
    "texts between pictures are joined",
    [said("user", "Before", "<video>", "and after?")],
    "Before and after?",
  ],
  ["what the system says is no question", [said("system", "Be brief."), said("user", "Why?")], "Why?"],
  [
    "of several turns the last",
    [said("user", "Who?"), said("assistant", "A disc."), said("user", "Where?")],
    "Where?",
  ],
  ["an answer at the end is none", [said("user", "Who?"), said("assistant", "A disc.")], "Who?"],
  ["no user, no question", [said("system", "Be brief.")], ""],
])("%s", (_, messages, text) => {
  expect(questionText({ messages })).toBe(text);
});
