import { closeSync, openSync, readSync } from "node:fs";
import type { SourceFacts } from "../backend/backend.ts";
import type { VideoLimits } from "../limits.ts";
import type { PacketTable } from "../packet-table.ts";
import { inputArguments, runText, start } from "./program.ts";
import { feedShifted } from "./shifted-input.ts";

/** Takes packet `at`; what is given must not be kept. */
type OnPacket = (at: number, data: Uint8Array) => void;

/** In MP4 a packet's place in the file is exact. */
const readInPlace = (
  file: string,
  packets: PacketTable,
  sizes: readonly number[],
  onPacket: OnPacket,
): boolean => {
  const handle = openSync(file, "r");
  let bytes = Buffer.alloc(0);
  try {
    for (const [at, size] of sizes.entries()) {
      const position = packets.position[at]!;
      if (!(position >= 0)) continue;
      if (bytes.length < size) bytes = Buffer.alloc(size * 2);
      onPacket(at, bytes.subarray(0, readSync(handle, bytes, 0, size, position)));
    }
    return true;
  } finally {
    closeSync(handle);
  }
};

/** Elsewhere the ffmpeg program copies the stream's packets one after another. */
const readCopied = async (
  file: string,
  facts: SourceFacts,
  sizes: readonly number[],
  limits: VideoLimits,
  onPacket: OnPacket,
): Promise<boolean> => {
  const { child, ended } = start(
    "ffmpeg",
    [
      ...["-nostdin", "-v", "quiet", "-copyts", ...inputArguments(file, facts.opening, limits)],
      ...["-map", `0:${facts.streamIndex}`, "-c", "copy", "-copyinkf", "-copypriorss", "1"],
      ...["-f", "data", "pipe:1"],
    ],
    0,
  );
  feedShifted(child, file, facts.opening);
  let whole = Buffer.alloc(Math.max(0, ...sizes.slice(0, 1)));
  let at = 0;
  let filled = 0;
  for await (const chunk of child.stdout as AsyncIterable<Buffer>)
    for (let from = 0; from < chunk.length && at < sizes.length; ) {
      const size = sizes[at]!;
      if (whole.length < size) whole = Buffer.concat([whole.subarray(0, filled), Buffer.alloc(size * 2)]);
      const count = chunk.copy(whole, filled, from, from + size - filled);
      from += count;
      filled += count;
      if (filled < size) continue;
      onPacket(at++, whole.subarray(0, size));
      filled = 0;
    }
  await ended;
  return at === sizes.length && filled === 0;
};

/**
 * Hands over the bytes of a stream's packets, which ffprobe lists without them. False when what came does not fit the
 * list: then nothing that was seen may be used.
 */
export const readPacketBytes = async (
  file: string,
  facts: SourceFacts,
  packets: PacketTable,
  sizes: readonly number[],
  limits: VideoLimits,
  onPacket: OnPacket,
): Promise<boolean> =>
  facts.container.startsWith("mov")
    ? readInPlace(file, packets, sizes, onPacket)
    : readCopied(file, facts, sizes, limits, onPacket);

/** The codec's private header, which ffprobe shows as lines of a hex dump: offset, groups of two bytes, text. */
export const extradataOf = async (
  file: string,
  facts: SourceFacts,
  limits: VideoLimits,
): Promise<Uint8Array | undefined> => {
  const what = ["-select_streams", String(facts.streamIndex), "-show_entries", "stream=extradata"];
  const args = ["-v", "quiet", ...what, "-show_data", "-of", "default=nk=1:nw=1"];
  const input = { file, opening: facts.opening };
  const { text } = await runText("ffprobe", [...args, ...inputArguments(file, facts.opening, limits)], input);
  const bytes = text
    .split("\n")
    .flatMap((line) => /^[0-9a-f]{8}: ((?:[0-9a-f]{2,4} ?)+)/.exec(line)?.[1] ?? [])
    .map((groups) => groups.replaceAll(" ", ""));
  return bytes.length === 0 ? undefined : Uint8Array.from(Buffer.from(bytes.join(""), "hex"));
};
