/** The payload without its emulation prevention bytes: 0 0 3 stands for 0 0. */
const plainBytes = (data: Uint8Array, from: number, to: number): Uint8Array => {
  const plain: number[] = [];
  let zeros = 0;
  for (let at = from; at < to; at++) {
    const byte = data[at]!;
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    plain.push(byte);
  }
  return Uint8Array.from(plain);
};

/** The first Exp-Golomb number. */
const firstNumber = (bytes: Uint8Array): number => {
  let zeros = 0;
  const bit = (at: number): number => ((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  while (zeros < 31 && bit(zeros) === 0) zeros++;
  let value = 0;
  for (let i = 0; i <= zeros; i++) value = value * 2 + bit(zeros + i);
  return value - 1;
};

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
    if (type === 6) return firstNumber(bytes.subarray(at, at + size)) > 0;
    at += size;
  }
  return false;
};
