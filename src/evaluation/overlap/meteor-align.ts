/** What made two stretches of words match, in the order in which METEOR looks. */
export type MatchStage = "exact" | "stem" | "synonym" | "paraphrase";

/** Words `said` of the hypothesis that stand for words `wanted` of the reference; places and lengths in words. */
export interface WordMatch {
  readonly stage: MatchStage;
  readonly wanted: number;
  readonly wantedLength: number;
  readonly said: number;
  readonly saidLength: number;
}

/** Partial alignments that are followed at the same time. */
const BEAM = 40;

/** Chosen matches, the last one first. */
interface Chosen {
  readonly match: WordMatch;
  readonly before: Chosen | null;
}

/** An alignment up to a word of the reference. It is changed in place where only one way goes on. */
interface Path {
  chosen: Chosen | null;
  /** Matched words of both sides; less than exact ones count half, rounded down at every match. */
  wantedWeight: number;
  saidWeight: number;
  chunks: number;
  /** First word of the reference that no match has reached. */
  next: number;
  /** Word of the hypothesis behind the last match; -1 where a gap of the reference ended its chunk. */
  saidEnd: number;
  distance: number;
  readonly usedWanted: Uint32Array;
  readonly usedSaid: Uint32Array;
}

const isAnySet = (bits: Uint32Array, from: number, length: number): boolean => {
  for (let at = from; at < from + length; at++) if (((bits[at >> 5]! >>> (at & 31)) & 1) === 1) return true;
  return false;
};

const setAll = (bits: Uint32Array, from: number, length: number): void => {
  for (let at = from; at < from + length; at++) bits[at >> 5]! |= 1 << (at & 31);
};

const better = (a: Path, b: Path): number =>
  b.wantedWeight + b.saidWeight - a.wantedWeight - a.saidWeight ||
  a.chunks - b.chunks ||
  a.distance - b.distance;

const weighed = (weight: number, words: number, stage: MatchStage): number =>
  Math.trunc(weight + words * (stage === "exact" ? 1 : 0.5));

const follow = (path: Path, match: WordMatch): void => {
  path.chosen = { match, before: path.chosen };
  path.wantedWeight = weighed(path.wantedWeight, match.wantedLength, match.stage);
  path.saidWeight = weighed(path.saidWeight, match.saidLength, match.stage);
  if (path.saidEnd !== -1 && match.said !== path.saidEnd) path.chunks++;
  path.next = match.wanted + match.wantedLength;
  path.saidEnd = match.said + match.saidLength;
};

const gap = ({ wanted, said }: WordMatch): number => Math.abs(wanted - said);

const branch = (path: Path, match: WordMatch): Path => {
  const copy = { ...path, usedWanted: path.usedWanted.slice(), usedSaid: path.usedSaid.slice() };
  setAll(copy.usedWanted, match.wanted, match.wantedLength);
  setAll(copy.usedSaid, match.said, match.saidLength);
  follow(copy, match);
  return copy;
};

const isFree = (path: Path, { wanted, wantedLength, said, saidLength }: WordMatch): boolean =>
  !isAnySet(path.usedWanted, wanted, wantedLength) && !isAnySet(path.usedSaid, said, saidLength);

const leaveOut = (path: Path): void => {
  if (path.saidEnd !== -1) path.chunks++;
  path.saidEnd = -1;
  path.next++;
};

/** The ways on from a path at a word of the reference. */
const stepsFrom = (
  path: Path,
  at: number,
  matches: readonly WordMatch[],
  sure: WordMatch | undefined,
): Path[] => {
  if (isAnySet(path.usedWanted, at, 1)) {
    if (at < path.next) return [path];
    if (sure === undefined) return [];
    follow(path, sure);
    path.distance += gap(sure);
    return [path];
  }
  const steps: Path[] = [];
  for (const match of matches) {
    if (!isFree(path, match)) continue;
    steps.push(branch(path, match));
    // METEOR counts the distance of a match for the paths that come after it, not for its own.
    path.distance += gap(match);
  }
  leaveOut(path);
  steps.push(path);
  return steps;
};

/** Matches that share no word with another one; they are part of every alignment. */
const sureMatches = (
  matches_W: readonly (readonly WordMatch[])[],
  saidWords: number,
): (WordMatch | undefined)[] => {
  const wanted = new Int32Array(matches_W.length);
  const said = new Int32Array(saidWords);
  for (const match of matches_W.flat()) {
    for (let i = 0; i < match.wantedLength; i++) wanted[match.wanted + i]!++;
    for (let i = 0; i < match.saidLength; i++) said[match.said + i]!++;
  }
  const alone = (counts: Int32Array, from: number, length: number): boolean =>
    counts.subarray(from, from + length).every((count) => count === 1);
  return matches_W.map((matches) => {
    const [match] = matches;
    return matches.length === 1 &&
      alone(wanted, match!.wanted, match!.wantedLength) &&
      alone(said, match!.said, match!.saidLength)
      ? match
      : undefined;
  });
};

/**
 * The matches that METEOR 1.5 chooses of all possible ones: most words, then fewest chunks, then shortest ways, followed
 * by a beam search from the reference's first word to its last.
 *
 * @param matches_W the possible matches that begin at every word of the reference
 * @param saidWords words of the hypothesis
 * @returns chosen matches in the order of the reference
 * @source METEOR 1.5 (Denkowski and Lavie 2014), its aligner
 */
export const chooseMatches = (
  matches_W: readonly (readonly WordMatch[])[],
  saidWords: number,
): WordMatch[] => {
  const sure_W = sureMatches(matches_W, saidWords);
  const start: Path = {
    ...{ chosen: null, wantedWeight: 0, saidWeight: 0, chunks: 0, next: 0, saidEnd: -1, distance: 0 },
    usedWanted: new Uint32Array((matches_W.length >> 5) + 1),
    usedSaid: new Uint32Array((saidWords >> 5) + 1),
  };
  for (const match of sure_W) {
    if (match === undefined) continue;
    setAll(start.usedWanted, match.wanted, match.wantedLength);
    setAll(start.usedSaid, match.said, match.saidLength);
  }
  let paths = [start];
  matches_W.forEach((matches, at) => {
    const best = paths.sort(better).slice(0, BEAM);
    paths = best.flatMap((path) => stepsFrom(path, at, matches, sure_W[at]));
  });
  const ends = paths.sort(better).slice(0, BEAM);
  for (const path of ends) if (path.saidEnd !== -1) path.chunks++;
  const found: WordMatch[] = [];
  for (let { chosen } = ends.sort(better)[0]!; chosen !== null; chosen = chosen.before)
    found.push(chosen.match);
  return found.reverse();
};
