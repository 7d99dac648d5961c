/** Tags of the tagger; "." stands for both ends of a sentence. */
export type Tag =
  | "DT"
  | "PS"
  | "NUM"
  | "JJ"
  | "NN"
  | "NNS"
  | "PRP"
  | "PRO"
  | "VB"
  | "VBZ"
  | "VBD"
  | "VBN"
  | "VBG"
  | "BE"
  | "HV"
  | "MD"
  | "TO"
  | "IN"
  | "RP"
  | "RB"
  | "CC"
  | "WP"
  | "SC"
  | "NEG"
  | ","
  | ".";

/** Words of each closed class; a word may stand in several. */
const classes: readonly (readonly [Tag, string])[] = [
  [
    "DT",
    "a an the this that these those my your his her its our their each every some any no another both all several many much few various either neither whose half what such",
  ],
  ["PS", "'s '"],
  ["JJ", "other"],
  ["NN", "other"],
  ["NNS", "others"],
  ["NUM", "one two three four five six seven eight nine ten eleven twelve twenty thirty hundred"],
  [
    "PRP",
    "i you he she it we they someone somebody something everyone everybody everything anyone anybody anything nobody nothing there this that these those all both mine hers theirs each",
  ],
  [
    "PRO",
    "me you him it us them her himself herself itself themselves myself yourself ourselves self oneself someone somebody something everyone everybody everything anyone anybody anything nobody nothing",
  ],
  ["BE", "be am is are was were been being 's 're 'm"],
  ["HV", "have has had having 've 'd 's"],
  ["MD", "do does did can could will would shall should may might must 'll 'd let's"],
  ["TO", "to"],
  [
    "IN",
    "of in on at by with from into onto through across along alongside around over under above below behind between among amid beside besides near towards toward against past for as like during until till before after about without off up down out inside outside within upon beyond despite per via than beneath underneath opposite atop throughout aboard round next",
  ],
  ["RP", "up down out off on over away back in around apart together along"],
  [
    "RB",
    "then again also too very just only still already almost nearly away back together apart forward forwards backward backwards upward upwards downward downwards upright sideways home here there now soon once twice ahead aside around head-on instead later first last finally next suddenly quickly slowly indoors outdoors upstairs downstairs so even once all about left right straight left-hand high low else somewhere below above behind past through nearby throughout across inside outside beneath underneath by along",
  ],
  ["CC", "and or but nor yet"],
  ["WP", "who which that whom what"],
  [
    "SC",
    "while when whenever as because until till if unless although though since so where once before after that how why whether and-then",
  ],
  ["NEG", "not never no"],
];

/** Tags that a word of a closed class can have. */
export const closedTags: ReadonlyMap<string, ReadonlySet<Tag>> = (() => {
  const found = new Map<string, Set<Tag>>();
  for (const [tag, words] of classes)
    for (const word of words.split(" ")) {
      const tags = found.get(word) ?? new Set<Tag>();
      found.set(word, tags.add(tag));
    }
  return found;
})();

/** Words of closed classes that WordNet also knows as nouns, verbs, adjectives and that captions use so. */
export const alsoOpen: ReadonlySet<string> = new Set(
  "like down back round left right close last first next half home past inside outside straight high low opposite being few second near backward forward having do does did past through behind inside outside".split(
    " ",
  ),
);

/** Irregular past forms that are never past participles. */
export const pastOnly: ReadonlySet<string> = new Set(
  "ate became began bit blew broke came chose did drank drew drove fell flew forgot froze gave got grew hid knew lay ran rang rode rose sang sank saw shook shrank sprang stole swam swore swung took tore threw went woke wore wrote".split(
    " ",
  ),
);

/**
 * How well one tag follows another, as a natural logarithm that is not normalised: 0 is common, unlisted pairs are
 * rare (-5). Set by hand from English word order; changed on the tuning halves only.
 */
