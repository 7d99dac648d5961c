/** A small data set for `train`: clips of three sizes, two of them in one conversation, several turns, an image, text alone. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { sha256 } from "../src/core/files.ts";
import { frameIndex, seconds } from "../src/core/units.ts";
import type { AbsentReference, Message, Sample } from "../src/dataset/sample.ts";
import { DatasetWriter } from "../src/dataset/write.ts";
import { openVideoService } from "../src/video/service.ts";
import { timelineFromTimes } from "../src/video/timeline.ts";
import { tinyHubModel } from "./hub-model.ts";

const words =
  "what happens ? a red green blue disc comes late goes early be brief then picture no clip . word".split(
    " ",
  );
/** Clips of three sizes: a disc of a colour that comes early or late. */
export const trainingClips = [
  { colour: [230, 30, 30], late: false, width: 64, height: 48, answer: "a red disc comes early ." },
  { colour: [30, 220, 30], late: true, width: 48, height: 64, answer: "a green disc comes late ." },
  { colour: [40, 40, 230], late: false, width: 96, height: 40, answer: "then a blue disc goes early ." },
] as const;
const [count, rate] = [24, 8];
const timeline = timelineFromTimes(Float64Array.from({ length: count }, (_, i) => i / rate));

const writeClip = async (
  file: string,
  { colour, late, width, height }: (typeof trainingClips)[number],
): Promise<void> => {
  const pixels = new Uint8Array(count * width * height * 3).fill(110);
  const from = late ? 14 : 4;
  for (let t = from; t < from + 8; t++)
    for (let y = 8; y < 32; y++)
      for (let x = 12; x < 36; x++) pixels.set(colour, ((t * height + y) * width + x) * 3);
  const frames = Array.from({ length: count }, (_, i) => ({
    index: frameIndex(i),
    timeSeconds: seconds(i / rate),
  }));
  await using video = openVideoService({ workers: 1 });
  await video.write(file, { width, height, frames: [{ pixels, width, height, frames }] });
};

const user = (...content: Message["content"]): Message => ({ role: "user", content });
const text = (words: string): Message["content"][number] => ({ type: "text", text: words });
const said = (words: string): Message => ({ role: "assistant", content: [text(words)] });

/** A random model whose vocabulary is the data set's. */
export const trainingModel = (folder: string): string => tinyHubModel(folder, words);

/** Writes the data set. @returns its folder */
export const makeTrainingSet = async (folder: string): Promise<string> => {
  const set = join(folder, "set");
  mkdirSync(join(set, "clips"), { recursive: true });
  const writer = new DatasetWriter({ folder: set, recipe: { name: "test", params: {} } });
  const common = { answerKind: "open", provenance: {} } as const;
  const references: Sample["clip"][] = [];
  for (const [i, clip] of trainingClips.entries()) {
    const file = `clips/${i}.mp4`;
    await writeClip(join(set, file), clip);
    references.push({ file, sha256: sha256(readFileSync(join(set, file))), timeline });
  }
  const film = (i: number): Message["content"][number] => ({ type: "video", video: `clips/${i}.mp4` });
  const twin = (late: boolean): AbsentReference => {
    const from = late ? 13 : 3;
    const keyFrames = Array.from({ length: 8 }, (_, t) => from + 1 + t);
    const replacements = keyFrames.map((index) => ({ index, from }));
    return { keyFrames, replacements, builder: { name: "span", params: {} } };
  };
  trainingClips.forEach(({ answer, late }, i) => {
    const clip = references[i]!;
    writer.add({
      ...common,
      id: `clip-${i}`,
      clip,
      skill: "dense-caption",
      absent: twin(late),
      keywords: answer.split(" ").slice(-5, -1),
      messages: [user(film(i), text("what happens ?"))],
      answer,
    });
    writer.add({
      ...common,
      id: `late-${i}`,
      clip,
      messages: [user(film(i), text("late ?"))],
      absent: twin(late),
      answer: i === 1 ? "late" : "early",
    });
    writer.add({
      ...common,
      id: `held-${i}`,
      clip,
      split: "held-out",
      absent: twin(late),
      messages: [user(film(i), text("early ?"))],
      answer: i === 1 ? "late" : "early",
    });
  });
  await sharp({ create: { width: 70, height: 60, channels: 3, background: "#c03030" } })
    .png()
    .toFile(join(set, "red.png"));
  const clip = references[0]!;
  writer.add({
    ...common,
    id: "turns",
    clip,
    keywords: ["red", "green"],
    messages: [
      { role: "system", content: [text("be brief .")] },
      user(film(0), film(1), text("red ?")),
      said("early"),
      user(text("green ?")),
    ],
    answer: "late",
  });
  writer.add({
    ...common,
    id: "picture",
    clip,
    keywords: ["picture"],
    messages: [user({ type: "image", image: "red.png" }, text("picture ?"))],
    answer: "a red picture",
  });
  writer.add({ ...common, id: "word", clip, messages: [user(text("word ?"))], answer: "no clip" });
  writer.add({
    ...common,
    id: "gone",
    clip: { ...clip, file: "clips/gone.mp4", sha256: "0".repeat(64) },
    messages: [user({ type: "video", video: "clips/gone.mp4" }, text("what ?"))],
    answer: "no",
  });
  await writer.finish(() => "a test");
  return set;
};
