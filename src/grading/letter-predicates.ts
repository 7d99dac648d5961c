/** What can be said of an option right behind its letter. */

const COPULA =
  "(?:is|was|are|were|seems?|appears?|looks?|sounds?|remains|makes|(?:would|must|should|will|has\\s+to|can(?:\\s+(?:only|also))?)\\s+be)(?:\\s+(?:to\\s+be|is))*";
const ADVERBS =
  "(?:(?:also|both|all|clearly|definitely|obviously|certainly|surely|probably|likely|most|very|more|therefore|thus|then|indeed|simply|just|actually|really|by\\s+far|the|an?|my|only|one)\\s+)*";
const BAD =
  "wrong|incorrect|false|inaccurate|untrue|unlikely|implausible|improbable|impossible|invalid|mistaken|misleading|contradicted|inconsistent|unsupported|out(?!\\s+of)|off|ruled\\s+out|excluded|eliminated|rejected|dismissed|discarded|mistakes?|errors?|traps?|(?:\\w+\\s+)?distractor|worst|least";
const GOOD =
  "correct|right|true|accurate|best|valid|supported|fitting|appropriate|suitable|likely|probable|final";
const BEHIND_GOOD =
  "\\s*(?:$|[.,;:!)\\n]|because|since|as\\b|too\\b|also\\b|here|answers?|options?|choices?|one|description|match|fit|response|statement|of\\b|given|based|than\\b|and\\b|for\\b|to\\b|in\\s+my\\b)";
const NAMED =
  "(?:answer|(?:the|my)\\s+(?:(?:only|best|right|correct|final|most\\s+\\w+)\\s+)*(?:answer|choice|pick|one|option))";

const negative = new RegExp(
  [
    `^\\s*${COPULA}\\s+${ADVERBS}(?:${BAD})\\b`,
    "^\\s*(?:is|was|are|were|seems|appears|looks|must|should|can|could|would|will|may|might|does|do|did|has|have)\\s+(?:\\w+ly\\s+)?(?:also\\s+)?(?:not|never)\\b",
    "^\\s*(?:isn|aren|wasn|weren|doesn|don|didn|can|couldn|won|wouldn|shouldn)['’]?t\\b",
    "^\\s*(?:cannot|contradicts?|fails?|lacks?)\\b",
    "^[\\s,:(—–-]*(?:not|never)\\s+(?:the\\s+|a\\s+|at\\s+all\\s*|really\\s+|so\\s+)*(?:correct|right|true|valid|accurate|sure|certain|answer|best|possible|likely|plausible|it\\b|this\\b|that\\b|quite)",
    "^[\\s,:(=>—–-]*(?:wrong|incorrect|false|inaccurate|untrue)\\b",
    "^\\s*[,:(—–-]\\s*no(?=\\s*(?:$|[.,;:!)—–-])|\\s+(?:he|she|it|they|this|that)\\b)",
    "^\\s*[:(]?\\s*[❌✗✘✖⛔🚫👎]",
  ].join("|"),
  "iu",
);

const affirmative = new RegExp(
  [
    `^\\s*${COPULA}\\s+${ADVERBS}(?:${GOOD})\\b(?!-)(?=${BEHIND_GOOD})`,
    `^\\s*${COPULA}\\s+${NAMED}(?=\\s*(?:$|[.,;:!)\\n]|because|since|here|(?:that|which)\\s+(?:fits|matches|describes|applies|works|captures|is\\s+(?:correct|right))))`,
    "^\\s*(?:best|most\\s+(?:closely|accurately))\\s+(?:fits?|matche?s?|describes?|captures?|reflects?|answers?|explains?)\\b",
    "^\\s*(?:fits|matches|describes|captures|reflects)\\s+(?:[\\w ]{0,30}\\s)?(?:best|most\\s+accurately)\\b",
    "^\\s*(?:fits|matches)\\s+(?:the\\s+(?:video|clip|scene|action|footage|frames?|motion)|what)\\b",
    "^\\s*(?:(?:fits|matches|applies|remains|survives)|is\\s+(?:left|what\\s+(?:remains|is\\s+left)))\\s*(?:$|[.!\\n])",
    "^\\s*[:(—–-]\\s*(?:correct|right|true)\\b(?=\\s*(?:$|[.,;!)}\\n]))",
    "^\\s*[:(—–-]?\\s*[✅✓✔]",
  ].join("|"),
  "iu",
);

const doubtful =
  /^\s*(?:\?|(?:is|are|was|seems|looks)\s+(?:also\s+|equally\s+|just\s+as\s+)*(?:possible|plausible|conceivable)|(?:could|might|may)\b|would\s+(?:also\s+)?(?:work|fit|match|do|be\s+(?:possible|fine|ok|okay))\b|(?:\w+\s+){0,4}(?:too|also|as\s+well)\b)/i;
const open =
  /^[\s,;(—–-]*(?:\?|(?:or|maybe|perhaps|possibly|could|might|may|unsure|uncertain|unless|if)\b|(?:(?:but|though|although)\s+)?(?:I'm|I\s+am)?\s*not\s+(?:\w+\s+)?(?:sure|certain|confident)\b)/i;
const turn =
  /^[\s,;(—–-]*(?:which|that|but|though|although|and|however)?[\s,]*(?:(?:it|this|that|which|I|we)\b)?\s*(?=\S)/i;

/** What follows a letter: it is denied, affirmed, doubted, or nothing of the kind. */
export const predicateOf = (rest: string): "denied" | "affirmed" | "doubted" | null => {
  if (negative.test(rest)) return "denied";
  if (affirmative.test(rest)) return "affirmed";
  return doubtful.test(rest) ? "doubted" : null;
};

/** True when the line behind an assertion takes it back: "is wrong", ", which is false", "but I was wrong". */
export const isTakenBack = (rest: string): boolean => {
  const line = rest.split("\n")[0]!;
  if (negative.test(line)) return true;
  const lead = turn.exec(line);
  return lead !== null && lead[0].trim() !== "" && negative.test(line.slice(lead[0].length));
};

/** True when an assertion is left open by what follows it: "B?", "B, perhaps", "B or something else". */
export const isLeftOpen = (rest: string): boolean => open.test(rest) || /^[^.!\n]{0,40}\?/.test(rest);
