/** Words whose stem no rule gives, from the stemmer's list of irregular forms. */
const irregular: ReadonlyMap<string, string> = new Map(
  Object.entries({
    sky: "sky",
    skies: "sky",
    dying: "die",
    lying: "lie",
    tying: "tie",
    news: "news",
    innings: "inning",
    inning: "inning",
    outings: "outing",
    outing: "outing",
    cannings: "canning",
    canning: "canning",
    howe: "howe",
    proceed: "proceed",
    exceed: "exceed",
    succeed: "succeed",
  }),
);

const isVowel = (letter: string): boolean => "aeiou".includes(letter);

/** Vowels and consonants of a word as "v" and "c"; y is a vowel behind a consonant. */
const soundsOf = (word: string): string => {
  let sounds = "";
  for (const letter of word)
    sounds += isVowel(letter) || (letter === "y" && sounds.endsWith("c")) ? "v" : "c";
  return sounds;
};

/** How often a vowel is followed by a consonant: m of the paper. */
const measure = (stem: string): number => {
  const sounds = soundsOf(stem);
  let count = 0;
  for (let at = sounds.indexOf("vc"); at >= 0; at = sounds.indexOf("vc", at + 2)) count++;
  return count;
};

const isMeasured = (stem: string): boolean => measure(stem) > 0;
const isLong = (stem: string): boolean => measure(stem) > 1;

const endsInDoubleConsonant = (word: string): boolean =>
  word.length >= 2 && word.at(-1) === word.at(-2) && soundsOf(word).endsWith("c");

/** Consonant, vowel, consonant other than w, x, y at the end; or a word that is only vowel and consonant. */
const endsShort = (word: string): boolean => {
  const sounds = soundsOf(word);
  return sounds === "vc" || (sounds.endsWith("cvc") && !/[wxy]$/.test(word));
};

type Rule = readonly [suffix: string, replacement: string, holds?: (stem: string) => boolean];

/** The first rule whose suffix fits decides, also when its condition does not hold: then the word stays. */
const applyRules = (word: string, rules: readonly Rule[]): string => {
  for (const [suffix, replacement, holds] of rules) {
    if (!word.endsWith(suffix)) continue;
    const stem = word.slice(0, word.length - suffix.length);
    return holds === undefined || holds(stem) ? stem + replacement : word;
  }
  return word;
};

const plural = (word: string): string =>
  word.length === 4 && word.endsWith("ies")
    ? word.slice(0, -1)
    : applyRules(word, [
        ["sses", "ss"],
        ["ies", "i"],
        ["ss", "ss"],
        ["s", ""],
      ]);

const pastOrProgressive = (word: string): string => {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return isMeasured(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find(
    (one) => word.endsWith(one) && soundsOf(word.slice(0, -one.length)).includes("v"),
  );
  if (suffix === undefined) return word;
  const stem = word.slice(0, -suffix.length);
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (endsInDoubleConsonant(stem)) return /[lsz]$/.test(stem) ? stem : stem.slice(0, -1);
  return measure(stem) === 1 && endsShort(stem) ? `${stem}e` : stem;
};

const finalY = (word: string): string =>
  applyRules(word, [["y", "i", (stem) => stem.length > 1 && soundsOf(stem).endsWith("c")]]);

const rules = (text: string, holds: (stem: string) => boolean): Rule[] =>
  text.split(" ").map((pair) => {
    const [suffix, replacement] = pair.split(">");
    return [suffix!, replacement!, holds];
  });

const doubleSuffixes: readonly Rule[] = rules(
  "ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e ousli>ous ization>ize " +
    "ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous aliti>al iviti>ive biliti>ble fulli>ful",
  isMeasured,
);

const doubleSuffix = (word: string): string => {
  if (word.endsWith("alli") && isMeasured(word.slice(0, -4))) return doubleSuffix(word.slice(0, -2));
  // The condition of "logi" looks at the stem with its l.
  return applyRules(word, [...doubleSuffixes, ["logi", "log", (stem) => isMeasured(`${stem}l`)]]);
};

const endings: readonly Rule[] = rules("icate>ic ative> alize>al iciti>ic ical>ic ful> ness>", isMeasured);

const lastSuffixes: readonly Rule[] = [
  ...rules("al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>", isLong),
  ["ion", "", (stem) => isLong(stem) && /[st]$/.test(stem)],
  ...rules("ou> ism> ate> iti> ous> ive> ize>", isLong),
];

const finalE = (word: string): string => {
  if (!word.endsWith("e")) return word;
  const stem = word.slice(0, -1);
  const size = measure(stem);
  return size > 1 || (size === 1 && !endsShort(stem)) ? stem : word;
};

const finalDoubleL = (word: string): string =>
  word.endsWith("ll") && isLong(word.slice(0, -1)) ? word.slice(0, -1) : word;

const known = new Map<string, string>();

/**
 * The stem of a word in lower case.
 *
 * @source M. Porter, An algorithm for suffix stripping (1980), with the extensions that NLTK 3.9 has by default
 */
export const porterStem = (word: string): string => {
  const kept = known.get(word);
  if (kept !== undefined) return kept;
  const lower = word.toLowerCase();
  let stem = irregular.get(word);
  if (stem === undefined) {
    stem = lower;
    if ([...word].length > 2) {
      stem = doubleSuffix(finalY(pastOrProgressive(plural(stem))));
      stem = applyRules(applyRules(stem, endings), lastSuffixes);
      stem = finalDoubleL(finalE(stem));
    }
  }
  // Texts of one benchmark share most words; a limit keeps a process that sees everything small.
  if (known.size < 200_000) known.set(word, stem);
  return stem;
};
