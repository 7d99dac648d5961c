import { existsSync, readdirSync } from "node:fs";
import type { z } from "zod";
import { ConfigError, InternalError, UnknownNameError } from "./errors.ts";
import { parseParams, splitName } from "./named-params.ts";
import { nearestName } from "./nearest.ts";

/** A plug-in as a registry holds it; kinds add their own fields by `extends`. */
export interface Plugin<Product = unknown> {
  /** Which registry it belongs to; set by the kind's `define...`. */
  readonly kind: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** Where the method comes from: paper and equation, or "ours". */
  readonly source: string;
  /** Parameters with units and help text; defaults make every one optional where that is possible. */
  readonly params: z.ZodObject;
  /** Which parameter the text behind `NAME:` sets when it is no `key=value`. */
  readonly argument?: string;
  /** Builds the thing from parameters that {@link Registry.make} has checked. */
  readonly create: (params: Readonly<Record<string, unknown>>) => Product;
}

/** A plug-in as its file writes it: the kind comes from `define...`, and `create` sees the parameters with their types. */
export type Definition<P extends Plugin, Params extends z.ZodObject> = Omit<
  P,
  "kind" | "params" | "create"
> & {
  readonly params: Params;
  readonly create: (params: z.output<Params>) => ReturnType<P["create"]>;
};

/** The type of a kind's `define...` function. */
export type Define<P extends Plugin> = <Params extends z.ZodObject>(definition: Definition<P, Params>) => P;

/** The `define...` function of a kind; every plug-in file's default export is made by one. */
export const definer =
  <P extends Plugin>(kind: string): Define<P> =>
  (definition) =>
    ({ ...definition, kind }) as unknown as P;

