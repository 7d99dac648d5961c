import { expect, test } from "vitest";
import { resolveSettings } from "../../../src/jobs/train/settings.ts";

const resolved = (recipe: string) =>
  resolveSettings({ recipe, model: "", data: ["set"], settings: { extractor: "offline" } }, 10);

test.each(["dpo", "videoperceiver-grpo"])(
  "%s contrasts no clip with words, and refuses what reads them",
  async (recipe) => {
    await expect(resolved(recipe)).rejects.toThrow(/extractor/);
  },
);

test.each(["videoperceiver-sft", "relevance"])(
  "%s reads keywords by the extractor that it is told",
  async (recipe) => {
    expect((await resolved(recipe)).settings["extractor"]).toBe("offline");
  },
);
