/** Other ways to write what options say, told apart by the options themselves: "between 5 and 10 s" for "5-10 s". */

const NUMBER = String.raw`\d+(?:\.\d+)?`;
const UNIT = String.raw`(?:s|sec|secs|seconds?|m|min|minutes?|%|cm|km|°)`;
const RANGE = new RegExp(
  String.raw`\b(?:from|between)\s+(${NUMBER})\s*(?:${UNIT})?\s+(?:to|and)\s+(?=${NUMBER})`,
  "gi",
);
const UNIT_TWICE = new RegExp(
  String.raw`(?<![\d.:])(${NUMBER})\s*(${UNIT})\s*(?:-|–|—|to)\s*(?=${NUMBER}\s*\2(?!\p{L}))`,
  "giu",
);
const isRange = (option: string): boolean => new RegExp(`${NUMBER}\\s*[-–—~]\\s*${NUMBER}`).test(option);

/** Among ranges: "from 5 to 10 s", "between 5 and 10 s" and "5s-10s" written as "5-10 s". */
const withRanges = (text: string, options: readonly string[]): string =>
  options.some(isRange) ? text.replace(RANGE, "$1-").replace(UNIT_TWICE, "$1-") : text;

const YES =
  /^[\s"']*(?:(?:yeah|yep|yup|yea|aye)\b|(?:是的?|对的?|對|有的?|会的?|はい|네)(?=\s*(?:[,.!]|$)))/iu;
const NO =
  /^[\s"']*(?:(?:nope|nah)\b|(?:不是?|不对|不會|不会|否|没有|沒有|いいえ|아니요)(?=\s*(?:[,.!]|$))(?![^\n]*[?]))/iu;

/** Among yes and no: other words for them at the start. */
const withYesNo = (text: string, options: readonly string[]): string =>
  options.some((option) => /^\W*(?:yes|no)\W*$/i.test(option))
    ? text.replace(YES, "Yes").replace(NO, "No")
    : text;

/** Among orders with commas: "cut -> fry" and "cut, then fry" written as "cut, fry". */
const withCommas = (text: string, options: readonly string[]): string =>
  options.some((option) => (option.match(/,/g) ?? []).length > 1) && !/->|→/.test(options.join(" "))
    ? text.replace(/\s*(?:-+>|→|⇒|=>)\s*/g, ", ").replace(/,\s*(?:and\s+)?(?:then|finally)\s+/gi, ", ")
    : text;

const NAMED_NUMBER = /^\s*(\p{L}+)\s*#?(\d+)\s*$/u;

/** Among options that are one word and a number ("frame 13"): a number alone stands with that word. */
const withNamedNumber = (text: string, options: readonly string[]): string => {
  const alone = /^\s*#?(\d+)[\s.]*$/.exec(text);
  const names = new Set(options.map((option) => NAMED_NUMBER.exec(option)?.[1]?.toLowerCase()));
  const [name] = names;
  return alone === null || names.size !== 1 || name === undefined ? text : `${name} ${alone[1]}`;
};

/** A text in the writing of the options it is compared with: ranges, orders, named numbers and words for yes and no. */
export const inOptionsWriting = (text: string, options: readonly string[]): string =>
  withNamedNumber(withCommas(withYesNo(withRanges(text, options), options), options), options);

/** The third person's forms of a verb that an -ing form may come from. */
const presentForms = (ing: string): string[] => {
  const stem = ing.slice(0, -3);
  const single = /([bdfglmnprt])\1$/.test(stem) ? [`${stem.slice(0, -1)}s`] : [];
  const y = stem.endsWith("y") ? [`${stem.slice(0, -1)}ies`] : [];
  return [`${stem}s`, `${stem}es`, ...single, ...y];
};

const PRONOUN = /^(?:she|he|they|it|someone|somebody|(?:the|a)\s+(?:person|man|woman|child|boy|girl))\s+/i;

/**
 * A text and options brought to one form where a sentence tells an option in another one: "is peeling" for "peels", and,
 * where every option begins with the same person, any other word for that person ("The woman peels" for "She peels").
 * Null when nothing of the kind applies.
 */
export const inOneForm = (
  text: string,
  options: readonly string[],
): { readonly text: string; readonly options: readonly string[] } | null => {
  const words = new Set(options.flatMap((option) => option.toLowerCase().match(/\p{L}+/gu) ?? []));
  const told = text.replace(
    /\b(?:is|are|was|were)\s+(?:now\s+|clearly\s+|seen\s+)?(\p{L}{2,}ing)\b/giu,
    (whole, ing: string) => {
      const form = words.has(ing.toLowerCase())
        ? undefined
        : presentForms(ing.toLowerCase()).find((one) => words.has(one));
      return form ?? whole;
    },
  );
  const subject = PRONOUN.exec(options[0] ?? "")?.[0].toLowerCase();
  const bare = options.map((option) => option.slice(subject?.length ?? 0).trim());
  const same =
    subject !== undefined &&
    options.every((option) => option.toLowerCase().startsWith(subject)) &&
    bare.every((rest) => /\s/.test(rest));
  if (told === text && !same) return null;
  return { text: told, options: same ? bare : options };
};
