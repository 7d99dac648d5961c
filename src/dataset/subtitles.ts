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

/** Begins a block of WebVTT that is no cue. */
const noCue = /^(WEBVTT|NOTE|STYLE|REGION)\b/;

/** A cue and where it stands; words without times are `lost`. */
type Piece = { readonly line: number } & (
  | { readonly times: RegExpExecArray; readonly words: readonly string[] }
  | { readonly lost: string }
);

function* piecesOf(lines: readonly string[]): Generator<Piece> {
  const timesAt = (at: number): RegExpExecArray | null => cueTimes.exec(lines[at] ?? "");
  const isEmpty = (at: number): boolean => lines[at]!.trim() === "";
  // WebVTT's cues end at a line without anything: YouTube's begin with one of a space.
  const isWebVtt = lines[0]!.startsWith("WEBVTT");
  const ends = (at: number): boolean => (isWebVtt ? lines[at] === "" : isEmpty(at));
  /** A cue's name or number stands in the line above its times. */
  const begins = (at: number): boolean =>
    timesAt(at) !== null || (/^\s*\d+\s*$/.test(lines[at]!) && timesAt(at + 1) !== null);
  for (let at = 0; at < lines.length; at++) {
    const times = timesAt(at);
    const line = at + 1;
    if (times !== null) {
      const words: string[] = [];
      while (at + 1 < lines.length && !ends(at + 1) && !begins(at + 1)) words.push(lines[++at]!);
      yield { times, words, line };
    } else if (noCue.test(lines[at]!)) while (at + 1 < lines.length && !isEmpty(at + 1)) at++;
    else if (/\D/.test(lines[at]!.trim()) && timesAt(at + 1) === null)
      yield { lost: lines[at]!.trim(), line };
  }
}

/**
 * The cues of a subtitle file (SubRip or WebVTT) as events: when something happens and what. Cues without words are
 * left out.
 *
 * @throws {DataFormatError} naming `file:line` of a cue that ends before it starts or of words without times, and for a text
 *   without cues
 */
export const readSubtitles = (text: string, file: string): EventSpan[] => {
  const pieces = [...piecesOf(text.split(/\r\n|\n|\r/))];
  const expected = "cues such as 00:00:01.000 --> 00:00:02.000";
  if (pieces.every((piece) => "lost" in piece))
    throw new DataFormatError("no subtitles", { where: file, expected });
  return pieces.flatMap((piece): EventSpan[] => {
    const where = `${file}:${piece.line}`;
    if ("lost" in piece)
      throw new DataFormatError("words without times", { where, expected, got: piece.lost.slice(0, 80) });
    const startSeconds = secondsOf(piece.times.slice(1, 5));
    const endSeconds = secondsOf(piece.times.slice(5, 9));
    if (endSeconds <= startSeconds)
      throw new DataFormatError("a cue ends before it starts", { where, got: piece.times[0].trim() });
    const what = wordsOf(piece.words);
    return what === "" ? [] : [{ startSeconds, endSeconds, what }];
  });
};
