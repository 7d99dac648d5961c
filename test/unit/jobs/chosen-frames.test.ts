import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { resizeAntialias } from "../../../src/frames/resize-antialias.ts";
import { unevenFrames } from "../../../src/jobs/ask/chosen-frames.ts";
import { encodePrompt, processorLook } from "../../../src/jobs/ask/processor-prompt.ts";
import { conversationTokens } from "../../../src/model/conversation.ts";
import { familyOf, readConfigFile } from "../../../src/model/families.ts";
import { loadProcessor } from "../../../src/model/processor.ts";
import type { Qwen25VLConfig } from "../../../src/model/qwen2_5_vl/config.ts";
import { loadTokenizer } from "../../../src/text/tokenizer.ts";
import { timelineFromTimes } from "../../../src/video/timeline.ts";
import type { VideoInfo } from "../../../src/video/types.ts";
import { hubModel } from "../../hub-model.ts";

let folder: string;
let model: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "chosen-frames-"));
  model = hubModel(folder, "model", ["what", "happens"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Ten seconds at 8 frames a second. */
const timeline = timelineFromTimes(Float64Array.from({ length: 80 }, (_, i) => i / 8));
const info = { width: 56, height: 56, timeline, averageFps: 8, durationSeconds: 10 } as unknown as VideoInfo;

test("frames that came with a question are looked at, at their own times, and the model's positions follow them", async () => {
  const config = await readConfigFile(model);
  const processor = loadProcessor(model, familyOf(config).processor, resizeAntialias, loadTokenizer(model));
  const depth = processor.settings.temporalPatchSize;
  // Close together, then far apart: steps begin at 0, 0.75, 3.75 and 8.75 s after the first frame.
  const chosen = [4, 5, 10, 11, 34, 50, 74, 79];
  const look = processorLook(processor, info, { chosen, fps: 2 });
  expect(look.indices).toEqual(chosen);
  expect(look.timesSeconds).toEqual(chosen.map((at) => at / 8));
  const { width, height } = look;
  const frames = chosen.map((at) => new Uint8Array(width * height * 3).fill(3 * at));
  const timesOf = ({ ids }: ReturnType<typeof encodePrompt>): number[] => {
    const { columns, ids_BT, positions_3BT } = ids;
    const times = Array.from({ length: columns }, (_, at) =>
      ids_BT[at] === config.tokens.video ? positions_3BT[at]! : -1,
    ).filter((time) => time >= 0);
    return [...new Set(times.map((time) => time - times[0]!))];
  };
  const { indices: _, ...pictures } = look;
  const uneven = encodePrompt(processor, config, { ...pictures, frames }, "what happens");
  const perSecond = (config as Qwen25VLConfig).vision.tokensPerSecond;
  expect(perSecond).toBeGreaterThan(0);
  const stepSeconds = [0, 0.75, 3.75, 8.75];
  expect(timesOf(uneven)).toEqual(stepSeconds.map((time) => Math.floor(time * perSecond)));
  // Without the times, the same pictures would be told as equally far apart.
  const { timesSeconds: __, ...even } = pictures;
  expect(timesOf(encodePrompt(processor, config, { ...even, frames }, "what happens"))).not.toEqual(
    timesOf(uneven),
  );
  // What is learnt and what is asked stand at the same places.
  const { framesPerSecond, stepSeconds: learnt } = unevenFrames(look.timesSeconds!, depth, 8);
  expect(learnt).toEqual(stepSeconds);
  const visual = { kind: "video", size: { width, height }, frames: chosen.length, framesPerSecond } as const;
  const tokens = conversationTokens(
    [
      {
        role: "user",
        content: [
          { type: "video", video: "clip" },
          { type: "text", text: "what happens" },
        ],
      },
    ],
    [{ ...visual, stepSeconds: learnt }],
    processor,
    config,
    true,
  );
  expect(Array.from(tokens.positions)).toEqual(Array.from(uneven.ids.positions_3BT));
});