const rows: Readonly<Record<Tag, string>> = {
  ".": "DT 0 NN -.7 NNS -.7 JJ -.7 PRP -.3 PRO -3 NUM -.5 IN -.5 VB -2 VBG -1.5 VBN -2.2 RB -.8 SC -.8 CC -1.2 WP -3 VBZ -3.8 VBD -4 BE -4 MD -4 HV -5 TO -2.5 , -2",
  DT: "NN 0 NNS 0 JJ -.3 NUM -.8 VBG -2.3 VBN -1.8 RB -2.5 DT -2 IN -3.5 PRP -4 PRO -3.5 VB -8 VBZ -7 VBD -8 , -4 . -4 RP -7 CC -5 BE -6 PS -4",
  PS: "NN 0 NNS 0 JJ -.4 NUM -1 VBG -2.5 VBN -2.5 VBZ -7 VB -8",
  NUM: "NNS 0 NN -.7 JJ -.5 IN -1 VBG -2 VBN -2 VBZ -1.5 VB -2.5 VBD -2 BE -1 , -1 . -1 CC -1.2 NUM -1 TO -2 RB -2 RP -3 HV -2 MD -2 SC -2 WP -1.5",
  JJ: "NN 0 NNS 0 JJ -.8 , -1.2 CC -1.2 IN -1.3 TO -.4 . -1 NUM -2 VBG -2.5 VBN -1.6 SC -2 RB -2.5 VBZ -6 VB -7 VBD -7 DT -4 PRP -4 PRO -3.5 RP -4 BE -3 PS -4",
  NN: "IN 0 VBZ -.3 VBD -.6 BE -.2 HV -.5 MD -.5 VBG -1 VBN -1.6 CC -.5 , -.5 . -.3 NN -1.1 NNS -1.1 RP -1 RB -1 TO -.4 WP -1 SC -1 PS -.8 VB -3.4 DT -2.5 PRP -3 PRO -3.5 JJ -3 NUM -3 NEG -4",
  NNS: "IN 0 VB -.3 VBD -.6 BE -.2 HV -.5 MD -.5 VBG -.8 VBN -1.3 CC -.5 , -.5 . -.3 NN -3.5 NNS -3.5 RP -1 RB -1 TO -.4 WP -1 SC -1 PS -1.5 VBZ -3 DT -2.5 PRP -3 PRO -3.5 JJ -3 NUM -3",
  PRP: "VBZ -.1 VB -.4 VBD -.3 BE 0 HV -.3 MD 0 RB -1 IN -.5 RP -.7 CC -1 , -.7 . -.5 VBG -1.5 VBN -3 DT -2 TO -.4 SC -1 NEG -3 JJ -2 NN -4 NNS -4 WP -2 PRP -3 PRO -3.5",
  PRO: "IN 0 RP -.1 . -.1 , -.2 CC -.3 RB -.5 TO -.4 SC -.5 DT -1 JJ -1.2 VBG -.8 VBN -2 VB -2.5 WP -1.5 NN -4 NNS -4 NUM -2 VBZ -3 VBD -3.5 BE -2.5 MD -3 HV -3",
  BE: "VBG 0 VBN 0 NEG -.5 RB -.7 DT -.7 JJ -.5 IN -.5 NN -2 NNS -2 NUM -1.5 PRP -1.5 BE -.5 , -2.5 TO -.4 . -2 RP -1.5 SC -2.5 WP -2 VB -7 VBZ -8 VBD -8",
  HV: "VBN 0 BE -.5 DT 0 NN -1 NNS -1 JJ -1 NUM -1 NEG -1 RB -1 TO -1 PRP -1.5 VBG -4 VB -7 VBZ -8",
  MD: "VB 0 BE -.2 HV -.5 NEG 0 RB -.7 PRP -2 DT -4 . -3 , -3 VBZ -8 VBN -7",
  TO: "VB 0 BE -.5 HV -1 DT -.2 PRO -.7 PRP -1.2 NN -1.3 NNS -1 JJ -1 NUM -1.2 VBG -2.2 RB -2.2 IN -3 VBZ -8 VBN -4 VBD -8",
  IN: "DT 0 NN -.4 NNS -.4 JJ -.5 PRP -1.5 PRO -.2 NUM -.5 VBG -1 IN -1.5 VBN -2.5 RB -1.8 WP -1.5 VB -8 VBZ -8 VBD -8 SC -2 , -4 . -4 CC -4 RP -4",
  RP: "DT 0 IN -.1 . -.1 , -.1 CC -.2 NN -1 NNS -.8 TO -.4 SC -.2 RB -.7 PRP -2 PRO -1 JJ -1 NUM -1 VBG -1.5 RP -1.5 VBZ -3 VB -4 VBD -3",
  RB: "VBZ -.5 VBD -.6 VB -1 VBG -.5 VBN -.6 IN -.4 DT -.6 JJ -.4 RB -.8 , -.4 . -.3 CC -.6 PRP -.8 PRO -3.5 NUM -1 TO -.4 SC -1 BE -1.5 HV -1.5 MD -1.5 NN -1.5 NNS -1.5 RP -1",
  CC: "DT -.2 NN -.8 NNS -.9 JJ -.6 VBZ -.6 VB -.9 VBD -.7 VBG -.7 VBN -1 RB -.6 PRP -.6 PRO -2 NUM -.8 IN -1.2 SC -1 BE -1.2 HV -1.2 MD -1.5 TO -1.5 RP -2 WP -2 NEG -1.5",
  WP: "VBZ 0 VB -.4 VBD -.2 BE 0 HV 0 MD -.2 RB -1 PRP -.7 PRO -3 DT -.7 NN -1.5 NNS -1.5 JJ -2 VBG -4 VBN -4",
  SC: "DT 0 PRP -.2 PRO -3 NN -.5 NNS -.5 JJ -.8 VBG -.6 VBN -1.5 NUM -1 TO -1 VBZ -3.5 IN -1.2 RB -1.5 BE -5 WP -3 , -3 VB -6",
  NEG: "VB 0 VBG 0 VBN 0 RB -.5 DT -.7 TO -1 JJ -1 IN -1.5 BE -1 NN -2 NNS -2",
  VB: "DT 0 IN -.3 RP -.4 PRP -2 PRO -.1 NN -1 NNS -.8 JJ -.8 NUM -.8 RB -.5 CC -.6 , -.6 . -.5 TO -.4 SC -.8 VBG -1 VBN -2.5 WP -1.5 VB -4.5 VBZ -6 VBD -6 NEG -4",
  VBZ: "DT 0 IN -.3 RP -.4 PRP -2 PRO -.1 NN -1 NNS -.8 JJ -.8 NUM -.8 RB -.5 CC -.6 , -.6 . -.5 TO -.4 SC -.8 VBG -.9 VBN -2.2 WP -1.5 VB -6 VBZ -6 VBD -6 NEG -4",
  VBD: "DT 0 IN -.3 RP -.4 PRP -2 PRO -.1 NN -1.2 NNS -1 JJ -1 NUM -.8 RB -.5 CC -.6 , -.6 . -.5 TO -.4 SC -.8 VBG -.9 VBN -2.5 WP -1.5 VB -5 VBZ -6 VBD -6 NEG -4",
  VBG: "DT 0 IN -.3 RP -.4 PRP -2 PRO -.1 NN -.9 NNS -.8 JJ -.9 NUM -.8 RB -.5 CC -.6 , -.6 . -.5 TO -.4 SC -.8 VBG -1.5 VBN -2.5 WP -1.5 VB -6 VBZ -5 VBD -5 BE -3",
  VBN: "IN 0 CC -.7 , -.6 . -.5 RP -.5 TO -.4 RB -.6 NN -.7 NNS -.7 DT -1.6 SC -1 JJ -1.5 PRP -3 PRO -2 VBG -.9 NUM -2 VB -6 VBZ -5 VBD -6",
  ",": "DT 0 VBG -.3 VBZ -.9 VB -1.5 VBD -.9 VBN -1.2 NN -.5 NNS -.5 JJ -.5 NUM -.6 RB -.5 CC -.2 IN -.6 SC -.5 WP -.6 PRP -.5 PRO -3.5 BE -2 HV -2 MD -2 TO -1.5 RP -4 . 0 , 0",
};

const follows: ReadonlyMap<Tag, ReadonlyMap<string, number>> = new Map(
  Object.entries(rows).map(([tag, row]) => {
    const fields = row.split(" ");
    const scores = new Map<string, number>();
    for (let at = 0; at < fields.length; at += 2) scores.set(fields[at]!, Number(fields[at + 1]));
    return [tag as Tag, scores];
  }),
);

/** How well `next` follows `tag`. */
export const followScore = (tag: Tag, next: Tag): number => follows.get(tag)?.get(next) ?? -5;
