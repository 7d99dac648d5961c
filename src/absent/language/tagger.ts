import { alsoOpen, closedTags, followScore, pastOnly, type Tag } from "./closed-words.ts";
import type { Token } from "./sentences.ts";
import type { WordNet } from "./wordnet.ts";

/** A word with its part in the sentence. */
export interface Word {
  readonly text: string;
  readonly tag: Tag;
}

const smoothing = 0.7;
/** WordNet's lexicographer file of nouns of persons. */
const persons = 18;
const colours: ReadonlySet<string> = new Set(
  "red blue green yellow white black grey gray brown pink purple golden silver".split(" "),
);

/**
 * What a path knows of its clause: no finite verb yet; one, of a certain form; or one and then a comma or conjunction,
 * behind which the next verb of that form may come.
 */
interface Clause {
  readonly state: "open" | "closed" | "joined";
  readonly verb?: Tag;
  /** After "let", "make", "watch": "a woman get on" follows without being a clause. */
  readonly causes?: true;
  /** Seen an infinitive, to which a conjunction may join another. */
  readonly bare?: true;
}

const causing =
  /^(?:let|lets|letting|mak(?:e|es|ing)|made|help(?:s|ed|ing)?|watch(?:es|ed|ing)?|sees?|saw|hears?|heard)$/;

interface Path {
  readonly tag: Tag;
  readonly clause: Clause;
  readonly score: number;
  readonly before?: Path;
}

const openClause: Clause = { state: "open" };
const finite: ReadonlySet<Tag> = new Set(["VB", "VBZ", "VBD", "BE", "HV", "MD"]);
/** Tags behind which a base form is no finite verb. */
const governsBase: ReadonlySet<Tag> = new Set(["TO", "MD", "NEG", "VB", "VBZ", "BE", "HV"]);
const secondVerb = -5.5;
/** A verb behind a comma whose subject stands before an aside ("a man, wearing a hat, walks"). */
const aside = -2;
const verbless = -1;
/** A bare noun behind a preposition ("over city roofs") is rarely the whole phrase before a verb. */
const bareNoun = -1.2;
const sameForm = 1.6;
const otherForm = -1.5;
const present: ReadonlySet<Tag> = new Set(["VB", "VBZ"]);
const joinsBare = 2;
/** A participle behind "gets": a passive. */
const getsDone = 3;

/** The clause after `tag` and what the step costs: a clause has one finite verb, and a conjunction joins two alike. */
const stepClause = (
  { tag: last, clause, before }: Path,
  tag: Tag,
  text: string,
): readonly [Clause, number] => {
  if (tag === "SC" || tag === "WP") return [openClause, 0];
  if (last === "PRO" && before?.tag === "IN" && (tag === "NN" || tag === "NNS"))
    return [clause, bareNoun * 3];
  if (tag === "CC" || tag === ",") return [clause.verb ? { ...clause, state: "joined" } : clause, 0];
  const causes = (finite.has(tag) || tag === "VBG") && causing.test(text);
  if (tag === "VB" && clause.bare && (last === "CC" || (last === "RB" && before?.tag === "CC")))
    return [clause, joinsBare];
  const bare = tag === "VB" && (last === "TO" || last === "MD");
  if (!finite.has(tag) || governsBase.has(last))
    return [causes || bare ? { ...clause, ...(causes && { causes }), ...(bare && { bare }) } : clause, 0];
  if (tag === "VB" && clause.causes && (last === "NN" || last === "NNS" || last === "PRO"))
    return [clause, 2];
  // "A left turn": no verb follows an adverb that an article has before it.
  if (last === "RB" && before?.tag === "DT") return [clause, secondVerb];
  const next: Clause = { state: "closed", verb: tag, ...(causes && { causes }) };
  if (clause.state === "closed")
    return [next, last === "PRO" && tag === "VB" ? -1.5 : last === "PRP" || last === "RB" ? -1 : secondVerb];
  if (clause.state === "open")
    return [
      next,
      last === ","
        ? aside
        : last === "CC"
          ? secondVerb
          : last === "NN" && before?.tag === "IN"
            ? bareNoun
            : 0,
    ];
  if (last === "NN" && (before?.tag === "CC" || before?.tag === ",")) return [next, bareNoun / 2];
  const joins = last === "CC" || last === "RB" || last === ",";
  if (joins && present.has(tag) && present.has(clause.verb!) && tag !== clause.verb) return [next, otherForm];
  return [next, joins && tag === clause.verb ? sameForm : 0];
};