/** Name and parameters of whatever made something; stored beside everything produced. */
export interface MadeBy {
  readonly name: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** Something made by a plug-in, with the record of how. */
export interface Made<T> {
  readonly value: T;
  readonly recipe: MadeBy;
}

/** The plug-ins of a kind: a folder of files, and what people add. */
export interface Registry<P extends Plugin> {
  /** The word for error messages, e.g. "frame selector". */
  readonly kind: string;
  /** Where a plug-in is a folder: the name of its file with the default export, without extension. */
  readonly entry: string | undefined;
  /** Every name, sorted. */
  names(): string[];
  /** The plug-in, or an error that lists the known names and the nearest. */
  load(name: string): Promise<P>;
  /** Loads, checks the parameters and creates. */
  make(name: string, params?: object): Promise<Made<ReturnType<P["create"]>>>;
  /** Makes what a person wrote: `NAME`, `NAME:ARGUMENT` or `NAME:key=value,key=value`. */
  choose(text: string): Promise<Made<ReturnType<P["create"]>> & { readonly plugin: P }>;
  /**
   * Takes a plug-in from outside for this process.
   *
   * @param module URL of a module that does the same in another process, see {@link Registry.elsewhere}
   * @throws {ConfigError} for a name that is taken or cannot be written, and for a plug-in of another kind
   */
  add(name: string, plugin: P, module?: string): void;
  /**
   * Arguments with which Node starts a process of ours that knows the plug-in; none for those of the folder.
   *
   * @throws {ConfigError} for a plug-in that was added without a module
   */
  elsewhere(name: string): readonly string[];
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

/** Parameters after the schema's check; a name that the schema does not have is never dropped silently. */
const checkedParams = (plugin: Plugin, name: string, params: object): Record<string, unknown> => {
  const what = `bad parameters for ${plugin.kind} "${name}"`;
  const known = Object.keys(plugin.params.shape);
  const stray = Object.keys(params).find((key) => !known.includes(key));
  if (stray !== undefined && !acceptsMore(plugin.params)) {
    const nearest = nearestName(stray, known);
    throw new ConfigError(what, {
      got: `"${stray}"`,
      hint: `${nearest === undefined ? "" : `did you mean "${nearest}"? `}${known.length === 0 ? "it has none" : `known: ${known.join(", ")}`}`,
    });
  }
  const parsed = plugin.params.safeParse(params);
  if (!parsed.success) throw new ConfigError(what, { got: explainZod(parsed.error) });
  return parsed.data;
};

/** True for a schema that says itself what becomes of further names. */
const acceptsMore = ({ def }: z.ZodObject): boolean =>
  def.catchall !== undefined && def.catchall._zod.def.type !== "never";

const registries = new Map<string, Registry<Plugin>>();

/** Modules that add this process's own plug-ins to another, in the order of their coming. */
const modules = new Set<string>();

const importing = (module: string): readonly string[] => ["--import", module];

/** Arguments with which Node starts a process of ours that knows every plug-in that came from a file. */
export const knowingOwnPlugins = (): readonly string[] => [...modules].flatMap(importing);

/** The registries of all kinds whose modules are loaded, by kind. */
export const pluginRegistries = (): ReadonlyMap<string, Registry<Plugin>> => registries;

/** Names in a folder: its files, or with `entry` its folders that hold such a file. */
const namesIn = (folder: URL, extension: string, entry: string | undefined): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((one) => {
    if (entry !== undefined)
      return one.isDirectory() && existsSync(new URL(`${one.name}/${entry}.${extension}`, folder))
        ? [one.name]
        : [];
    return one.name.endsWith(`.${extension}`) && !one.name.endsWith(".d.ts")
      ? [one.name.slice(0, -extension.length - 1)]
      : [];
  });

/**
 * The registry of a folder; there is one for each kind.
 *
 * @param kind the word for error messages, as given to {@link definer}
 * @param folder URL of the plug-ins' folder, from the `import.meta.url` of the file that declares the kind
 * @param entry where a plug-in is a folder instead of a file: name of the file in it that has the default export
 */
export const folderRegistry = <P extends Plugin>(kind: string, folder: URL, entry?: string): Registry<P> => {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const added = new Map<string, { readonly plugin: P; readonly module: string | undefined }>();
  const names = (): string[] => [...namesIn(folder, extension, entry), ...added.keys()].sort();
  const load = async (name: string): Promise<P> => {
    const known = names();
    if (!known.includes(name)) throw new UnknownNameError(kind, name, known, nearestName(name, known));
    const own = added.get(name);
    if (own !== undefined) return own.plugin;
    const file = entry === undefined ? name : `${name}/${entry}`;
    const module = (await import(new URL(`${file}.${extension}`, folder).href)) as { default: P };
    if (module.default?.kind !== kind) throw new InternalError(`${folder.href}${file} is no ${kind}`);
    return module.default;
  };
  const created = (plugin: P, name: string, params: object): Made<ReturnType<P["create"]>> => {
    const checked = checkedParams(plugin, name, params);
    return { value: plugin.create(checked) as ReturnType<P["create"]>, recipe: { name, params: checked } };
  };
  const registry: Registry<P> = {
    kind,
    entry,
    names,
    load,
    make: async (name, params = {}) => created(await load(name), name, params),
    choose: async (text) => {
      const { name, argument } = splitName(text);
      const plugin = await load(name);
      const params = parseParams(argument, plugin.params, `${kind} "${name}"`, plugin.argument);
      return { ...created(plugin, name, params), plugin };
    },
    add: (name, plugin, module) => {
      if (plugin.kind !== kind)
        throw new ConfigError(`plug-in "${name}" is of another kind`, {
          expected: kind,
          got: String(plugin.kind),
        });
      if (!/^[A-Za-z0-9][\w.-]*$/.test(name))
        throw new ConfigError(`"${name}" cannot be the name of a ${kind}`, {
          expected: "letters, digits, _ . -",
        });
      if (names().includes(name))
        throw new ConfigError(`there is a ${kind} "${name}" already`, { hint: "choose another name" });
      added.set(name, { plugin, module });
      if (module !== undefined) modules.add(module);
    },
    elsewhere: (name) => {
      const own = added.get(name);
      if (own === undefined) return [];
      if (own.module !== undefined) return importing(own.module);
      throw new ConfigError(
        `the ${kind} "${name}" is known to this process only, and another has to load it`,
        {
          expected: "a plug-in of a file, by --plugin FILE or loadPlugin",
        },
      );
    },
  };
  if (registries.has(kind)) throw new InternalError(`two registries for ${kind}`);
  registries.set(kind, registry);
  return registry;
};
