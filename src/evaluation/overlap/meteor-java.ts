import type { WordNet } from "../../absent/language/wordnet.ts";
import { chooseMatches, type MatchStage, type WordMatch } from "./meteor-align.ts";
import { meteorSenses } from "./meteor-senses.ts";
import { isFunctionWord } from "./meteor-words.ts";
import type { ParaphraseTable } from "./paraphrases.ts";
import { snowballStem } from "./snowball.ts";

/** Of matched words: exact, by stem, by synonym, by paraphrase. */
const stages: readonly MatchStage[] = ["exact", "stem", "synonym", "paraphrase"];
const stageWeights: readonly number[] = [1, 0.6, 0.8, 0.6];
/** Weight of recall, power and weight of the penalty for chunks, weight of content words. */
const [ALPHA, BETA, GAMMA, DELTA] = [0.85, 0.2, 0.6, 0.75];

/** What METEOR 1.5 counts on one side: words, and those matched by stage. */
interface SideCounts {
  readonly words: number;
  readonly functionWords: number;
  readonly content_S: readonly number[];
  readonly function_S: readonly number[];
}

/** What METEOR 1.5 counts of a text; a corpus is scored by its texts' sums. */
export interface MeteorCounts {
  readonly said: SideCounts;
  readonly wanted: SideCounts;
  readonly chunks: number;
}

/** Where METEOR looks for words and phrases of one meaning. */
export interface MeteorLanguage {
  readonly wordNet: WordNet;
  /** Left out: the stage of paraphrases is not gone through. */
  readonly paraphrases?: ParaphraseTable;
}

const sharesSense = (a: ReadonlySet<number>, b: ReadonlySet<number>): boolean => {
  for (const sense of a) if (b.has(sense)) return true;
  return false;
};

/** Pairs of single words that one stage takes for the same. */
const pairsOf = (
  stage: MatchStage,
  wanted: readonly string[],
  said: readonly string[],
  isSame: (wantedAt: number, saidAt: number) => boolean,
): WordMatch[] =>
  wanted.flatMap((_, w) =>
    said.flatMap((__, s): WordMatch[] =>
      isSame(w, s) ? [{ stage, wanted: w, wantedLength: 1, said: s, saidLength: 1 }] : [],
    ),
  );

/** Every possible match, by the word of the reference that it begins at, in the order of the stages. */
const possibleMatches = (
  wanted: readonly string[],
  said: readonly string[],
  { wordNet, paraphrases }: MeteorLanguage,
): WordMatch[][] => {
  const exact = pairsOf("exact", wanted, said, (w, s) => wanted[w] === said[s]);
  const isIdentical = wanted.length === said.length && wanted.every((word, at) => word === said[at]);
  const matches_W = wanted.map((): WordMatch[] => []);
  const add = (found: readonly WordMatch[]): void => {
    for (const match of found) matches_W[match.wanted]!.push(match);
  };
  add(exact);
  if (isIdentical) return matches_W;
  const [wantedStems, saidStems] = [wanted.map(snowballStem), said.map(snowballStem)];
  add(pairsOf("stem", wanted, said, (w, s) => wantedStems[w] === saidStems[s] && wanted[w] !== said[s]));
  const sensesOf = (word: string): ReadonlySet<number> => meteorSenses(wordNet, word);
  const [wantedSenses, saidSenses] = [wanted.map(sensesOf), said.map(sensesOf)];
  add(
    pairsOf(
      "synonym",
      wanted,
      said,
      (w, s) => wanted[w] !== said[s] && sharesSense(wantedSenses[w]!, saidSenses[s]!),
    ),
  );
  if (paraphrases !== undefined) add(paraphrases.matches(wanted, said));
  return matches_W;
};

const sideCounts = (
  words: readonly string[],
  stretches: readonly (readonly [stage: MatchStage, from: number, length: number])[],
): SideCounts => {
  const [content_S, function_S] = [stages.map(() => 0), stages.map(() => 0)];
  for (const [stage, from, length] of stretches)
    for (const word of words.slice(from, from + length))
      (isFunctionWord(word) ? function_S : content_S)[stages.indexOf(stage)]!++;
  return { words: words.length, functionWords: words.filter(isFunctionWord).length, content_S, function_S };
};

const chunksOf = (matches: readonly WordMatch[]): number =>
  matches.filter((match, at) => {
    const before = matches[at - 1];
    return (
      before === undefined ||
      match.wanted !== before.wanted + before.wantedLength ||
      match.said !== before.said + before.saidLength
    );
  }).length;

/**
 * Counts of a hypothesis against one reference.
 *
 * @param wanted the reference's tokens
 * @param said the hypothesis's tokens
 */
export const meteorCounts = (
  wanted: readonly string[],
  said: readonly string[],
  language: MeteorLanguage,
): MeteorCounts => {
  const matches = chooseMatches(possibleMatches(wanted, said, language), said.length);
  return {
    said: sideCounts(
      said,
      matches.map((match) => [match.stage, match.said, match.saidLength]),
    ),
    wanted: sideCounts(
      wanted,
      matches.map((match) => [match.stage, match.wanted, match.wantedLength]),
    ),
    chunks: chunksOf(matches),
  };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

const matchedWords = ({ content_S, function_S }: SideCounts): number => sum(content_S) + sum(function_S);

/** Whether all words of both texts match in one chunk. */
const isWhole = ({ said, wanted, chunks }: MeteorCounts): boolean =>
  matchedWords(said) === said.words && matchedWords(wanted) === wanted.words && chunks === 1;

/** What several texts count together; the one chunk of a text that matches as a whole is not counted. */
export const addMeteorCounts = (counts: readonly MeteorCounts[]): MeteorCounts => {
  const side = (of: (one: MeteorCounts) => SideCounts): SideCounts => {
    const sides = counts.map(of);
    return {
      words: sum(sides.map(({ words }) => words)),
      functionWords: sum(sides.map(({ functionWords }) => functionWords)),
      content_S: stages.map((_, at) => sum(sides.map(({ content_S }) => content_S[at]!))),
      function_S: stages.map((_, at) => sum(sides.map(({ function_S }) => function_S[at]!))),
    };
  };
  return {
    said: side(({ said }) => said),
    wanted: side(({ wanted }) => wanted),
    chunks: sum(counts.map((one) => (isWhole(one) ? 0 : one.chunks))),
  };
};

const shareOf = ({ words, functionWords, content_S, function_S }: SideCounts): number => {
  const length = DELTA * (words - functionWords) + (1 - DELTA) * functionWords;
  const matched =
    sum(content_S.map((count, at) => count * stageWeights[at]! * DELTA)) +
    sum(function_S.map((count, at) => count * stageWeights[at]! * (1 - DELTA)));
  return matched / length;
};

/**
 * METEOR 1.5 of English with the parameters of its task "rank", 0 to 1; 0 where nothing matches.
 *
 * @source METEOR 1.5 (Denkowski and Lavie 2014)
 */
export const meteorJava = (counts: MeteorCounts): number => {
  const { said, wanted, chunks } = counts;
  const [precision, recall] = [shareOf(said), shareOf(wanted)];
  const mean = 1 / ((1 - ALPHA) / precision + ALPHA / recall);
  const fragments = isWhole(counts) ? 0 : chunks / ((matchedWords(said) + matchedWords(wanted)) / 2);
  const score = mean * (1 - GAMMA * fragments ** BETA);
  return Number.isNaN(score) ? 0 : Math.max(score, 0);
};
