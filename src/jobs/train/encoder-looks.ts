import type { DualEncoderOpener } from "../../engine/dual-encoder.ts";

/** A held-out clip: words that the encoder knows, and its frames when they are asked for. */
export interface HeldOutKeywords {
  readonly words: readonly string[];
  readonly read: () => Promise<readonly Uint8Array[]>;
}

const best = (scores: Float64Array): number => scores.reduce((top, score) => Math.max(top, score), -1);

/**
 * What an encoder makes of held-out clips: `retrieval`, the share of clips that fit their own words better than any other
 * clip with other words does, and `retrievalChance`, what guessing would have.
 */
export const encoderLooks =
  (held: readonly HeldOutKeywords[], opener: DualEncoderOpener, threads: number) =>
  async (folder: string): Promise<Record<string, number>> => {
    if (held.length < 2) return {};
    const encoder = await opener.open(folder, threads);
    try {
      const frames: (readonly Uint8Array[])[] = [];
      for (const { read } of held) frames.push(await read());
      let [right, chance] = [0, 0];
      for (const [at, { words }] of held.entries()) {
        const text = words.join(" ");
        const rivals = held.flatMap((one, i) => (i === at || one.words.join(" ") !== text ? [i] : []));
        const scores: number[] = [];
        for (const i of rivals) scores.push(best(await encoder.score(frames[i]!, words)));
        const own = scores[rivals.indexOf(at)]!;
        if (scores.every((score, i) => rivals[i] === at || score < own)) right++;
        chance += 1 / rivals.length;
      }
      return { retrieval: right / held.length, retrievalChance: chance / held.length };
    } finally {
      await encoder.close();
    }
  };
