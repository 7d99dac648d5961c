import { isLeftOpen, isTakenBack, predicateOf } from "./letter-predicates.ts";
import { beforeBreak, type LetterGroup, type OptionNames, readLetters } from "./letters.ts";
import { clauseBefore, isDenied } from "./polarity.ts";

/** An assertion that an answer is among these letters; several letters assert no single one. */
export interface LetterClaim {
  readonly indices: readonly number[];
  readonly start: number;
  readonly end: number;
  /** Name of the rule that found it. */
  readonly rule: string;
}

/** What a text says of options by their letters. */
export interface LetterClaims {
  readonly asserted: readonly LetterClaim[];
  readonly rejected: readonly LetterClaim[];
  /** Named as a possibility only. */
  readonly possible: readonly LetterClaim[];
}

const QUALITY =
  "correct|right|best|true|valid|proper|accurate|suitable|appropriate|likely|plausible|probable|fitting|matching|chosen|selected|final|predicted|wrong|incorrect|false|worst|unlikely";
const NOUN = `answers?|(?:${QUALITY})\\s+(?:option|choice|response|selection|letter|one|pick|description|statement|explanation|fit|match)s?|my\\s+(?:choice|pick|guess|selection|vote|response|conclusion)`;
const LABEL =
  "final|letter|solution|response|prediction|selection|selected|option|choice|conclusion|verdict|result|pick|guess|correct|therefore|output|ans";
const FILLERS =
  "is|was|are|be|would|should|must|will|to|has|have|seems?|appears?|therefore|thus|then|clearly|definitely|certainly|obviously|surely|likely|most|probably|simply|just|indeed|option|choice|letter|number|answer|the|one|labeled|labelled|marked|as|follows|here|actually|now|hence|so|going|only|of|course|in fact|believe|that";
const GLUE = `(?:'s\\b|[\\s:=\\-–—>→⇒"'*,\\])}]|\\b(?:${FILLERS})\\b)*`;
const ASIDE = `(?:\\s+(?:to|for|among|amongst|from|of|out\\s+of|in|based\\s+on|given|according\\s+to|here)\\b[^.,;:!?\\n]{0,60}?(?=\\s+(?:is|was|would|must|should|seems|appears)\\b|\\s*:))?(?:\\s*,(?!\\s*[A-Za-z]\\s*,)[^,.;:!?\\n]{1,60},|\\s*\\([^()\\n]{2,60}\\))?`;

const strongLeads: readonly RegExp[] = [
  new RegExp(`\\b(?:${NOUN})\\b(?!-)${ASIDE}${GLUE}(?:(?<=,\\s*)[^,.;:!?\\n]{3,40},${GLUE})?`, "gi"),
  new RegExp(`\\b(?:${LABEL})\\b\\s*\\.?\\s*(?::|=|->|→|=>|\\bis\\b|\\bwas\\b)${GLUE}`, "gi"),
  new RegExp(
    `\\b(?:option|choice|one|statement|description|answer|letter)\\s+(?:that|which)\\b[^.;:!?\\n]{0,60}?(?:\\bis\\b|:)${GLUE}`,
    "gi",
  ),
  /\bans\.\s*/gi,
];
const CHOOSING =
  "choose|chose|chosen|choosing|pick|picked|picking|select|selected|selecting|go(?:ing)?\\s+(?:with|for)|went\\s+with|opt(?:ed|ing)?\\s+for|settle\\s+(?:on|for)|vote\\s+for|say|guess|think|believe|conclude|meant?|it\\s+is|it's|that's|this\\s+is|(?:it|that|this)\\s+(?:must|should|would|has\\s+to)\\s+be|(?:looks|seems)\\s+like|(?:seems|appears)\\s+to\\s+be|makes\\s+it|leaves|leaving|so|thus|hence|therefore|probably|likely|definitely|clearly|certainly|obviously|surely|undoubtedly|finally|=>|⇒|→";
