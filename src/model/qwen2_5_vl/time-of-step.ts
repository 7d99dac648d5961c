import type { PositionRule } from "../position-rule.ts";
import type { Qwen25VLConfig } from "./config.ts";

/**
 * Position in time of a temporal step, from the start of its clip. The product is float32 as in PyTorch; which
 * factors are multiplied first differs between the versions and can change the truncated result.
 */
export const timeOfStep = (
  step: number,
  secondsPerGrid: number,
  { vision: { tokensPerSecond } }: Qwen25VLConfig,
  rule: PositionRule,
): number => {
  const seconds = Math.fround(secondsPerGrid);
  switch (rule) {
    case "trained":
      return Math.trunc(Math.fround(Math.fround(step * seconds) * tokensPerSecond));
    case "transformers-4.52":
    case "transformers-5.8":
      return step * Math.trunc(seconds) * tokensPerSecond;
    case "transformers-5.23":
      return Math.trunc(Math.fround(step * Math.fround(tokensPerSecond * seconds)));
  }
};
