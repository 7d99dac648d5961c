import { existsSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import { basename, dirname, extname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError, messageOf } from "../core/errors.ts";
import { type Plugin, pluginRegistries } from "../core/registry.ts";

const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const root = new URL("../../", import.meta.url).href;

/** Files that Node runs as modules, whatever the nearest package.json says. */
const formats: Readonly<Record<string, string>> = {
  ".ts": "module-typescript",
  ".mts": "module-typescript",
  ".js": "module",
  ".mjs": "module",
};

/** Where the running copy keeps an entry of the package: "videoperceiver" is `index`, "videoperceiver/x" is `x`. */
const entryUrl = (specifier: string): string => {
  const name = specifier === "videoperceiver" ? "index" : specifier.slice("videoperceiver/".length);
  return new URL(`../public/${name}.${extension}`, import.meta.url).href;
};

/** URL of the module that loads a plug-in file in another process of ours. */
const moduleFor = (file: string): string => {
  const url = new URL(`./plugin-elsewhere.${extension}`, import.meta.url);
  url.searchParams.set("file", file);
  return url.href;
};

let hooked = false;

/**
 * Lets plug-in files anywhere on the disk import this very copy of the package, and zod where their own folder has none:
 * another copy would have registries of its own, in which nobody looks.
 */
const resolvePackage = (): void => {
  if (hooked) return;
  hooked = true;
  registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "videoperceiver" || specifier.startsWith("videoperceiver/"))
        return next(entryUrl(specifier), context);
      if (specifier === "zod" || specifier.startsWith("zod/")) {
        try {
          return next(specifier, context);
        } catch {
          return next(specifier, { ...context, parentURL: import.meta.url });
        }
      }
      const found = next(specifier, context);
      const ours = found.url.startsWith(root) || found.url.includes("/node_modules/");
      const format = found.url.startsWith("file:") && !ours ? formats[extname(found.url)] : undefined;
      return format === undefined ? found : { ...found, format };
    },
  });
};

/** A plug-in that was loaded, and the name under which it is known. */
export interface LoadedPlugin {
  readonly kind: string;
  readonly name: string;
  readonly plugin: Plugin;
}

/** The file of a plug-in: itself, or the entry of a folder that is a plug-in (a model family, an engine). */
const pluginFile = (place: string): string => {
  const path = resolve(place);
  if (!existsSync(path)) throw new ConfigError("no such plug-in file", { where: place });
  if (!statSync(path).isDirectory()) {
    if (formats[extname(path)] !== undefined) return path;
    throw new ConfigError("not a plug-in file", { where: place, expected: "a .ts or .js file" });
  }
  const entries = [...pluginRegistries().values()].flatMap(({ entry }) => entry ?? []);
  const names = [...new Set(entries)].flatMap((entry) => [`${entry}.ts`, `${entry}.js`]);
  const found = names.map((name) => join(path, name)).find((file) => existsSync(file));
  if (found === undefined)
    throw new ConfigError("not a plug-in folder", {
      where: place,
      expected: names.length === 0 ? "a .ts or .js file" : `a file, or a folder with ${names.join(" or ")}`,
    });
  return found;
};

const isPlugin = (value: unknown): value is Plugin => {
  if (typeof value !== "object" || value === null) return false;
  const { kind, summary, source, params, create } = value as Record<string, unknown>;
  const schema = params as { readonly shape?: unknown; readonly safeParse?: unknown } | undefined;
  return (
    typeof kind === "string" &&
    typeof summary === "string" &&
    typeof source === "string" &&
    typeof schema?.shape === "object" &&
    typeof schema.safeParse === "function" &&
    typeof create === "function"
  );
};

/** What a default export is, in a few words. */
const described = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return value === undefined ? "none" : typeof value;
  const { kind } = value as { readonly kind?: unknown };
  return typeof kind === "string"
    ? `a "${kind}"`
    : `an object with ${Object.keys(value).join(", ") || "nothing"}`;
};

/**
 * Loads a person's own plug-in and adds it to the registry of its kind, under its file's name (under its folder's name
 * where a plug-in is a folder).
 *
 * @param place a TypeScript or JavaScript file whose default export is made by a define function of
 *   `videoperceiver/plugins`
 * @throws {ConfigError} for a file that is missing, does not load or exports something else, and for a taken name
 */
export const loadPlugin = async (place: string): Promise<LoadedPlugin> => {
  resolvePackage();
  await import(entryUrl("videoperceiver/plugins"));
  const file = pluginFile(place);
  let plugin: unknown;
  try {
    plugin = ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  } catch (error) {
    throw new ConfigError("plug-in cannot be loaded", { where: place, got: messageOf(error), cause: error });
  }
  const registry = isPlugin(plugin) ? pluginRegistries().get(plugin.kind) : undefined;
  if (registry === undefined || !isPlugin(plugin))
    throw new ConfigError("not a plug-in", {
      where: place,
      expected: `a default export made by the define function of one of: ${[...pluginRegistries().keys()].sort().join(", ")}`,
      got: described(plugin),
    });
  const stem = basename(file, extname(file));
  const name = registry.entry === stem ? basename(dirname(file)) : stem;
  registry.add(name, plugin, moduleFor(file));
  return { kind: plugin.kind, name, plugin };
};
