/**
 * Where the tokens of clips and their texts stand, what each sees and at which position.
 *
 * A sample's sequence: the clip's prefix, its texts one behind the other, padding; then the tail of what is only
 * contrasted: the absent twin's prefix, the complete clip's once more under dropout, the keywords.
 */

import type { ClipPatches } from "../frames/clip-patches.ts";
import { BatchRows, everywhere, type Triple } from "./batch-rows.ts";
import type { BatchRules } from "./batch-rules.ts";
import { MediaSteps, mediaStep } from "./media-step.ts";
import type {
  ClipSegments,
  ScoredToken,
  SegmentGroupName,
  SegmentOptions,
  SegmentTokens,
  TextSegment,
} from "./segments.ts";
import { type SegmentsSizes, segmentsSizes } from "./segments-sizes.ts";
import { blankSource } from "./token-batch.ts";

/** Position triples of a clip's prefix, and where text goes on. */
interface PrefixPositions {
  readonly at: (index: number) => Triple;
  readonly next: number;
}

const prefixPositions = (clip: ClipPatches, tokens: SegmentTokens, rules: BatchRules): PrefixPositions => {
  const { steps, rows, columns, secondsPerStep } = clip;
  const visualTokens = (steps.length * rows * columns) / rules.mergeSize ** 2;
  const ids = [tokens.visionStart, ...new Array<number>(visualTokens).fill(tokens.video), tokens.visionEnd];
  const { positions_3BT, next_B } = rules.positions({
    rows: 1,
    columns: ids.length,
    inputIds_BT: ids,
    videoGrids: [[steps.length, rows, columns]],
    secondsPerGrid: [secondsPerStep],
  });
  const at = (index: number): Triple => [
    positions_3BT[index]!,
    positions_3BT[ids.length + index]!,
    positions_3BT[2 * ids.length + index]!,
  ];
  return { at, next: next_B[0]! };
};

/** A clip's prefix to be written: where in its sample, which token ends it, and which visual tokens stand in it. */
interface Prefix {
  readonly start: number;
  readonly end: number;
  readonly endBlock: number;
  readonly source: (step: number, unit: number) => number;
}

/** Lays out a batch of clips of one size. */
export class SegmentsLayout {
  readonly sizes: SegmentsSizes;
  readonly rows: BatchRows;
  readonly media: MediaSteps = new MediaSteps();
  /** Rows of the second views that show visual tokens. */
  readonly viewRows: number[] = [];
  readonly scored: ScoredToken[] = [];
  /** Row that predicts each scored token; and the token. */
  readonly scoredRows: number[] = [];
  readonly targets: number[] = [];
  /** Rows of segment ends, one a clip. */
  readonly ends: Readonly<Record<SegmentGroupName, number[]>> = {
    complete: [],
    absent: [],
    view: [],
    keywords: [],
  };
  /** Positions of each sample in use, and the position of what would follow its last text. */
  readonly lengths: { readonly length: number; readonly nextPosition: number }[] = [];
  readonly #tokens: SegmentTokens;
  readonly #positions: readonly PrefixPositions[];
  readonly #isBlind: boolean;

