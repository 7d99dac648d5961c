import { expect, test } from "vitest";
import { progressDisplay } from "../../../src/cli/progress-display.ts";
import { sparkline } from "../../../src/cli/sparkline.ts";

/** A stream that keeps what is written; as a terminal or not. */
const kept = (isTTY: boolean): { readonly stream: NodeJS.WriteStream; readonly text: () => string } => {
  let text = "";
  const write = (piece: string): boolean => {
    text += piece;
    return true;
  };
  return { stream: { isTTY, columns: 100, write } as unknown as NodeJS.WriteStream, text: () => text };
};

const train = (isTTY: boolean): string => {
  const { stream, text } = kept(isTTY);
  const display = progressDisplay("sft", "steps", stream);
  display.numbers({ "validation/loss": 2 });
  for (let step = 1; step <= 4; step++) {
    display.numbers({ loss: 4 - step, gradientNorm: Number.NaN, learningRate: 1 });
    if (step === 3) display.log("step 3: looked");
    display.update(step, 4, `loss ${4 - step}`);
  }
  display.stop();
  return text();
};

test("a terminal sees bar, courses and their last numbers; what is logged stands above them", () => {
  const text = train(true);
  expect(text).toContain("4/4 steps  loss 0");
  expect(text).toMatch(/loss {2}█▆▃▁ {2}0\.000/);
  expect(text).toMatch(/held-out loss {2}▄ {2}2\.000/);
  expect(text).toMatch(/gradient norm {4}NaN/);
  expect(text).not.toContain("learningRate");
  expect(text).toContain("step 3: looked\n");
});

test("elsewhere there are plain lines", () => {
  expect(train(false)).toBe("sft: 1/4 steps  loss 3\nstep 3: looked\nsft: 4/4 steps  loss 0\n");
});

test("a line of blocks spans from the least to the largest value", () => {
  expect(sparkline([0, 1, 2, 3, 4, 5, 6, 7], 8)).toBe("▁▂▃▄▅▆▇█");
  expect(sparkline([7, Number.NaN, 0, Number.POSITIVE_INFINITY], 8)).toBe("█▁");
  expect(sparkline([5, 5, 5], 8)).toBe("▄▄▄");
  expect(sparkline([], 8)).toBe("");
  // Averaged by pairs.
  expect(sparkline([0, 2, 8, 8], 2)).toBe("▁█");
  expect(
    sparkline(
      Array.from({ length: 1000 }, (_, i) => i),
      60,
    ),
  ).toHaveLength(60);
});
