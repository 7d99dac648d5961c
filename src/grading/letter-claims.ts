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
const NOUN = `answers?|(?:${QUALITY})\\s+(?:option|choice|response|selection|letter|one|pick)s?|my\\s+(?:choice|pick|guess|selection|vote|response|conclusion)`;
const LABEL =
  "final|letter|response|prediction|selection|selected|option|choice|conclusion|verdict|result|pick|guess|correct|therefore|output";
const GLUE_WORDS =
  "is|was|are|be|would|should|must|will|to|has|have|seems?|appears?|therefore|thus|then|clearly|definitely|certainly|obviously|surely|likely|most|probably|simply|just|indeed|option|choice|letter|number|answer|the|one|labeled|labelled|marked|as|follows|here|actually|now|hence|so|going|only|of|course|in fact|of course|believe|that";
const GLUE = `(?:'s\\b|[\\s:=\\-–—>→⇒"'*,]|\\b(?:${GLUE_WORDS})\\b)*`;
const ASIDE = `(?:\\s+(?:to|for|among|amongst|from|of|out\\s+of|in|based\\s+on|given|according\\s+to|here)\\b[^.,;:!?\\n]{0,60}?(?=\\s+(?:is|was|would|must|should|seems|appears)\\b|\\s*:))?(?:\\s*,[^,.;:!?\\n]{1,60},|\\s*\\([^()\\n]{2,60}\\))?`;

