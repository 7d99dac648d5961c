import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { type Mutant, mutants } from "./mutants.ts";

const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** Environment variables: id of the mutant, and a file that a line is added to when it was put in. */
export const mutantVariables = {
  id: "VIDEOPERCEIVER_MUTANT",
  log: "VIDEOPERCEIVER_MUTANT_LOG",
} as const;

/** A source with the mutant's line in place. @throws when the line does not stand there exactly once */
export const mutated = (source: string, { id, file, line, to }: Mutant): string => {
  const lines = source.split("\n");
  const places = lines.flatMap((one, at) => (one.trim() === line ? [at] : []));
  if (places.length !== 1)
    throw new Error(
      `mutant ${id}: "${line}" stands ${places.length} times in ${file}, expected once; write the line as it is now`,
    );
  const at = places[0]!;
  const indent = lines[at]!.slice(0, lines[at]!.length - lines[at]!.trimStart().length);
  return lines.with(at, `${indent}${to}`).join("\n");
};

/** A plug-in for Vite that puts in the mutant that the environment names; none without one. */
export const mutantPlugins = (): object[] => {
  const id = process.env[mutantVariables.id];
  if (id === undefined || id === "") return [];
  const mutant = mutants.find((one) => one.id === id);
  if (mutant === undefined) throw new Error(`no mutant "${id}" in scripts/mutants/mutants.ts`);
  const transform = (code: string, module: string): string | undefined => {
    if (relative(root, module.split("?")[0]!) !== mutant.file) return undefined;
    const log = process.env[mutantVariables.log];
    if (log !== undefined) appendFileSync(log, `${id}\n`);
    return mutated(code, mutant);
  };
  return [{ name: "mutant", enforce: "pre", transform }];
};
