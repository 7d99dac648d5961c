import type { ChildProcess } from "node:child_process";
import { createReadStream } from "node:fs";
import { pipeline, Transform } from "node:stream";
import type { Opening } from "../backend/backend.ts";
import type { FragmentShift } from "../container/fragment-clock.ts";

const patchOf = ({ bytes, start, ticks }: FragmentShift): Buffer => {
  const patch = Buffer.alloc(bytes);
  if (bytes === 8) patch.writeBigUInt64BE(BigInt(start + ticks));
  else patch.writeUInt32BE((start + ticks) % 2 ** 32);
  return patch;
};

/** Writes other start times over those of a file's fragments while it flows by. */
const shifting = (shifts: readonly FragmentShift[]): Transform => {
  const patches = shifts
    .map((shift) => ({ at: shift.at, patch: patchOf(shift) }))
    .sort((a, b) => a.at - b.at);
  let position = 0;
  let next = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const end = position + chunk.length;
      for (let i = next; i < patches.length && patches[i]!.at < end; i++) {
        const { at, patch } = patches[i]!;
        if (at + patch.length <= end) next = i + 1;
        for (let k = 0; k < patch.length; k++) {
          const place = at + k - position;
          if (place >= 0 && place < chunk.length) chunk[place] = patch[k]!;
        }
      }
      position = end;
      done(null, chunk);
    },
  });
};

/** Gives a program its input: none, or the file with the times of its fragments mended. */
export const feedShifted = (child: ChildProcess, file: string, opening: Opening): void => {
  const stdin = child.stdin!;
  if (opening.shifts === undefined) {
    stdin.end();
    return;
  }
  const source = createReadStream(file, { highWaterMark: 1 << 18 });
  // A program that has read enough closes the pipe.
  pipeline(source, shifting(opening.shifts), stdin, () => {});
};
