// Asks a subject of one's own, complete and without the decisive frames: what it loses is what it saw.

import {
  accuracyOf,
  type BenchmarkSample,
  correctness,
  evaluate,
  interventionRegistry,
  pairedDifference,
  type Subject,
} from "videoperceiver/evaluation";
import { timelineFromTimes } from "videoperceiver/video";

const timeline = timelineFromTimes([0, 0.5, 1, 1.5]);
const samples = Array.from({ length: 40 }, (_, at): BenchmarkSample => {
  return {
    id: `question ${at}`,
    clip: { file: `clip ${at}`, sha256: String(at).padStart(64, "0"), timeline },
    absent: {
      keyFrames: [2],
      replacements: [{ index: 2, from: 1 }],
      builder: { name: "previous-frame", params: {} },
    },
    messages: [{ role: "user", content: [{ type: "text", text: "Did it flash?" }] }],
    answer: "A",
    answerKind: "choice",
    options: ["yes", "no"],
    provenance: {},
  };
});
/** Says yes when it is shown frame 2, in which the flash is; every fifth time it does not look. */
const subject: Subject = {
  name: "one that looks",
  answer: async (batch) =>
    batch.map(({ sample, view }) => {
      const looks = Number(sample.id.slice(9)) % 5 > 0;
      return { text: looks && view.shown_T.includes(2) ? "yes" : "no", finishReason: "stop" };
    }),
};
const { records } = await evaluate({
  samples,
  subject,
  interventions: await Promise.all(["complete", "absent"].map((name) => interventionRegistry.make(name))),
  frames: { value: () => [0, 1, 2, 3], recipe: { name: "all", params: {} } },
  benchmark: { recipe: { name: "flashes", params: {} }, version: "1", split: null },
  runId: "example",
  seed: 1,
});
const [complete, absent] = ["complete", "absent"].map((name) =>
  correctness(records.filter(({ intervention }) => intervention.name === name)),
);
const percent = (value: number | undefined): string => `${(100 * (value ?? 0)).toFixed(0)} %`;
console.log(
  `right ${percent(accuracyOf(complete!)?.value)}, without the flash ${percent(accuracyOf(absent!)?.value)}; ` +
    `difference ${percent(pairedDifference(complete!, absent!)?.value)}`,
);
