/** Learns to tell two classes apart by rows of numbers; the result guesses 0 or 1. */
export type Learn = (
  features: readonly (readonly number[])[],
  labels: readonly number[],
) => (row: readonly number[]) => number;

const sigmoid = (score: number): number => 1 / (1 + Math.exp(-score));

/** Logistic regression on standardised features: 200 steps of gradient descent with decay. */
export const learnLinear: Learn = (features, labels) => {
  const [count, size] = [features.length, features[0]!.length];
  const column = (at: number): number[] => features.map((row) => row[at]!);
  const mean = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0) / count;
  const centre = Array.from({ length: size }, (_, at) => mean(column(at)));
  const spread = centre.map(
    (middle, at) => Math.sqrt(mean(column(at).map((one) => (one - middle) ** 2))) || 1,
  );
  const scaled = (row: readonly number[]): Float64Array =>
    Float64Array.from(row, (value, at) => (value - centre[at]!) / spread[at]!);
  const rows = features.map(scaled);
  const weights = new Float64Array(size + 1);
  const score = (row: Float64Array): number => {
    let sum = weights[size]!;
    for (let at = 0; at < size; at++) sum += row[at]! * weights[at]!;
    return sum;
  };
  // The step shrinks with the number of features, which may all say the same.
  const step = Math.min(2, 8 / size) / count;
  for (let turn = 0; turn < 200; turn++) {
    const slope = new Float64Array(size + 1);
    rows.forEach((row, at) => {
      const error = labels[at]! - sigmoid(score(row));
      for (let i = 0; i < size; i++) slope[i]! += error * row[i]!;
      slope[size]! += error;
    });
    for (let i = 0; i <= size; i++) weights[i] = weights[i]! * 0.999 + slope[i]! * step;
  }
  return (row) => (score(scaled(row)) > 0 ? 1 : 0);
};

interface Split {
  readonly feature: number;
  readonly bin: number;
  readonly gain: number;
}

const [bins, rounds, rate, leastRows] = [24, 80, 0.15, 20];

/** The best split of some rows by the binned features; undefined where none gains. */
const bestSplit = (
  rows: readonly number[],
  binned: readonly Uint8Array[],
  slope: Float64Array,
  curve: Float64Array,
): Split | undefined => {
  let best: Split | undefined;
  let [allSlope, allCurve] = [0, 0];
  for (const row of rows) {
    allSlope += slope[row]!;
    allCurve += curve[row]!;
  }
  const worth = (g: number, h: number): number => (g * g) / (h + 1);
  for (let feature = 0; feature < binned.length; feature++) {
    const [g, h, n] = [new Float64Array(bins), new Float64Array(bins), new Float64Array(bins)];
    const own = binned[feature]!;
    for (const row of rows) {
      const bin = own[row]!;
      g[bin]! += slope[row]!;
      h[bin]! += curve[row]!;
      n[bin]!++;
    }
    let [left, leftCurve, count] = [0, 0, 0];
    for (let bin = 0; bin < bins - 1; bin++) {
      left += g[bin]!;
      leftCurve += h[bin]!;
      count += n[bin]!;
      if (count < leastRows || rows.length - count < leastRows) continue;
      const gain =
        worth(left, leftCurve) + worth(allSlope - left, allCurve - leftCurve) - worth(allSlope, allCurve);
      if (gain > (best?.gain ?? 1e-9)) best = { feature, bin, gain };
    }
  }
  return best;
};

/** Gradient-boosted trees of depth two over binned features: what a few features say together counts. */
export const learnTrees: Learn = (features, labels) => {
  const [count, size] = [features.length, features[0]!.length];
  const edges = Array.from({ length: size }, (_, at) => {
    const sorted = Float64Array.from(features, (row) => row[at]!).sort();
    return Array.from({ length: bins - 1 }, (__, bin) => sorted[Math.floor(((bin + 1) * count) / bins)]!);
  });
  const binOf = (feature: number, value: number): number => {
    let bin = 0;
    while (bin < bins - 1 && value > edges[feature]![bin]!) bin++;
    return bin;
  };
  const binned = edges.map((_, at) => Uint8Array.from(features, (row) => binOf(at, row[at]!)));
  const score = new Float64Array(count);
  type Tree = (bin: (feature: number) => number) => number;
  const trees: Tree[] = [];
  const [slope, curve] = [new Float64Array(count), new Float64Array(count)];
  const grow = (rows: readonly number[], depth: number): Tree => {
    const split = depth === 0 ? undefined : bestSplit(rows, binned, slope, curve);
    if (split === undefined) {
      let [g, h] = [0, 0];
      for (const row of rows) {
        g += slope[row]!;
        h += curve[row]!;
      }
      const leaf = (rate * g) / (h + 1);
      return () => leaf;
    }
    const own = binned[split.feature]!;
    const low = grow(
      rows.filter((row) => own[row]! <= split.bin),
      depth - 1,
    );
    const high = grow(
      rows.filter((row) => own[row]! > split.bin),
      depth - 1,
    );
    return (bin) => (bin(split.feature) <= split.bin ? low(bin) : high(bin));
  };
  const all = Array.from({ length: count }, (_, row) => row);
  for (let round = 0; round < rounds; round++) {
    for (const row of all) {
      const chance = sigmoid(score[row]!);
      slope[row] = labels[row]! - chance;
      curve[row] = chance * (1 - chance);
    }
    const tree = grow(all, 2);
    trees.push(tree);
    for (const row of all) score[row]! += tree((feature) => binned[feature]![row]!);
  }
  return (row) => (trees.reduce((sum, tree) => sum + tree((at) => binOf(at, row[at]!)), 0) > 0 ? 1 : 0);
};

/** A row that was guessed: its cluster (the clip) and whether that was right. */
interface Guess {
  readonly cluster: string;
  readonly right: number;
}

/** Accuracy and its standard error, clustered. */
export interface Accuracy {
  readonly share: number;
  readonly error: number;
}

/** Share of right guesses on clusters that the classifier has not seen, five folds. @param foldOf 0 to 4 */
export const crossValidated = (
  rows: readonly { readonly cluster: string; readonly label: number; readonly features: readonly number[] }[],
  learn: Learn,
  foldOf: (cluster: string) => number,
): Accuracy => {
  const guesses: Guess[] = [];
  for (let fold = 0; fold < 5; fold++) {
    const train = rows.filter(({ cluster }) => foldOf(cluster) !== fold);
    const test = rows.filter(({ cluster }) => foldOf(cluster) === fold);
    if (train.length === 0 || test.length === 0) continue;
    const guess = learn(
      train.map(({ features }) => features),
      train.map(({ label }) => label),
    );
    for (const { cluster, features, label } of test)
      guesses.push({ cluster, right: guess(features) === label ? 1 : 0 });
  }
  const share = guesses.reduce((sum, { right }) => sum + right, 0) / guesses.length;
  let squares = 0;
  for (const group of Map.groupBy(guesses, ({ cluster }) => cluster).values())
    squares += group.reduce((sum, { right }) => sum + right - share, 0) ** 2;
  return { share, error: Math.sqrt(squares) / guesses.length };
};
