import { DataFormatError } from "../core/errors.ts";
import type { EventSpan } from "./sample.ts";

const clock = /(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})/;
const cueTimes = new RegExp(`^\\s*${clock.source}\\s*-->\\s*${clock.source}`);

const secondsOf = (groups: readonly (string | undefined)[]): number => {
  const [hours = "0", minutes = "0", seconds = "0", fraction = "0"] = groups;
  return (
    Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds) + Number(fraction) / 10 ** fraction.length
  );
};

const aloneClock = /^(?:(\d+):)?(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?$/;

/** Seconds of `hours:minutes:seconds.fraction`, hours and fraction left out or not; undefined for anything else. */
export const secondsOfClock = (written: string): number | undefined => {
  const found = aloneClock.exec(written);
  return found === null ? undefined : secondsOf(found.slice(1, 5));
};

/** The cue's words: tags and positions of SubRip and WebVTT say how it looks, not what it says. */
const wordsOf = (lines: readonly string[]): string =>
  lines
    .join(" ")
    .replace(/<[^>]*>|\{\\[^}]*\}/g, "")
    .replace(/\s+/g, " ")
    .trim();

/**
 * The cues of a subtitle file (SubRip or WebVTT) as events: when something happens and what. Cues without words are
 * left out.
 *
 * @throws {DataFormatError} naming `file:line` of a cue that ends before it starts, and for a text without cues
 */
export const readSubtitles = (text: string, file: string): EventSpan[] => {
  const lines = text.split(/\r\n|\n|\r/);
  const events: EventSpan[] = [];
  let cues = 0;
  for (let at = 0; at < lines.length; at++) {
    const times = cueTimes.exec(lines[at]!);
    if (times === null) continue;
    const where = `${file}:${at + 1}`;
    cues++;
    const words: string[] = [];
    while (lines[at + 1] !== undefined && lines[at + 1]!.trim() !== "") words.push(lines[++at]!);
    const startSeconds = secondsOf(times.slice(1, 5));
    const endSeconds = secondsOf(times.slice(5, 9));
    if (endSeconds <= startSeconds)
      throw new DataFormatError("a cue ends before it starts", { where, got: times[0].trim() });
    const what = wordsOf(words);
    if (what !== "") events.push({ startSeconds, endSeconds, what });
  }
  if (cues === 0)
    throw new DataFormatError("no subtitles", {
      where: file,
      expected: "cues such as 00:00:01.000 --> 00:00:02.000",
    });
  return events;
};