/**
 * Tags of the words of a sentence: the best path through what each word can be (WordNet's counts in tagged texts for
 * open classes, word lists for closed ones), how tags follow one another, and one finite verb a clause.
 *
 * @source the Viterbi algorithm; scores ours
 */
export const tagged = (sentence: readonly Token[], wordNet: WordNet): Word[] => {
  const title = sentence.filter(({ capital }) => capital).length * 2 > sentence.length;
  let paths: Path[] = [{ tag: ".", clause: openClause, score: 0 }];
  sentence.forEach((token, at) => {
    const next = new Map<string, Path>();
    const gets = /^g(?:ets?|ot|etting)$/.test(sentence[at - 1]?.text ?? "");
    for (const [tag, emission] of emissions(token, token.capital && at > 0 && !title, wordNet))
      for (const before of paths) {
        const [clause, cost] = stepClause(before, tag, token.text);
        const passive = gets && tag === "VBN" ? getsDone : 0;
        const score = before.score + followScore(before.tag, tag) + emission + cost + passive;
        const key = `${tag} ${clause.state} ${clause.verb} ${clause.causes} ${clause.bare}`;
        if (score > (next.get(key)?.score ?? Number.NEGATIVE_INFINITY))
          next.set(key, { tag, clause, score, before });
      }
    paths = [...next.values()];
  });
  const ended = ({ tag, clause, score }: Path): number =>
    score + followScore(tag, ".") + (clause.state === "open" ? verbless : 0);
  let path: Path | undefined = paths.reduce((best, other) => (ended(other) > ended(best) ? other : best));
  const words: Word[] = new Array(sentence.length);
  for (let at = sentence.length - 1; at >= 0; at--) {
    words[at] = { text: sentence[at]!.text, tag: path!.tag };
    path = path!.before;
  }
  return words;
};

/** What a word can be, each with the logarithm of its share. */
const emissions = (token: Token, name: boolean, wordNet: WordNet): [Tag, number][] => {
  const { text } = token;
  if (text === ",") return [[",", 0]];
  if (/^\p{N}/u.test(text))
    return [
      ["NUM", 0],
      ["NN", -3],
    ];
  const weights = new Map<Tag, number>();
  const add = (tag: Tag, weight: number): void => {
    if (weight > 0) weights.set(tag, (weights.get(tag) ?? 0) + weight);
  };
  const closed = closedTags.get(text);
  if (closed === undefined || alsoOpen.has(text)) addOpen(text, wordNet, add);
  if (closed !== undefined) {
    const open = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    for (const tag of closed) add(tag, Math.max(5, open));
  } else if (name) {
    const open = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
    add("NN", 5 * open);
  }
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0);
  return [...weights].map(([tag, weight]) => [tag, Math.log(weight / total)]);
};

const addOpen = (text: string, wordNet: WordNet, add: (tag: Tag, weight: number) => void): void => {
  const weight = (lemma: string, part: "noun" | "verb" | "adj" | "adv"): number =>
    wordNet.count(lemma, part) + smoothing;
  const verb = onlyNouns.has(text) ? undefined : verbLemma(text, wordNet);
  const nouns = nounLemmas(text, wordNet);
  const compound = text.includes("-") && !wordNet.has(text, "noun") && !wordNet.has(text, "verb");
  const adj = wordNet.lemmas(text, "adj")[0];
  if (adj !== undefined) add("JJ", weight(adj, "adj") * (colours.has(text) ? 4 : 1));
  else if (compound) add("JJ", /(?:ed|en)$/.test(text) ? 9 : 2);
  if (/^mid-|(?:ward|wards|wise)$/.test(text)) add("RB", 5);
  if (wordNet.has(text, "adv")) add("RB", weight(text, "adv"));
  else if (/ly$/.test(text) && adj === undefined && nouns.length === 0) add("RB", 2);
  for (const lemma of nouns) {
    const plural = lemma !== text && /s$|men$|people$|ren$|ee/.test(text);
    const gerund = /ing$/.test(text) && verb !== undefined;
    add(
      plural || text === "people" ? "NNS" : "NN",
      weight(lemma, "noun") * (gerund && wordNet.count(lemma, "noun") < 20 ? 0.5 : 1),
    );
  }
  if (nouns.length === 0 && compound && adj === undefined) add(/s$/.test(text) ? "NNS" : "NN", 2);
  if (verb !== undefined) {
    const share = weight(verb, "verb") * (compound ? 0.3 : 1);
    const forms = verbForms(text, verb);
    // Captions are told in the present; what WordNet's texts call a person is one here ("kids", not "it kids").
    const person = nouns.some((lemma) => wordNet.entry(lemma, "noun")?.lexicographerFile === persons);
    const kind = (person ? 0.3 : 1) / Math.sqrt(forms.length);
    const named = nouns.includes(text) && wordNet.count(text, "noun") > 5;
    for (const tag of forms)
      add(
        tag,
        share *
          kind *
          (tag === "VBG" && named ? 0.4 : tag === "VBZ" ? 3 : tag === "VBD" && forms.length > 1 ? 0.6 : 1),
      );
  }
  if (adj === undefined && verb === undefined && nouns.length === 0 && !compound) {
    add(/[^s]s$/.test(text) ? "NNS" : "NN", 1);
    add("JJ", 0.3);
    if (/[^s]s$/.test(text)) add("VBZ", 0.5);
    if (/ing$/.test(text)) add("VBG", 0.7);
    if (/ed$/.test(text)) for (const tag of ["VBN", "VBD"] as const) add(tag, 0.7);
  }
};

