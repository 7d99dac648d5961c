/**
 * Words that a tagger trained on general text gets wrong in captions, or that say nothing about a visible change.
 * Chosen by rule of thumb and on the tuning half of `test/data/captions.jsonl` only.
 */

/** Verbs that only say that another verb happens, or that something is the case. */
export const emptyVerbs: ReadonlySet<string> = new Set([
  ...[
    "be",
    "have",
    "begin",
    "start",
    "continue",
    "keep",
    "try",
    "seem",
    "appear to",
    "happen",
    "remain",
    "stay",
  ],
  ...[
    "contain",
    "include",
    "show",
    "depict",
    "feature",
    "use",
    "want",
    "need",
    "know",
    "think",
    "see",
    "wear",
  ],
  ...["belong", "look like", "exist", "consist", "represent", "display", "let", "cease", "finish", "proceed"],
]);

/** Postures: an event only with a particle or an adverb of direction ("sits down"). */
export const postureVerbs: ReadonlySet<string> = new Set([
  "sit",
  "stand",
  "lie",
  "kneel",
  "hang",
  "hold",
  "rest",
  "face",
]);

/** Particles that turn a posture into a change. */
export const changeParticles: ReadonlySet<string> = new Set(["up", "down", "off", "out"]);

/** Words that, as nouns before a noun or after a determiner, are never the caption's verb. */
export const shotWords: ReadonlySet<string> = new Set([
  "shot",
  "shots",
  "view",
  "footage",
  "clip",
  "video",
  "close-up",
]);

/** Words after which a verb form is not an event that is seen. */
export const negations: ReadonlySet<string> = new Set([
  "not",
  "never",
  "without",
  "no",
  "n't",
  "hardly",
  "cannot",
]);

/** Nouns that name a visible event by themselves. */
export const eventNouns: ReadonlySet<string> = new Set([
  ...[
    "collision",
    "crash",
    "explosion",
    "flash",
    "handshake",
    "accident",
    "fall",
    "jump",
    "kick",
    "punch",
    "hug",
  ],
  ...[
    "kiss",
    "splash",
    "eruption",
    "impact",
    "sneeze",
    "goal",
    "fight",
    "rollover",
    "near-miss",
    "blast",
    "wave",
  ],
]);

/** Prepositions, conjunctions and particles that can follow an intransitive verb. */
export const functionWords: ReadonlySet<string> = new Set([
  ...[
    "a",
    "an",
    "the",
    "his",
    "her",
    "its",
    "their",
    "some",
    "one",
    "two",
    "three",
    "four",
    "five",
    "each",
    "both",
  ],
  ...[
    "in",
    "into",
    "on",
    "onto",
    "off",
    "over",
    "under",
    "up",
    "down",
    "out",
    "at",
    "to",
    "from",
    "with",
    "by",
  ],
  ...[
    "for",
    "of",
    "through",
    "across",
    "along",
    "around",
    "past",
    "towards",
    "toward",
    "behind",
    "between",
    "near",
  ],
  ...[
    "before",
    "after",
    "against",
    "above",
    "below",
    "beside",
    "back",
    "away",
    "left",
    "right",
    "it",
    "them",
    "him",
  ],
  ...[
    "and",
    "or",
    "but",
    "then",
    "while",
    "when",
    "as",
    "until",
    "because",
    "so",
    "once",
    "twice",
    "again",
    "head-on",
  ],
]);

/** Adverbs that taggers take for the object of the verb before them. */
export const directions: ReadonlySet<string> = new Set([
  ...[
    "forward",
    "forwards",
    "backward",
    "backwards",
    "upward",
    "upwards",
    "downward",
    "downwards",
    "sideways",
  ],
  ...["left", "right", "home", "indoors", "outdoors", "upstairs", "downstairs", "twice", "once", "again"],
]);
