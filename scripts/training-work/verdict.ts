/** What parts of a check that were run one after the other come to. */

/** A part by name, and what was found: `failed`, `left` out, or numbers, of which `holds` may be one. */
export interface CheckedPart extends Readonly<Record<string, unknown>> {
  readonly part: string;
}

/** One line, and the status of the program: 0 for all parts there and fine, 1 for one that is not, 3 for some left out. */
export const verdictOf = (
  parts: readonly CheckedPart[],
): { readonly line: string; readonly status: number } => {
  const named = (all: readonly CheckedPart[]): string => all.map(({ part }) => part).join("; ");
  const broken = parts.filter((one) => "failed" in one || one["holds"] === false);
  const left = parts.filter((one) => "left" in one);
  const without = left.length === 0 ? "" : `; left out: ${named(left)}`;
  if (broken.length > 0) return { line: `NOT fine: ${named(broken)}${without}`, status: 1 };
  if (left.length > 0) return { line: `INCOMPLETE${without}`, status: 3 };
  return parts.length === 0 ? { line: "nothing was checked", status: 1 } : { line: "fine", status: 0 };
};
