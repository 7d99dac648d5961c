import { readdirSync } from "node:fs";
import type { z } from "zod";
import { ConfigError, UnknownNameError } from "./errors.ts";
import { nearestName } from "./nearest.ts";

/** What every plug-in file's default export has; kinds add their own fields by intersection. */
export interface Plugin<Params extends z.ZodType = z.ZodType, Made = unknown> {
  /** One line for `--help`. */
  readonly summary: string;
  /** Where the method comes from: paper and equation, or "ours". */
  readonly source: string;
  /** Parameters with units and help text; defaults make every one optional. */
  readonly params: Params;
  /** Builds the thing from checked parameters. */
  readonly create: (params: z.output<Params>) => Made;
}

/** Name and parameters of whatever made something; stored beside everything produced. */
export interface Recipe {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Something made by a plug-in, with the record of how. */
export interface Made<T> {
  readonly value: T;
  readonly recipe: Recipe;
}

/** A folder of plug-in files; the file's name is the plug-in's name. */
export interface Registry<P extends Plugin> {
  /** Every name, sorted. */
  names(): string[];
  /** The plug-in, or an error that lists the known names and the nearest. */
  load(name: string): Promise<P>;
  /** Loads, checks the parameters and creates. */
  make(name: string, params?: unknown): Promise<Made<ReturnType<P["create"]>>>;
}

type Issue = z.core.$ZodIssue;

/** The first problem, and where it is; of a union what its branches want, or the problem of the one that fits best. */
const explainIssue = (issue: Issue): { readonly path: readonly PropertyKey[]; readonly message: string } => {
  const branches = issue.code === "invalid_union" ? issue.errors.filter(({ length }) => length > 0) : [];
  if (branches.length === 0) return issue;
  const isOfType = ([first]: readonly Issue[]): boolean =>
    first!.code !== "invalid_type" || first!.path.length > 0;
  const [best] = branches.filter(isOfType).sort((a, b) => a.length - b.length);
  if (best !== undefined) {
    const { path, message } = explainIssue(best[0]!);
    return { path: [...issue.path, ...path], message };
  }
  const firsts = branches.map(([first]) => first!);
  const wanted = firsts.flatMap((one) => (one.code === "invalid_type" ? [one.expected] : []));
  const received = /received .*$/.exec(firsts[0]!.message)?.[0] ?? "received another type";
  return {
    path: issue.path,
    message: `Invalid input: expected ${[...new Set(wanted)].join(" or ")}, ${received}`,
  };
};

/** Explains the first problem of a failed zod check in one line. */
export const explainZod = (error: z.ZodError): string => {
  const { path, message } = explainIssue(error.issues[0]!);
  return path.length === 0 ? message : `${path.join(".")}: ${message}`;
};

/** The registry of a folder. `kind` is the word for error messages; `folder` is the registry file's own folder URL. */
export const folderRegistry = <P extends Plugin>(kind: string, folder: URL): Registry<P> => {
  const names = (): string[] =>
    readdirSync(folder)
      .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith(".d.ts"))
      .map((file) => file.replace(/\.(ts|js)$/, ""))
      .sort();
  const load = async (name: string): Promise<P> => {
    const known = names();
    if (!known.includes(name)) throw new UnknownNameError(kind, name, known, nearestName(name, known));
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const module = (await import(new URL(`${name}.${extension}`, folder).href)) as { default: P };
    return module.default;
  };
  return {
    names,
    load,
    make: async (name, params = {}) => {
      const plugin = await load(name);
      const parsed = plugin.params.safeParse(params);
      if (!parsed.success)
        throw new ConfigError(`bad parameters for ${kind} "${name}"`, { got: explainZod(parsed.error) });
      return {
        value: plugin.create(parsed.data) as ReturnType<P["create"]>,
        recipe: { name, params: parsed.data as Record<string, unknown> },
      };
    },
  };
};
