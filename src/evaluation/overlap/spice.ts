/** A tuple of a scene graph: (object), (object, attribute) or (object, relation, object). */
export type SceneTuple = readonly string[];

/** Precision, recall and F of tuples. */
export interface TupleScore {
  readonly precision: number;
  readonly recall: number;
  readonly f: number;
  readonly matches: number;
}

/** Whether two words mean the same. */
export type SameMeaning = (a: string, b: string) => boolean;

const distinct = (tuples: readonly SceneTuple[]): SceneTuple[] => [
  ...new Map(tuples.map((tuple) => [JSON.stringify(tuple), tuple])).values(),
];

/**
 * SPICE of tuples that somebody else parsed: each candidate tuple matches when a reference tuple of its length means the
 * same element by element; several may match one. F is 0 where either side has no tuples.
 *
 * @source peteanderson80/SPICE@3e5de7a, the scoring without its parser
 */
export const spiceOfTuples = (
  candidate: readonly SceneTuple[],
  reference: readonly SceneTuple[],
  same: SameMeaning,
): TupleScore => {
  const [said, wanted] = [distinct(candidate), distinct(reference)];
  const isMatch = (a: SceneTuple, b: SceneTuple): boolean =>
    a.length === b.length && a.every((word, at) => word === b[at] || same(word, b[at]!));
  const matches = said.filter((tuple) => wanted.some((other) => isMatch(tuple, other))).length;
  const precision = said.length === 0 ? 0 : matches / said.length;
  const recall = wanted.length === 0 ? 0 : matches / wanted.length;
  const f = precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall);
  return { precision, recall, f, matches };
};
