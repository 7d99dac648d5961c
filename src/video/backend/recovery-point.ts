import { BitReader, plainBytes } from "./bit-reader.ts";

/** Supplemental units are small; what lies behind this many bytes is not looked at. */
const longestUnit = 400;

/**
 * True for an H.264 supplemental unit (bytes `from` to `to`, header included) that announces a recovery point which
 * takes more than its own picture: the stream has no whole picture here, it is refreshed piece by piece.
 *
 * @source ITU-T H.264, D.1.8 and D.2.8 (recovery_frame_cnt)
 */
export const isGradualRecovery = (data: Uint8Array, from: number, to: number): boolean => {
  const bytes = plainBytes(data, from + 1, Math.min(to, from + longestUnit, data.length));
  for (let at = 0; at + 2 <= bytes.length; ) {
    const number = (): number => {
      let sum = 0;
      while (bytes[at] === 255) sum += bytes[at++]!;
      return sum + (bytes[at++] ?? 0);
    };
    const type = number();
    const size = number();
    if (type === 6) return new BitReader(bytes.subarray(at, at + size)).golomb() > 0;
    at += size;
  }
  return false;
};
