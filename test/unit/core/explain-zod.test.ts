import { describe, expect, test } from "vitest";
import { z } from "zod";
import { explainZod } from "../../../src/core/registry.ts";

const row = z.object({
  kind: z.union([z.string(), z.array(z.string()).length(1)]),
  part: z.union([
    z.strictObject({ type: z.literal("text"), text: z.string() }),
    z.strictObject({ type: z.literal("video"), video: z.string() }),
  ]),
});
const explain = (value: unknown): string => explainZod(row.safeParse(value).error!);
const part = { type: "text", text: "a" };

describe("a failed union says what was expected", () => {
  test.each([
    ["nothing there", { part }, "kind: Invalid input: expected string or array, received undefined"],
    ["another type", { kind: 3, part }, "kind: Invalid input: expected string or array, received number"],
    [
      "the branch that came furthest",
      { kind: ["a", "b"], part },
      "kind: Too big: expected array to have exactly 1 items",
    ],
    [
      "a field within a branch",
      { kind: "a", part: { type: "video", video: 3 } },
      "part.video: Invalid input: expected string, received number",
    ],
  ])("%s", (_, value, message) => {
    expect(explain(value)).toBe(message);
  });
});