const strongLeads: readonly RegExp[] = [
  new RegExp(`\\b(?:${NOUN})\\b(?!-)${ASIDE}${GLUE}`, "gi"),
  new RegExp(`\\b(?:${LABEL})\\b\\s*(?::|=|->|→|=>|\\bis\\b|\\bwas\\b)${GLUE}`, "gi"),
  new RegExp(
    `\\b(?:option|choice|one|statement|description|answer|letter)\\s+(?:that|which)\\b[^.;:!?\\n]{0,60}?(?:\\bis\\b|:)${GLUE}`,
    "gi",
  ),
];
const chooseLead = new RegExp(
  `\\b(?:choose|chose|choosing|pick|picked|picking|select|selected|selecting|go(?:ing)?\\s+(?:with|for)|went\\s+with|opt(?:ed|ing)?\\s+for|settle\\s+(?:on|for)|vote\\s+for|say|guess|think|believe|conclude|it\\s+is|it's|that's|this\\s+is|(?:it|that|this)\\s+(?:must|should|would|has\\s+to)\\s+be|(?:looks|seems)\\s+like|(?:seems|appears)\\s+to\\s+be|makes\\s+it|leaves|so|thus|hence|therefore|probably|likely|definitely|clearly|certainly|obviously|surely|undoubtedly|finally|=>|⇒|→)(?![\\w-])(?:${GLUE}|\\bit's\\b)*`,
  "gi",
);
const rejectLead =
  /(?:\b(?:not|n['’]t|never|neither|nor|than|instead\s+of|opposed\s+to|rul(?:e|es|ed|ing)\s+out|eliminat(?:e|es|ed|ing)|exclud(?:e|es|ed|ing)|reject(?:s|ed|ing)?|discard(?:s|ed|ing)?|dismiss(?:es|ed|ing)?|except(?:\s+for)?|besides|(?:any\w*|every\w*|all)\s+but|unlike|wrong\s*:|incorrect\s*:))(?:[\s"':]|\b(?:be|is|the|answer|options?|choices?|letter|by|from|choose|pick|select|for)\b)*/gi;
const contrast =
  /^[\s,;.:—–-]*(?:but|rather|instead)\b(?:[\s,:]|\b(?:rather|instead|it|is|it's|the|answer|option|choice)\b)*/i;
const possibleLead =
  /\b(?:maybe|perhaps|possibly|alternatively|might\s+(?:also\s+)?be|could\s+(?:also\s+)?be|may\s+(?:also\s+)?be|or|also)\b(?:[\s"':,]|\b(?:be|is|it|the|answer|options?|choices?|even|also|maybe|possibly)\b)*/gi;

const NEGATIVE = new RegExp(
  [
    `^\\s*(?:(?:is|was|are|were|seems|appears|looks|sounds|would\\s+be|must\\s+be|should\\s+be|can\\s+(?:also\\s+)?be)\\s+)?(?:(?:also|clearly|definitely|obviously|therefore|thus|simply|just|all|both|then|to\\s+be|probably|likely)\\s+)*(?:wrong|incorrect|false|inaccurate|untrue|unlikely|implausible|impossible|invalid|out\\b|ruled|excluded|eliminated|rejected|dismissed|discarded|mistaken|off\\b|a\\s+distractor|the\\s+(?:wrong|incorrect|worst|least)|an?\\s+(?:wrong|incorrect|bad))`,
    "^\\s*(?:is|was|are|were|seems|appears|looks|must|should|can|could|would|will|may|might)\\s+(?:\\w+ly\\s+)?(?:also\\s+)?(?:not|never)\\b",
    "^[\\s,(—–-]*(?:not|never)\\s+(?:the\\s+|a\\s+|at\\s+all\\s*|really\\s+|so\\s+)*(?:correct|right|true|valid|accurate|sure|certain|answer|best|possible|likely|plausible|it\\b|this\\b|that\\b|quite)",
    "^\\s*(?:isn|aren|wasn|doesn|don|can|couldn|didn|won|wouldn|shouldn)['’]?t\\b",
    "^\\s*(?:cannot|does\\s+not|do\\s+not|contradicts?|fails?|lacks?)\\b",
    "^\\s*[❌✗✘✖⛔🚫]",
    "^\\s*[,—–:(-]\\s*no\\b",
    "^\\s*\\(?\\s*(?:wrong|incorrect|false)\\b",
  ].join("|"),
  "iu",
);
const takenBack =
  /^[\s,;(—–-]*(?:which|that|but|though|although|and|however)?[\s,]*(?:(?:it|this|that|which|I|we)\b)?\s*(?=\S)/i;
const uncertain = /^\s*(?:\?|,?\s*\(?\s*(?:or\b|maybe\b|perhaps\b|possibly\b|could\b|might\b|may\b|\?))/i;
const AFFIRMATIVE =
  /^\s*(?:(?:is|was|are|were|seems|appears|looks|sounds|remains|must\s+be|has\s+to\s+be|should\s+be|would\s+be|will\s+be|makes)\s+(?:to\s+be\s+|is\s+)*(?:(?:also|clearly|definitely|obviously|therefore|thus|indeed|the|only|one|most|more|by\s+far|my|an?)\s+)*(?:(?:correct|right|true|accurate|best|valid|supported|fitting|appropriate|suitable|likely|probable|final)\b(?!-)(?=\s*(?:$|[.,;:!)\n]|because|since|as\b|here|answer|option|choice|one|description|match|fit|response|statement|of\b|given|based|and\b|for\b))|(?:answer|choice|pick)\b)|(?:best\s+)?(?:fits|matches|describes|captures|reflects)\s+(?:best|the\s+(?:video|clip|scene|action|footage|frames?|motion|best)|what)|best\s+(?:fits|matches|describes|captures|reflects|answers|explains)\b)/i;
const PLAUSIBLE =
  /^\s*(?:(?:is|are|was|seems|looks)\s+(?:also\s+|equally\s+|just\s+as\s+)*(?:possible|plausible|conceivable)|(?:could|might|may)\b|(?:too|as\s+well)\b)/i;
const mayPrecede =
  /(?:^|[\n.,;:!?—–(["'|>→⇒=-]|\b(?:options?|choices?|answers?|letter|that|so|but|and|or|nor|thus|therefore|hence|only|say|while|whereas|since|because|then|both|neither|either|think|believe|although|though|however|is|if|why|think|not|than))\s*["'([{]*$/i;

/** Where a group stands, told from everything else that letters can mean. */
interface Finder {
  readonly text: string;
  readonly names: OptionNames;
}

const claim = (group: LetterGroup, rule: string): LetterClaim => ({
  indices: group.indices,
  start: group.start,
  end: group.end,
  rule,
});

/** True when what follows a letter is the wording of another option. */
const endsClause = ({ text, names }: Finder, group: LetterGroup): boolean => {
  const rest = text.slice(group.end);
  if (group.bracketed && /^\s*[^\p{L}\p{N}]|^\s*$/u.test(rest)) return true;
  if (group.indices.length === 1 && names.textLength(rest, group.indices[0]!) > 0) return true;
  return /^\s*(?:$|[.,;:!)\n\]"'|—–-]|(?:because|since|as|due|given|based|for|here|is|was|which|over|rather|instead|not|but|and)\b)/i.test(
    rest,
  );
};

/** The part of a sentence behind a claim that can take it back. */
const isTakenBack = (text: string, end: number): boolean => {
  const rest = text.slice(end).split("\n")[0]!;
  if (NEGATIVE.test(rest)) return true;
  const lead = takenBack.exec(rest);
  return lead !== null && lead[0].trim() !== "" && NEGATIVE.test(rest.slice(lead[0].length));
};

/** Claims that a lead-in announces: "the answer is", "I choose", "so". */
const ledClaims = (finder: Finder): LetterClaims => {
  const { text, names } = finder;
  const asserted: LetterClaim[] = [];
  const rejected: LetterClaim[] = [];
  const possible: LetterClaim[] = [];
  const rejectedAt = new Set<number>();
  for (const match of text.matchAll(rejectLead)) {
    const group = readLetters(text, match.index + match[0].length, names);
    if (group === null || (group.lower && !group.bracketed && !endsClause(finder, group))) continue;
    rejected.push(claim(group, "rejected"));
    rejectedAt.add(group.start);
    const turn = contrast.exec(text.slice(group.end));
    const other = turn === null ? null : readLetters(text, group.end + turn[0].length, names);
    if (other !== null && endsClause(finder, other)) asserted.push(claim(other, "final-answer"));
  }
  const leads = [...strongLeads.map((lead) => [lead, true] as const), [chooseLead, false] as const];
  for (const [lead, strong] of leads)
    for (const match of text.matchAll(lead)) {
      const whole = readLetters(text, match.index + match[0].length, names);
      if (whole === null || rejectedAt.has(whole.start)) continue;
      const group = NEGATIVE.test(text.slice(whole.end)) ? beforeBreak(whole) : whole;
      if (!strong && ((group.lower && !group.bracketed) || !endsClause(finder, group))) continue;
      if (strong && group.lower && !group.bracketed && !endsClause(finder, group)) continue;
      const before = clauseBefore(text, match.index) + match[0];
      if (isDenied(before)) {
        if (!/\b(?:if|whether|unless|maybe|perhaps)\b/i.test(before)) rejected.push(claim(group, "rejected"));
      } else if (isTakenBack(text, group.end)) rejected.push(claim(group, "rejected"));
      else if (uncertain.test(text.slice(group.end))) possible.push(claim(group, "uncertain"));
      else if (
        /\bwould\b/i.test(match[0]) &&
        /\bif\b/i.test(
          text
            .slice(0, match.index)
            .split(/[.!?\n]/)
            .at(-1)!,
        )
      )
        possible.push(claim(group, "conditional"));
      else asserted.push(claim(group, strong ? "final-answer" : "chosen"));
    }
  for (const match of text.matchAll(possibleLead)) {
    const group = readLetters(text, match.index + match[0].length, names);
    if (group !== null && endsClause(finder, group)) possible.push(claim(group, "possible"));
  }
  return { asserted, rejected, possible };
};

/** Where the texts begin that lead-ins announce without a letter ("the answer is walk"), denied ones left out. */
export const announcedTexts = (text: string): number[] =>
  strongLeads.flatMap((lead) =>
    [...text.matchAll(lead)]
      .filter((match) => !isDenied(clauseBefore(text, match.index) + match[0]))
      .map((match) => match.index + match[0].replace(/[-−+](?=$)/, "").length),
  );

/** Claims made by what is said of a letter: "B is correct", "option C can be ruled out". */
const predicatedClaims = ({ text, names }: Finder): LetterClaims => {
  const claims = {
    asserted: [] as LetterClaim[],
    rejected: [] as LetterClaim[],
    possible: [] as LetterClaim[],
  };
  let behind = 0;
  for (const match of text.matchAll(
    /(?<![\p{Script=Latin}\p{N}_'’-])["'([{]*[A-Za-z](?![\p{Script=Latin}\p{N}_])/gu,
  )) {
    if (match.index < behind) continue;
    const whole = readLetters(text, match.index, names);
    if (whole === null) continue;
    const group = NEGATIVE.test(text.slice(whole.end)) ? beforeBreak(whole) : whole;
    const before = text.slice(Math.max(0, group.start - 40), group.start);
    if (!group.bracketed && !mayPrecede.test(before)) continue;
    if (group.lower && !group.bracketed && !/(?:^|\b(?:option|choice|answer)\s)["'(]*$/i.test(before))
      continue;
    behind = group.end;
    const own = group.indices.length === 1 ? names.textLength(text.slice(group.end), group.indices[0]!) : 0;
    for (const at of own > 0 ? [group.end, group.end + own] : [group.end]) {
      const rest = text.slice(at);
      if (NEGATIVE.test(rest)) claims.rejected.push(claim(group, "rejected"));
      else if (AFFIRMATIVE.test(rest) && !isDenied(clauseBefore(text, group.start)))
        claims.asserted.push(claim(group, "affirmed"));
      else if (PLAUSIBLE.test(rest) || /^\s*\?/.test(rest)) claims.possible.push(claim(group, "possible"));
      else continue;
      break;
    }
  }
  return claims;
};

/** Everything that running text says of options by their letters. */
export const letterClaims = (text: string, names: OptionNames): LetterClaims => {
  const led = ledClaims({ text, names });
  const predicated = predicatedClaims({ text, names });
  return {
    asserted: [...led.asserted, ...predicated.asserted],
    rejected: [...led.rejected, ...predicated.rejected],
    possible: [...led.possible, ...predicated.possible],
  };
};
