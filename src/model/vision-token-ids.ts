import type { Qwen25VLConfig } from "./qwen2_5_vl/config.ts";

/** Ids that stand for pictures in a prompt; a completion must not have them, since there are no pictures behind them. */
export const visionTokenIds = ({ tokens }: Pick<Qwen25VLConfig, "tokens">): number[] =>
  [tokens.image, tokens.video, tokens.visionStart, tokens.visionEnd].filter((id) => id !== undefined);
