/** Words whose stem no rule gives. */
const irregular: ReadonlyMap<string, string> = new Map([
  ["skis", "ski"],
  ["skies", "sky"],
  ["dying", "die"],
  ["lying", "lie"],
  ["tying", "tie"],
  ["idly", "idl"],
  ["gently", "gentl"],
  ["ugly", "ugli"],
  ["early", "earli"],
  ["only", "onli"],
  ["singly", "singl"],
  ...["sky", "news", "howe", "atlas", "cosmos", "bias", "andes"].map((word) => [word, word] as const),
]);

/** Words that are left as they are once their plural is off. */
const whole: ReadonlySet<string> = new Set([
  "inning",
  "outing",
  "canning",
  "herring",
  "earring",
  "proceed",
  "exceed",
  "succeed",
]);

const V = "[aeiouy]";
const C = "[^aeiouy]";
const afterFirstSyllable = new RegExp(`^.*?${V}${C}`);
const endsShort = new RegExp(`(?:^${V}${C}|${C}${V}[^aeiouywxY])$`);
const hasVowel = new RegExp(V);

/** Where the region behind the first vowel and consonant from `start` on begins; the word's end where there is none. */
const regionFrom = (word: string, start: number): number => {
  const found = afterFirstSyllable.exec(word.slice(start));
  return found === null ? word.length : start + found[0].length;
};

/** What a suffix becomes; "" takes it off. */
type Endings = readonly (readonly [suffix: string, ending: string])[];

const longestFirst = (endings: Endings): Endings => endings.toSorted(([a], [b]) => b.length - a.length);
const all = (suffixes: string, ending: string): Endings =>
  suffixes.split(" ").map((suffix) => [suffix, ending] as const);

const derived: Endings = longestFirst([
  ...all("tional", "tion"),
  ...all("enci", "ence"),
  ...all("anci", "ance"),
  ...all("abli", "able"),
  ...all("entli", "ent"),
  ...all("izer ization", "ize"),
  ...all("ational ation ator", "ate"),
  ...all("alism aliti alli", "al"),
  ...all("fulness fulli", "ful"),
  ...all("ousli ousness", "ous"),
  ...all("iveness iviti", "ive"),
  ...all("biliti bli", "ble"),
  ...all("lessli", "less"),
  ...all("ogi", "og"),
  ...all("li", ""),
]);
const further: Endings = longestFirst([
  ...all("tional", "tion"),
  ...all("ational", "ate"),
  ...all("alize", "al"),
  ...all("icate iciti ical", "ic"),
  ...all("ful ness ative", ""),
]);
const last: Endings = longestFirst(
  all("al ance ence er ic able ible ant ement ment ent ism ate iti ous ive ize ion", ""),
);

/** Changes the longest of the suffixes that the word has, where it lies in the region and `allows` says so. */
const change = (
  word: string,
  endings: Endings,
  region: number,
  allows: (suffix: string, stem: string) => boolean,
): string => {
  const found = endings.find(([suffix]) => word.endsWith(suffix));
  if (found === undefined) return word;
  const [suffix, ending] = found;
  const stem = word.slice(0, word.length - suffix.length);
  return stem.length >= region && allows(suffix, stem) ? stem + ending : word;
};

const withoutPlural = (word: string): string => {
  const bare = word.replace(/(?:'s'|'s|')$/, "");
  if (bare.endsWith("sses")) return bare.slice(0, -2);
  if (/ie[ds]$/.test(bare)) return bare.slice(0, bare.length > 4 ? -2 : -1);
  if (/(?:us|ss)$/.test(bare) || !bare.endsWith("s")) return bare;
  return hasVowel.test(bare.slice(0, -2)) ? bare.slice(0, -1) : bare;
};

const withoutTense = (word: string, first: number): string => {
  const [suffix] = /(?:eedly|ingly|edly|eed|ing|ed)$/.exec(word) ?? [];
  if (suffix === undefined) return word;
  const stem = word.slice(0, word.length - suffix.length);
  if (suffix.startsWith("eed")) return stem.length >= first ? `${stem}ee` : word;
  if (!hasVowel.test(stem)) return word;
  if (/(?:at|bl|iz)$/.test(stem)) return `${stem}e`;
  if (/(?:bb|dd|ff|gg|mm|nn|pp|rr|tt)$/.test(stem)) return stem.slice(0, -1);
  return stem.length <= first && endsShort.test(stem) ? `${stem}e` : stem;
};

const withoutEnd = (word: string, first: number, second: number): string => {
  const stem = word.slice(0, -1);
  if (word.endsWith("e"))
    return stem.length >= second || (stem.length >= first && !endsShort.test(stem)) ? stem : word;
  return word.endsWith("ll") && stem.length >= second ? stem : word;
};

/**
 * The stem of an English word in lower case.
 *
 * @source Snowball's English stemmer ("Porter2") as METEOR 1.5 has it
 */
export const snowballStem = (text: string): string => {
  const known = irregular.get(text);
  if (known !== undefined) return known;
  if (text.length < 3) return text;
  const word = text
    .replace(/^'/, "")
    .replace(/^y/, "Y")
    .replace(/([aeiouy])y/g, "$1Y");
  const prefix = /^(?:gener|commun|arsen)/.exec(word);
  const first = prefix === null ? regionFrom(word, 0) : prefix[0].length;
  const second = regionFrom(word, first);
  const single = withoutPlural(word);
  if (whole.has(single)) return single;
  const plain = withoutTense(single, first).replace(new RegExp(`(?<=.${C})[yY]$`), "i");
  const [two, three, four] = [
    change(plain, derived, first, (suffix, stem) =>
      suffix === "ogi" ? stem.endsWith("l") : suffix !== "li" || /[cdeghkmnrt]$/.test(stem),
    ),
    (from: string) =>
      change(from, further, first, (suffix, stem) => suffix !== "ative" || stem.length >= second),
    (from: string) => change(from, last, second, (suffix, stem) => suffix !== "ion" || /[st]$/.test(stem)),
  ];
  return withoutEnd(four(three(two)), first, second).replaceAll("Y", "y");
};
