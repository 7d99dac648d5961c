/**
 * What METEOR 1.5 in Java counts and scores for pairs of texts, without paraphrases and with a small table of them.
 *
 *     node scripts/make-golden/meteor.ts meteor-1.5.jar > test/golden/expected/meteor-1.5.json
 *
 * The jar is in the Python package pycocoevalcap 1.2 (pycocoevalcap/meteor/meteor-1.5.jar).
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const jar = process.argv[2];
if (jar === undefined) throw new Error("usage: node scripts/make-golden/meteor.ts meteor-1.5.jar");

const captions = readFileSync("test/data/captions.jsonl", "utf8")
  .trim()
  .split("\n")
  .map((line) => (JSON.parse(line) as { readonly caption: string }).caption);
const passage = (from: number): string => captions.slice(from, from + 12).join(" ");

/** Marks, abbreviations, numbers, words that stand more than once, and words of one stem or meaning. */
const odd: readonly (readonly [reference: string, hypothesis: string])[] = [
  ["the cat sat on the mat", "the cat sat on the mat"],
  ["the cat sat on the mat", "on the mat sat the cat"],
  ["the cat sat on the mat", "the cat was sat on the mat"],
  ["the automobile strikes a pedestrian walking", "the car hits a walking man"],
  ["a car hits a pedestrian", "a vehicle strikes a pedestrian"],
  ["a car hits a pedestrian", "an automobile hit the pedestrians"],
  ["the boy quickly runs", "the boy speedily ran"],
  ["a car stops", "a dog barks"],
  ["the vehicle collides", "the vehicle collided"],
  ["big dog", "large dog"],
  ["drivers stopped", "drivers halted"],
  ["nothing here", "wholly unlike"],
  ["At 79-80 km/h, it's raining... hard.", "At 79 to 80 km/h it is raining (hard)"],
  ["Dr. Smith's car, No. 5, costs $3,400.50!", "The car of dr. Smith (no. 5) costs 3,400.50 dollars."],
  ["“He won't stop,” she said – 'twice'.", "\"He will not stop\", she said -- 'twice'..."],
  ["The U.S. team left at 5 p.m. The others stayed.", "the us team left at five pm ; others stayed"],
  ["Ünïcode cafés, naïve résumés", "unicode café's naïve résumé"],
  ["a a a a b b a", "b a b a a"],
  ["two men ride two bikes down two streets", "two bikes, two men; streets and two riders"],
  ["a,b,c and 1,000,x", "a , b , c and 1,000"],
  ["children's toys were lying in the drawers' bottoms", "the child's toy lies at the drawer's bottom"],
  ["He leaves. the leaf left", "leaves leave left leafs"],
];

/** Not all of them mean the same: what counts is that many stand in the texts, also within one another. */
const phrases: readonly (readonly [string, string])[] = [
  ["a man", "a guy"],
  ["catches", "gets hold of"],
  ["the ball", "it"],
  ["a woman", "a lady in red"],
  ["opens", "opens up"],
  ["car hits", "vehicle strikes"],
  ["walking man", "pedestrian"],
  ["stop", "halt"],
  ["the", "the"],
  ["on the", "upon the"],
  ["two", "a pair of"],
  ["a man", "a woman"],
  ["a", "the"],
  ["and", "then"],
  ["in the", "on a"],
  ["the table", "a table"],
  ["into the", "over the"],
  ["her", "his"],
];
const table = [...phrases, ...phrases.map(([a, b]) => [b, a] as const)];

const pairs = [
  ...odd,
  ...captions.map((caption, at) => [caption, captions[(at + 1) % captions.length]!] as const),
  ...[0, 40, 80, 120, 160, 200].map((at) => [passage(at), passage(at + 9)] as const),
  ...[20, 60, 100, 140].map((at) => [passage(at), passage(at + 60)] as const),
];

const run = (lines: readonly string[], args: readonly string[]): string[] =>
  execFileSync("java", ["-jar", jar, "-", "-", "-stdio", "-l", "en", "-norm", ...args], {
    input: `${lines.join("\n")}\n`,
    encoding: "utf8",
    maxBuffer: 1 << 28,
  })
    .trim()
    .split("\n");

const scoresWith = (args: readonly string[]): object => {
  const counts = run(
    pairs.map(([reference, hypothesis]) => `SCORE ||| ${reference} ||| ${hypothesis}`),
    args,
  );
  const scores = run([["EVAL", ...counts].join(" ||| ")], args).map(Number);
  return { scores: scores.slice(0, -1), corpus: scores.at(-1) };
};

const folder = mkdtempSync(join(tmpdir(), "meteor-"));
const file = join(folder, "paraphrases.gz");
writeFileSync(file, gzipSync(table.map(([a, b]) => `0.5\n${a}\n${b}\n`).join("")));
const expected = {
  madeBy: "METEOR 1.5, meteor-1.5.jar of pycocoevalcap 1.2, -l en -norm",
  pairs,
  table,
  bare: scoresWith(["-m", "exact stem synonym", "-w", "1.0 0.6 0.8"]),
  withTable: scoresWith(["-a", file]),
};
rmSync(folder, { recursive: true });
process.stdout.write(`${JSON.stringify(expected)}\n`);
