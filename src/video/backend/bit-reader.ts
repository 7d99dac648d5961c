/** The bytes from `from` to `to` without emulation prevention: in H.264 and HEVC 0 0 3 stands for 0 0. */
export const plainBytes = (data: Uint8Array, from: number, to: number): Uint8Array => {
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

/** Reads numbers bit by bit; behind the end there are zeros. */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }
  /** True when more was read than there is. */
  get over(): boolean {
    return this.#at > this.#bytes.length * 8;
  }
  bit(): number {
    const at = this.#at++;
    return ((this.#bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
  }
  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.bit();
    return value;
  }
  skip(count: number): void {
    this.#at += count;
  }
  /** An unsigned Exp-Golomb number. */
  golomb(): number {
    let zeros = 0;
    while (zeros < 31 && this.bit() === 0) zeros++;
    return 2 ** zeros - 1 + this.bits(zeros);
  }
  signedGolomb(): number {
    const value = this.golomb();
    return value % 2 === 1 ? (value + 1) / 2 : -value / 2;
  }
}
