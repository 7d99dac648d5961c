// Chooses frames as a benchmark's script does, and reads key frames off a curve of scores.
import { seconds } from "videoperceiver";
import { frameSelectors, keyFramesOf } from "videoperceiver/selection";
import { timelineFromTimes } from "videoperceiver/video";

const timeline = timelineFromTimes(Array.from({ length: 100 }, (_, at) => seconds(at / 25)));
const { value: selector } = await frameSelectors.make("qwen_linspace_round");
const chosen = selector.select({ timeline, durationSeconds: 4, budget: 5 });

const scores = timeline.map(({ timeSeconds }) => Math.exp(-8 * (timeSeconds - 2.5) ** 2));
console.log(`looked at: ${chosen.join(" ")}; decisive: ${keyFramesOf(scores).join(" ")}`);