/** Plurals that are no verbs in captions. */
const onlyNouns: ReadonlySet<string> = new Set(
  "pants shorts jeans trousers glasses gloves shoes boots socks scissors headphones goggles clothes stairs".split(
    " ",
  ),
);

/** Noun lemmas, without a plural that WordNet also lists by itself ("brakes"). */
const nounLemmas = (text: string, wordNet: WordNet): string[] => {
  const lemmas = wordNet.lemmas(text, "noun");
  return /[^s]s$/.test(text) && lemmas.length > 1 ? lemmas.filter((lemma) => lemma !== text) : lemmas;
};

/** The tags of an inflected verb form. */
const verbForms = (text: string, lemma: string): Tag[] => {
  if (text === lemma)
    return /^(?:cut|put|hit|set|let|shut|hurt|split|spread|burst|cast|shed|spit|quit|bet|cost|knit|slit|thrust|come|run|become|overcome)$/.test(
      text,
    )
      ? /come|run/.test(text)
        ? ["VB", "VBN"]
        : ["VB", "VBD", "VBN"]
      : ["VB"];
  if (/ing$/.test(text)) return ["VBG"];
  if (/ed$/.test(text)) return ["VBD", "VBN"];
  if (pastOnly.has(text)) return ["VBD"];
  if (/s$/.test(text)) return ["VBZ"];
  return /(?:wn|en|ne|rn|ung|um|un|unk)$/.test(text) ? ["VBN"] : ["VBD", "VBN"];
};

/** The lemma of a word as a verb: of several the most common one; compounds by their last part ("rear-ends"). */
export const verbLemma = (text: string, wordNet: WordNet): string | undefined => {
  // "Plating" is of "plate": "plat" would double its last letter.
  const lemmas = wordNet
    .lemmas(text, "verb")
    .filter(
      (lemma, _, all) => !(all.includes(`${lemma}e`) && /^[^aeiou]*[aeiou][bdfgklmnprtvz]$/.test(lemma)),
    );
  if (lemmas.length > 0)
    return lemmas.reduce((best, lemma) =>
      wordNet.count(lemma, "verb") > wordNet.count(best, "verb") ? lemma : best,
    );
  const cut = text.lastIndexOf("-");
  if (cut < 1) return undefined;
  const last = verbLemma(text.slice(cut + 1), wordNet);
  return last === undefined ? undefined : `${text.slice(0, cut)}-${last}`;
};

/** The lemma of a word as a noun, out of its plural where it is one; the word itself where WordNet lacks it. */
export const nounLemma = ({ text, tag }: Word, wordNet: WordNet): string => {
  if (
    /^(?:scissors|trousers|pants|shorts|jeans|tongs|pliers|headphones|sunglasses|goggles|binoculars|clothes)$/.test(
      text,
    )
  )
    return text;
  const lemmas = wordNet.lemmas(text, "noun");
  if (tag === "NNS") {
    const singular = lemmas.find((lemma) => lemma !== text);
    if (singular !== undefined) return singular;
    const cut = text.lastIndexOf("-");
    if (lemmas.length === 0 && cut > 0)
      return `${text.slice(0, cut)}-${nounLemma({ text: text.slice(cut + 1), tag }, wordNet)}`;
    return lemmas[0] ?? text.replace(/([^s])s$/, "$1");
  }
  return lemmas[0] ?? text;
};