  constructor(clips: readonly ClipSegments[], rules: BatchRules, options: SegmentOptions) {
    this.#tokens = options.tokens;
    this.#isBlind = options.blind === true;
    this.sizes = segmentsSizes(clips, rules, options);
    this.rows = new BatchRows(this.sizes.samples, this.sizes.length);
    this.#positions = clips.map(({ clip }) => prefixPositions(clip, options.tokens, rules));
    const own = clips.map(({ clip }) => clip.steps.map((step) => this.#shown(step, clip)));
    clips.forEach((one, sample) => {
      const source = this.#sourceOf(own[sample]!);
      const shown = one.blind === true ? () => blankSource : source;
      const complete = { start: 0, end: this.#tokens.endComplete, endBlock: 0, source: shown };
      const segment = this.#writePrefix(sample, complete, "complete");
      this.#writeTexts(sample, segment, one.texts);
      this.#writeTail(sample, one, own[sample]!);
    });
  }

  /** Place of a step among those that are encoded. */
  #shown(step: Uint8Array, { rows, columns }: ClipPatches): number {
    return this.#isBlind ? 0 : this.media.add(mediaStep(step, rows, columns));
  }

  #sourceOf(places: readonly number[]): Prefix["source"] {
    if (this.#isBlind) return () => blankSource;
    return (step, unit) => places[step]! * this.sizes.perStep + unit;
  }

  /** Writes a prefix. @returns its segment */
  #writePrefix(sample: number, { start, end, endBlock, source }: Prefix, group: SegmentGroupName): number {
    const { steps, perStep, prefix, length } = this.sizes;
    const { at: positionAt, next } = this.#positions[sample]!;
    const { visionStart, visionEnd, video } = this.#tokens;
    const segment = this.rows.segment(-1, endBlock);
    const first = sample * length + start;
    this.rows.place(first, segment, visionStart, positionAt(0));
    for (let step = 0; step < steps; step++)
      for (let unit = 0; unit < perStep; unit++) {
        const at = 1 + step * perStep + unit;
        const shown = source(step, unit);
        this.rows.place(first + at, segment, video, positionAt(at), shown);
        if (group === "view" && shown !== blankSource) this.viewRows.push(first + at);
      }
    this.rows.place(first + prefix - 2, segment, visionEnd, positionAt(prefix - 2));
    this.rows.place(first + prefix - 1, segment, end, everywhere(next));
    this.ends[group].push(first + prefix - 1);
    return segment;
  }

  #writeTexts(sample: number, prefix: number, texts: readonly TextSegment[]): void {
    const first = this.#positions[sample]!.next + 1;
    const sampleStart = sample * this.sizes.length;
    let start = sampleStart + this.sizes.prefix;
    texts.forEach((text, t) => {
      const segment = this.rows.segment(prefix, 0);
      text.tokens.forEach((token, i) => {
        this.rows.place(start + i, segment, token, everywhere(first + i));
        if (i >= text.scoredFrom && i > 0) this.#score({ clip: sample, text: t, token: i }, start, token);
      });
      const count = text.tokens.length;
      if (text.next === true) this.#score({ clip: sample, text: t, token: count }, start, 0);
      start += count;
    });
    const nextPosition = first + (texts.at(-1)?.tokens.length ?? 0);
    this.lengths.push({ length: start - sampleStart, nextPosition });
  }

  #score(scored: ScoredToken, textStart: number, target: number): void {
    this.scored.push(scored);
    this.scoredRows.push(textStart + scored.token - 1);
    this.targets.push(target);
  }

  #writeTail(sample: number, { clip, contrast }: ClipSegments, own: readonly number[]): void {
    const { tail, length } = this.sizes;
    if (tail === undefined) return;
    const { endBlock, absent, view, keywords } = tail;
    const { endAbsent, endComplete, endText } = this.#tokens;
    if (absent !== undefined) {
      const places = [...own];
      for (const [step, patches] of contrast?.absentSteps ?? []) places[step] = this.#shown(patches, clip);
      const twin = { start: absent, end: endAbsent, endBlock, source: this.#sourceOf(places) };
      this.#writePrefix(sample, twin, "absent");
    }
    if (view !== undefined) {
      const again = { start: view, end: endComplete, endBlock, source: this.#sourceOf(own) };
      this.#writePrefix(sample, again, "view");
    }
    if (keywords === undefined) return;
    const segment = this.rows.segment(-1, endBlock);
    const words = [...(contrast?.keywords ?? []), endText];
    const first = sample * length + keywords;
    words.forEach((token, i) => {
      this.rows.place(first + i, segment, token, everywhere(i));
    });
    this.ends.keywords.push(first + words.length - 1);
  }
}
