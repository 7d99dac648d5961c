import { seededRandom } from "../src/core/random.ts";

/** Probability that a frame inside scores above one outside, ties half; undefined without both kinds. */
export const areaUnderCurve = (scores: ArrayLike<number>, inside: readonly boolean[]): number | undefined => {
  let right = 0;
  let pairs = 0;
  for (let i = 0; i < inside.length; i++)
    if (inside[i])
      for (let j = 0; j < inside.length; j++)
        if (!inside[j]) {
          pairs++;
          right += scores[i]! > scores[j]! ? 1 : scores[i] === scores[j] ? 0.5 : 0;
        }
  return pairs === 0 ? undefined : right / pairs;
};

/** Mean over clips with the interval over scenes (95 %) and the number of clips, as text. */
export const interval = (
  rows: readonly { readonly scene: string; readonly value: number | undefined }[],
): string => {
  const known = rows.filter((row): row is { scene: string; value: number } => row.value !== undefined);
  if (known.length === 0) return "(no clip)";
  const scenes = [...new Set(known.map(({ scene }) => scene))];
  const grouped = scenes.map((scene) => known.filter((row) => row.scene === scene).map(({ value }) => value));
  const meanOf = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const random = seededRandom("relevance study");
  const draws = Array.from({ length: 4000 }, () => meanOf(grouped.flatMap(() => random.pick(grouped)))).sort(
    (a, b) => a - b,
  );
  const mean = meanOf(known.map(({ value }) => value));
  return `${mean.toFixed(3)} [${draws[100]!.toFixed(3)}, ${draws[3899]!.toFixed(3)}] (${known.length})`;
};