const chooseLead = new RegExp(`(?<![\\w-]|\\bas\\s)(?:${CHOOSING})(?![\\w-])(?:${GLUE}|\\bit's\\b)*`, "gi");
const rejectLead =
  /(?:\b(?:not|n['’]t|never|neither|nor|than|instead\s+of|opposed\s+to|rul(?:e|es|ed|ing)\s+out|eliminat(?:e|es|ed|ing)|exclud(?:e|es|ed|ing)|reject(?:s|ed|ing)?|discard(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|except(?:\s+for)?|besides|(?:any\w*|every\w*|all)\s+but|unlike|wrong\s*:|incorrect\s*:))(?:[\s"':]|\b(?:be|is|the|answer|options?|choices?|letter|by|from|choose|pick|select|for)\b)*/gi;
const contrast =
  /^[\s,;.:—–-]*(?:but|rather|instead)\b(?:[\s,:]|\b(?:rather|instead|it|is|it's|the|answer|option|choice)\b)*/i;
const possibleLead =
  /\b(?:maybe|perhaps|possibly|alternatively|might\s+(?:also\s+)?be|could\s+(?:also\s+)?be|may\s+(?:also\s+)?be|or|also)\b(?:[\s"':,]|\b(?:be|is|it|the|answer|options?|choices?|even|also|maybe|possibly)\b)*/gi;
const mayPrecede =
  /(?:^|[\n.,;:!?—–(["'|>→⇒=❌✗✘✖✅✓✔-]|\b(?:options?|choices?|answers?|letter|statement|description|that|so|but|and|or|nor|thus|therefore|hence|only|say|while|whereas|since|because|then|both|neither|either|think|believe|although|though|however|is|if|why|not|than))\s*["'([{]*$/iu;

const REASON = "because|since|as|due|given|based";
const ends = new RegExp(
  `^\\s*(?:$|[.,;:!)\\n\\]"'|—–-]|(?:${REASON}|for|here|is|was|which|over|rather|instead|not|but|and)\\b)`,
  "i",
);
const endsBare = new RegExp(`^\\s*(?:$|[.,;:!)\\n\\]"'|—–-]|(?:${REASON})\\b)`, "i");

const claim = ({ indices, start, end }: LetterGroup, rule: string): LetterClaim => ({
  indices,
  start,
  end,
  rule,
});

/** How many characters behind a single letter are its own wording. */
const ownLength = (text: string, { indices, end }: LetterGroup, names: OptionNames): number =>
  indices.length === 1 ? names.textLength(text.slice(end).split("\n")[0]!, indices[0]!) : 0;

/** True when nothing follows a letter that would make it part of other words. */
const standsAlone = (text: string, group: LetterGroup, names: OptionNames, end: RegExp): boolean => {
  const rest = text.slice(group.end);
  if (group.bracketed && /^\s*[^\p{L}\p{N}]|^\s*$/u.test(rest)) return true;
  return ownLength(text, group, names) > 0 || end.test(rest);
};

/** The letters at a position; those behind a semicolon that are said to be wrong are left out. */
const lettersAt = (text: string, at: number, names: OptionNames): LetterGroup | null => {
  const group = readLetters(text, at, names);
  return group !== null && predicateOf(text.slice(group.end)) === "denied" ? beforeBreak(group) : group;
};

/** What stands behind a letter and its own wording. */
const restBehind = (text: string, group: LetterGroup, names: OptionNames): string =>
  text.slice(group.end + ownLength(text, group, names));

/** Letters that are denied, and those that a contrast puts in their place ("not A but B"). */
const deniedClaims = (text: string, names: OptionNames): LetterClaims => {
  const asserted: LetterClaim[] = [];
  const rejected: LetterClaim[] = [];
  for (const match of text.matchAll(rejectLead)) {
    const group = readLetters(text, match.index + match[0].length, names);
    if (group === null || (group.lower && !group.bracketed && !standsAlone(text, group, names, ends)))
      continue;
    rejected.push(claim(group, "rejected"));
    const turn = contrast.exec(text.slice(group.end));
    const other = turn === null ? null : readLetters(text, group.end + turn[0].length, names);
    if (other !== null && standsAlone(text, other, names, ends)) asserted.push(claim(other, "final-answer"));
  }
  return { asserted, rejected, possible: [] };
};

/** Somebody else says it: "most people would say A", "another model chose B". */
const byOthers =
  /\b(?:(?:most|many|some|other|few|all|several|different|another|a|the\s+other)\s+(?:people|persons?|viewers?|models?|annotators?|systems?|users?|students?)|others|someone|somebody|everyone|everybody|one|people)\s+(?:\w+\s+){0,3}$/i;

/** A lead-in's letters as a claim of its polarity; null when no letters follow, or other words. */
const ledClaim = (
  text: string,
  match: RegExpExecArray,
  strong: boolean,
  names: OptionNames,
): readonly [keyof LetterClaims, LetterClaim] | null => {
  const group = lettersAt(text, match.index + match[0].length, names);
  if (group === null) return null;
  const bare = strong && !/[:=→⇒>—–-]|\b(?:is|was|are|be|'s|ans\.)\b|'s\b|ans\./i.test(match[0]);
  if ((!strong || bare || group.lower) && !standsAlone(text, group, names, bare ? endsBare : ends))
    return null;
  if (!strong && group.lower && !group.bracketed) return null;
  const before = clauseBefore(text, match.index) + match[0];
  const rest = restBehind(text, group, names);
  if (isDenied(before)) {
    const doubted = /\b(?:if|whether|unless|maybe|perhaps|thought|assumed|could|might|may)\b/i.test(before);
    return [doubted ? "possible" : "rejected", claim(group, doubted ? "uncertain" : "rejected")];
  }
  if (isTakenBack(rest)) return ["rejected", claim(group, "rejected")];
  const sentence = text
    .slice(0, match.index)
    .split(/[.!?\n]/)
    .at(-1)!;
  if (!strong && byOthers.test(sentence)) return ["possible", claim(group, "uncertain")];
  if (isLeftOpen(rest) || (/\bwould\b/i.test(match[0]) && /\bif\b/i.test(sentence)))
    return ["possible", claim(group, "uncertain")];
  return ["asserted", claim(group, strong ? "final-answer" : "chosen")];
};

/** Claims that a lead-in announces: "the answer is", "I choose", "so"; `taken` are letters that are denied already. */
const ledClaims = (text: string, names: OptionNames, taken: ReadonlySet<number>): LetterClaims => {
  const claims = {
    asserted: [] as LetterClaim[],
    rejected: [] as LetterClaim[],
    possible: [] as LetterClaim[],
  };
  const leads = [...strongLeads.map((lead) => [lead, true] as const), [chooseLead, false] as const];
  for (const [lead, strong] of leads)
    for (const match of text.matchAll(lead)) {
      const found = ledClaim(text, match, strong, names);
      if (found !== null && !taken.has(found[1].start)) claims[found[0]].push(found[1]);
    }
  for (const match of text.matchAll(possibleLead)) {
    const group = readLetters(text, match.index + match[0].length, names);
    if (group !== null && standsAlone(text, group, names, ends))
      claims.possible.push(claim(group, "possible"));
  }
  return claims;
};

/** Where the texts begin that lead-ins announce without a letter ("the answer is walk"), denied ones left out. */
export const announcedTexts = (text: string): number[] =>
  strongLeads.flatMap((lead) =>
    [...text.matchAll(lead)]
      .filter((match) => !isDenied(clauseBefore(text, match.index) + match[0]))
      .map((match) => match.index + match[0].replace(/[-−+](?=$)/, "").length),
  );

const LETTER_START = /(?<![\p{Script=Latin}\p{N}_'’-])["'([{]*[A-Za-z](?![\p{Script=Latin}\p{N}_])/gu;

/** Groups of letters that stand where an option is named, not a person, a point or a word. */
export const namedLetters = (text: string, names: OptionNames): LetterGroup[] => {
  const groups: LetterGroup[] = [];
  for (const match of text.matchAll(LETTER_START)) {
    if (match.index < (groups.at(-1)?.end ?? 0)) continue;
    const group = lettersAt(text, match.index, names);
    if (group === null) continue;
    const before = text.slice(Math.max(0, group.start - 40), group.start);
    if (!group.bracketed && !mayPrecede.test(before)) continue;
    if (group.lower && !group.bracketed && !/(?:^|\b(?:option|choice|answer)\s)["'(]*$/i.test(before))
      continue;
    groups.push(group);
  }
  return groups;
};

/** Claims made by what is said of a letter: "B is correct", "option C can be ruled out". */
const predicatedClaims = (text: string, names: OptionNames): LetterClaims => {
  const claims = {
    asserted: [] as LetterClaim[],
    rejected: [] as LetterClaim[],
    possible: [] as LetterClaim[],
  };
  for (const group of namedLetters(text, names)) {
    const said = predicateOf(restBehind(text, group, names));
    if (said === "denied") claims.rejected.push(claim(group, "rejected"));
    else if (
      said === "doubted" &&
      !/\bonly\s+(?:option\s+|choice\s+)?["'([{]*$/i.test(text.slice(0, group.start))
    )
      claims.possible.push(claim(group, "possible"));
    else if (said !== null && !isDenied(clauseBefore(text, group.start)))
      claims.asserted.push(claim(group, "affirmed"));
  }
  return claims;
};

/** Everything that running text says of options by their letters. */
export const letterClaims = (text: string, names: OptionNames): LetterClaims => {
  const denied = deniedClaims(text, names);
  const led = ledClaims(text, names, new Set(denied.rejected.map(({ start }) => start)));
  const parts = [denied, led, predicatedClaims(text, names)];
  return {
    asserted: parts.flatMap(({ asserted }) => asserted),
    rejected: parts.flatMap(({ rejected }) => rejected),
    possible: parts.flatMap(({ possible }) => possible),
  };
};
