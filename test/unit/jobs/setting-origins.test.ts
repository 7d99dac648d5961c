import { expect, test } from "vitest";
import { stageSettings } from "../../../src/evaluation/report/settings.ts";
import { stageData } from "../../../src/jobs/quickstart/stage-config.ts";
import { settingOrigins } from "../../../src/jobs/setting-origins.ts";
import recipeFor from "../../../src/recipes/quickstart.ts";
import { sftLosses } from "../../../src/training/contrast.ts";
import { grpoParams } from "../../../src/training/grpo-options.ts";
import { sftParams } from "../../../src/training/sft-options.ts";

const recipe = recipeFor(1, 1);
const { sft, grpo } = recipe;
const relevance = { name: "checkpoint", params: {}, version: "1" };
const { learningRate, ...rl } = grpo;
const schedule = { learningRate, warmupSteps: 1 };
const stageOf = (title: string, options: unknown): Parameters<typeof stageSettings>[0][number] => ({
  title,
  folder: title,
  run: {
    folder: title,
    config: { options, data: stageData(recipe, "hash", { ...recipe.pairs, relevance, seed: 1 }) },
    metrics: [],
    checkpoints: { complete: [], damaged: [] },
    tornBytes: 0,
  },
});

test("every value whose origin is known is an option of a stage, under the name that it has there", () => {
  const settings = stageSettings(
    [
      stageOf("SFT", sftParams.parse({ steps: 1, schedule, ...sftLosses(sft.contrast) })),
      stageOf("RL", grpoParams.parse({ ...rl, schedule })),
    ],
    settingOrigins,
  );
  expect(settings.map(({ name }) => name).sort()).toEqual(settingOrigins.map(({ path }) => path).sort());
  // The quickstart's own temperature is the stated one, its block is not.
  const of = (name: string): unknown => settings.find((one) => one.name === name);
  expect(of("losses.contrastive.temperature")).toMatchObject({ origin: "ours", value: "0.05" });
  expect(of("losses.contrastive.block")).toMatchObject({ origin: "run", value: "2" });
});
