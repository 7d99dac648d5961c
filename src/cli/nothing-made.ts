/**
 * What a command adds to its result when no row came through: status 1, and a line to standard error that says so. The folder
 * is whole, so that its reasons can be read.
 */
export const nothingMade = (
  made: number,
  what: string,
  rejectedByRule: Readonly<Record<string, number>>,
  warn: (line: string) => void,
): { readonly exitCode?: 1 } => {
  if (made > 0) return {};
  const rules = Object.entries(rejectedByRule).map(([rule, count]) => `${rule} ${count}`);
  warn(`no ${what} came of it: everything was rejected (${rules.join(", ")}); reasons in rejected.jsonl`);
  return { exitCode: 1 };
};
