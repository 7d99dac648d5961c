/**
 * Where the tokens of clips and their texts stand, what each sees and at which position.
 *
 * A sample's sequence: the clip's prefix, its texts one behind the other, padding; then the tail of what is only
 * contrasted: the absent twin's prefix, the complete clip's once more under dropout, the keywords. A blind clip has none.
 */

import { ShapeError } from "../core/errors.ts";
import type { ClipPatches } from "../frames/clip-patches.ts";
import { BatchRows, everywhere, type Triple } from "./batch-rows.ts";
import type { BatchRules } from "./batch-rules.ts";
import { MediaSteps, mediaStep } from "./media-step.ts";
import type {
  ClipSegments,
  ContrastEncoding,
  ScoredToken,
  SegmentGroupName,
  SegmentOptions,
  SegmentTokens,
  TextSegment,
} from "./segments.ts";
import { type SegmentsSizes, segmentsSizes, type TailPlace } from "./segments-sizes.ts";
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

/** A clip's prefix to be written: where, which token ends it, which visual tokens stand in it, what it continues. */
interface Prefix {
  readonly place: TailPlace;
  readonly end: number;
  readonly endBlock: number;
  readonly source: (step: number, unit: number) => number;
  /** Segment that it continues, and how far its positions are moved; left out: it begins anew at 0. */
  readonly after?: { readonly segment: number; readonly by: number };
  /** Its rows are those of this group; undefined: of none. */
  readonly group: SegmentGroupName | undefined;
  readonly dropped?: boolean;
}

const moved = ([time, row, column]: Triple, by: number): Triple => [time + by, row + by, column + by];

/** Where what was written ends, and where what follows it goes on. */
interface WrittenText {
  readonly segment: number;
  /** Its last row. */
  readonly end: number;
  /** Position of what follows it. */
  readonly next: number;
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
  /** Rows of segment ends, one for every clip that shows its pictures. */
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
  readonly #encoding: ContrastEncoding;

  constructor(clips: readonly ClipSegments[], rules: BatchRules, options: SegmentOptions) {
    this.#tokens = options.tokens;
    this.#isBlind = options.blind === true;
    this.#encoding = options.encoding ?? "shared";
    this.sizes = segmentsSizes(clips, rules, options);
    this.rows = new BatchRows(this.sizes.samples, this.sizes.length);
    this.#positions = clips.map(({ clip }) => prefixPositions(clip, options.tokens, rules));
    const own = clips.map(({ clip }) => clip.steps.map((step) => this.#shown(step, clip)));
    clips.forEach((one, sample) => {
      const isBlind = this.#isBlind || one.blind === true;
      const segment = this.#writePrefix(sample, {
        place: { turn: 0, start: 0 },
        end: this.#tokens.endComplete,
        endBlock: 0,
        source: isBlind ? () => blankSource : this.#sourceOf(own[sample]!),
        group: isBlind || this.sizes.tail?.first !== undefined ? undefined : "complete",
      });
      this.#writeTexts(sample, segment, one.texts);
      if (!isBlind) this.#writeTail(sample, segment, one, own[sample]!);
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

  /** Row of the batch where a part of a clip starts. */
  #rowOf(clip: number, { turn, start }: TailPlace): number {
    return (turn * this.sizes.clips + clip) * this.sizes.length + start;
  }

  /** Writes a prefix. @returns its segment */
  #writePrefix(clip: number, { place, end, endBlock, source, after, group, dropped }: Prefix): number {
    const { steps, perStep, prefix } = this.sizes;
    const { at: positionAt, next } = this.#positions[clip]!;
    const { visionStart, visionEnd, video } = this.#tokens;
    const segment = this.rows.segment(after?.segment ?? -1, endBlock);
    const first = this.#rowOf(clip, place);
    const by = after?.by ?? 0;
    this.rows.place(first, segment, visionStart, moved(positionAt(0), by));
    for (let step = 0; step < steps; step++)
      for (let unit = 0; unit < perStep; unit++) {
        const at = 1 + step * perStep + unit;
        const shown = source(step, unit);
        this.rows.place(first + at, segment, video, moved(positionAt(at), by), shown);
        if (dropped === true && shown !== blankSource) this.viewRows.push(first + at);
      }
    this.rows.place(first + prefix - 2, segment, visionEnd, moved(positionAt(prefix - 2), by));
    this.rows.place(first + prefix - 1, segment, end, everywhere(next + by));
    if (group !== undefined) this.ends[group].push(first + prefix - 1);
    return segment;
  }

  #writeTexts(sample: number, prefix: number, texts: readonly TextSegment[]): void {
    const clip: WrittenText = {
      segment: prefix,
      end: sample * this.sizes.length + this.sizes.prefix - 1,
      next: this.#positions[sample]!.next + 1,
    };
    const written: WrittenText[] = [];
    let start = clip.end + 1;
    texts.forEach((text, t) => {
      const { continues } = text;
      const before = continues === undefined ? clip : written[continues];
      if (before === undefined)
        throw new ShapeError("a text that goes on from another one", {
          where: `text ${t}`,
          expected: `a text before it, 0 to ${t - 1}`,
          got: String(continues),
        });
      const segment = this.rows.segment(before.segment, 0);
      const count = text.tokens.length;
      const score = (token: number, target: number): void => {
        this.scored.push({ clip: sample, text: t, token });
        this.scoredRows.push(token === 0 ? before.end : start + token - 1);
        this.targets.push(target);
      };
      text.tokens.forEach((token, i) => {
        this.rows.place(start + i, segment, token, everywhere(before.next + i));
        if (i >= text.scoredFrom && (i > 0 || continues !== undefined)) score(i, token);
      });
      if (text.next === true) score(count, 0);
      start += count;
      written.push({ segment, end: count === 0 ? before.end : start - 1, next: before.next + count });
    });
    const length = start - sample * this.sizes.length;
    this.lengths.push({ length, nextPosition: (written.at(-1) ?? clip).next });
  }

  #writeTail(at: number, complete: number, { clip, contrast }: ClipSegments, own: readonly number[]): void {
    const { tail } = this.sizes;
    if (tail === undefined) return;
    const { endBlock, first, absent, view, keywords } = tail;
    const { endAbsent, endComplete, endText } = this.#tokens;
    const isPacked = this.#encoding === "packed";
    const by = this.#positions[at]!.next + 1;
    const again = { end: endComplete, endBlock, source: this.#sourceOf(own), dropped: true };
    let before = complete;
    if (first !== undefined) before = this.#writePrefix(at, { ...again, place: first, group: "complete" });
    if (absent !== undefined) {
      const places = [...own];
      for (const [step, patches] of contrast?.absentSteps ?? []) places[step] = this.#shown(patches, clip);
      const isNamed = isPacked || this.#encoding === "literal";
      before = this.#writePrefix(at, {
        place: absent,
        end: isNamed ? endAbsent : endComplete,
        endBlock,
        source: this.#sourceOf(places),
        group: "absent",
        ...(isPacked ? { after: { segment: before, by } } : {}),
      });
    }
    if (view !== undefined) this.#writePrefix(at, { ...again, place: view, group: "view" });
    if (keywords === undefined) return;
    const segment = this.rows.segment(isPacked ? before : -1, endBlock);
    const from = isPacked ? (absent === undefined ? by : 2 * by) : 0;
    const words = [...(contrast?.keywords ?? []), endText];
    const row = this.#rowOf(at, keywords);
    words.forEach((token, i) => {
      this.rows.place(row + i, segment, token, everywhere(from + i));
    });
    this.ends.keywords.push(row + words.length - 1);
  }
}
