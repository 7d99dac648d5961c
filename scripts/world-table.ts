import { writeFileSync } from "node:fs";
import { readSamples } from "../src/dataset/read.ts";

/**
 * Writes the table that a person would have of the first clips of a world: a file and one caption a line, and nothing of
 * what the world knows besides.
 *
 * @returns the mean length of these clips in seconds
 * @throws an Error when the world has fewer clips
 */
export const writeWorldTable = async (world: string, count: number, file: string): Promise<number> => {
  const captions = new Map<string, string>();
  let seconds = 0;
  for await (const { clip, answer, answerKind } of readSamples(world)) {
    if (answerKind !== "open" || captions.has(clip.file)) continue;
    captions.set(clip.file, answer);
    seconds += clip.durationSeconds ?? clip.timeline.at(-1)!.timeSeconds;
    if (captions.size === count) break;
  }
  if (captions.size < count) throw new Error(`the world has captions of ${captions.size} clips only`);
  const rows = [...captions].map(([video, caption]) => `${JSON.stringify({ video, caption })}\n`);
  writeFileSync(file, rows.join(""));
  return seconds / count;
};
