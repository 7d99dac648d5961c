/** Letters of the Latin and Cyrillic scripts, in a class of a regular expression. */
const LETTERS =
  "A-Za-z\\u0160\\u017d\\u0161\\u017e\\u0178\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u017e\\u0400-\\u0527\\ua640-\\ua66e\\ua67e-\\ua697\\u1d00-\\u1d7f";
const SPACE = " \\t\\n\\v\\f\\r";

/** Words with a point behind them that end no sentence. */
const abbreviations: ReadonlySet<string> = new Set([
  ..."ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  ..."Adj Adm Adv Asst Bart Bldg Brig Bros Capt Cmdr Col Comdr Con Corp Cpl DR Dr Drs Ens Gen Gov".split(" "),
  ..."Hon Hr Hosp Insp Lt MM MR MRS MS Maj Messrs Mlle Mme Mr Mrs Ms Msgr Op Ord Pfc Ph Prof Pvt".split(" "),
  ..."Rep Reps Res Rev Rt Sen Sens Sfc Sgt Sr St Supt Surg v vs i.e rev e.g Nos Nr".split(" "),
]);
/** Abbreviations where a number follows. */
const numbered: ReadonlySet<string> = new Set(["No", "Art", "pp"]);

/** The commonest words and marks of English, which METEOR gives little weight. */
const functionWords: ReadonlySet<string> = new Set(
  [
    `the , . to of and a in that for " is on 's it with was as said at he by be from have has are his but an this`,
    "not i will ’ they ) -rrb- ( -lrb- who their had we which were been more or s its would about new one after you",
    ": also up when there than $ all out her people she year two - can if last first “ over other ” into some what so",
    "-- no time years could ? 't — '",
  ].flatMap((line) => line.split(" ")),
);

/** Whether METEOR counts a word in lower case as a function word. */
export const isFunctionWord = (word: string): boolean => functionWords.has(word);

const apart = new RegExp(`[^0-9${LETTERS}${SPACE}.'\`,\\-‘’]`, "g");
const hyphen = new RegExp(`([0-9${LETTERS}.])-([0-9${LETTERS}])`, "g");
const letter = new RegExp(`[${LETTERS}]`);
/** How an apostrophe is parted from what stands around it, in turns; each looks at one character on either side. */
const apostrophes: readonly (readonly [RegExp, string])[] = [
  [new RegExp(`([^${LETTERS}])'([^${LETTERS}])`, "g"), "$1 ' $2"],
  [new RegExp(`([^${LETTERS}0-9])'([${LETTERS}])`, "g"), "$1 ' $2"],
  [new RegExp(`([${LETTERS}])'([^${LETTERS}])`, "g"), "$1 ' $2"],
  [new RegExp(`([${LETTERS}])'([${LETTERS}])`, "g"), "$1 '$2"],
  [/([0-9])'(s)/g, "$1 '$2"],
];
/** Commas that stand between two digits stay. */
const commas: readonly RegExp[] = [/([^0-9]),([^0-9])/g, /([0-9]),([^0-9])/g, /([^0-9]),([0-9])/g];
/** Stands for a point of an ellipsis while single points are looked at. */
const POINT = "\u{E000}";

const words = (text: string): string[] => text.split(new RegExp(`[${SPACE}]+`)).filter((word) => word !== "");

/** A word whose last point is parted from it where it ends a sentence. */
const withoutStop = (word: string, next: string | undefined): string => {
  if (word.length < 2 || !word.endsWith(".")) return word;
  const bare = word.slice(0, -1);
  if (bare.includes(".") && letter.test(bare)) return word.replaceAll(".", "");
  const stays =
    abbreviations.has(bare) || /^[a-z]/.test(next ?? "") || (numbered.has(bare) && /^[0-9]/.test(next ?? ""));
  return stays ? word : `${bare} .`;
};

/**
 * Words and marks of a text in lower case, as METEOR 1.5 makes them of English with its option "-norm".
 *
 * @source METEOR 1.5 (Denkowski and Lavie 2014), its normalizer; the words are those that it gives
 */
export const meteorJavaTokens = (text: string): string[] => {
  let line = ` ${text} `
    .replace(apart, " $& ")
    .replace(/\.{2,}/g, (points) => ` ${POINT.repeat(points.length)} `);
  for (const comma of commas) line = line.replace(comma, "$1 , $2");
  line = line
    .replace(/[`‘’]/g, "'")
    .replace(/[“”]|''/g, ' " ')
    .replaceAll("–", "-")
    .replaceAll("--", "-")
    .replace(hyphen, "$1 $2");
  for (const [mark, parted] of apostrophes) line = line.replace(mark, parted);
  const parts = words(line);
  const stopped = parts.map((word, at) => withoutStop(word, parts[at + 1])).join(" ");
  return words(stopped.replaceAll(POINT, ".").toLowerCase());
};
