import { ShapeError } from "../core/errors.ts";
import { blankSource, paddingSegment, type ScoredRows, type TokenBatch, wordSource } from "./token-batch.ts";

/** Names the first number of a list that is out of range. */
const checkRange = (what: string, values: Int32Array, least: number, below: number): void => {
  const at = values.findIndex((value) => value < least || value >= below);
  if (at >= 0)
    throw new ShapeError(what, {
      where: `number ${at}`,
      expected: `${least} to ${below - 1}`,
      got: String(values[at]),
    });
};

const checkLength = (what: string, values: ArrayLike<number>, length: number): void => {
  if (values.length !== length)
    throw new ShapeError(what, { expected: `${length} numbers`, got: String(values.length) });
};

const checkDrawn = ({ targets, drawn }: ScoredRows): void => {
  if (drawn === undefined) return;
  const { temperature, bannedTokens } = drawn;
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY))
    throw new ShapeError("temperature of scored rows", { expected: "more than 0", got: String(temperature) });
  const banned = new Set(bannedTokens);
  const at = targets.findIndex((target) => banned.has(target));
  if (at >= 0)
    throw new ShapeError("a scored target", {
      where: `number ${at}`,
      expected: "a token that can be drawn",
      got: `${targets[at]}, which is banned`,
    });
};

const checkSegments = ({ samples, length, segments, parents, endBlocks }: TokenBatch): void => {
  checkLength("end blocks of segments", endBlocks, parents.length);
  const owners = new Int32Array(parents.length).fill(-1);
  for (let row = 0; row < samples * length; row++) {
    const segment = segments[row]!;
    if (segment === paddingSegment) continue;
    const sample = Math.floor(row / length);
    if (owners[segment] !== -1 && owners[segment] !== sample)
      throw new ShapeError("a segment in two samples", { where: `segment ${segment}` });
    owners[segment] = sample;
  }
  parents.forEach((parent, segment) => {
    if (parent >= segment || parent < -1)
      throw new ShapeError("parent of a segment", {
        where: `segment ${segment}`,
        expected: "a segment before it, or -1",
        got: String(parent),
      });
    if (parent === -1) return;
    const [own, before] = [endBlocks[segment]!, endBlocks[parent]!];
    if (before !== 0 && (own === 0 || own > before))
      throw new ShapeError("a segment goes on longer than the one that it continues", {
        where: `segment ${segment}`,
        expected: `the end at block ${before} or before`,
        got: own === 0 ? "none" : String(own),
      });
  });
};

/**
 * Checks that the parts of a batch fit together.
 * @throws {ShapeError} naming the part that does not
 */
export const checkBatch = (batch: TokenBatch, mergeSize: number): void => {
  const { samples, length, segments, parents, source, scored, taps, scale } = batch;
  const rows = samples * length;
  checkLength("ids", batch.ids, rows);
  checkLength("positions", batch.positions, 3 * rows);
  checkLength("segments", segments, rows);
  checkLength("sources", source, rows);
  checkRange("segments", segments, paddingSegment, parents.length);
  checkSegments(batch);
  const tokens = batch.media.reduce((sum, step) => sum + (step.rows * step.columns) / mergeSize ** 2, 0);
  checkRange("sources", source, Math.min(wordSource, blankSource), tokens);
  checkLength("targets", scored.targets, scored.rows.length);
  checkRange("scored rows", scored.rows, 0, rows);
  checkDrawn(scored);
  if (new Set(taps.map(({ block }) => block)).size !== taps.length)
    throw new ShapeError("a block is tapped twice");
  for (const { block, groups } of taps)
    for (const group of groups)
      checkRange(`rows "${group.name}" tapped at block ${block}`, group.rows, 0, rows);
  if (scale === undefined) return;
  checkRange("rows under dropout", scale.rows, 0, rows);
  checkLength("bits of dropout", scale.kept, Math.ceil((scale.rows.length * scale.width) / 8));
  if (scale.rows.some((row) => source[row]! < 0)) throw new ShapeError("dropout of a row without a picture");
};
