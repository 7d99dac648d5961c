/** The rules of the house as functions from file contents to violations; `architecture.test.ts` applies them. */
import ts from "typescript";

/** File contents by path from the repository's root, with `/`. */
export type Files = ReadonlyMap<string, string>;

/** One import or re-export between files of the repository. */
export interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const sources = new Map<string, ts.SourceFile>();

/** The parsed file; parsed once per content. */
export const parse = (file: string, text: string): ts.SourceFile => {
  const known = sources.get(file);
  if (known?.text === text) return known;
  const parsed = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  sources.set(file, parsed);
  return parsed;
};

/** Calls `see` on every node of a file. */
export const visit = (node: ts.Node, see: (node: ts.Node) => void): void => {
  see(node);
  ts.forEachChild(node, (child) => visit(child, see));
};

/** The file that a relative import names. */
export const resolve = (from: string, specifier: string): string => {
  const parts = from.split("/").slice(0, -1);
  for (const part of specifier.split("/"))
    if (part === "..") parts.pop();
    else if (part !== ".") parts.push(part);
  return parts.join("/");
};

const isTypeOnly = (node: ts.ImportDeclaration | ts.ExportDeclaration): boolean => {
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const names = clause.namedBindings;
  return (
    clause.name === undefined &&
    names !== undefined &&
    ts.isNamedImports(names) &&
    names.elements.length > 0 &&
    names.elements.every((name) => name.isTypeOnly)
  );
};

const imports = new WeakMap<ts.SourceFile, readonly Import[]>();

/** The relative imports of a file: static, dynamic, re-exports, and `import("...")` types. Found once per content. */
export const importsOf = (file: string, text: string): readonly Import[] => {
  const source = parse(file, text);
  const known = imports.get(source);
  if (known !== undefined) return known;
  const found: Import[] = [];
  imports.set(source, found);
  const add = (specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier) || !specifier.text.startsWith("."))
      return;
    found.push({ from: file, to: resolve(file, specifier.text), typeOnly });
  };
  visit(source, (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node))
      add(node.moduleSpecifier, isTypeOnly(node));
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true);
  });
  return found;
};

/** The stage of a file under `src/`, or undefined elsewhere. */
export const stageOf = (file: string): string | undefined => /^src\/([^/]+)\//.exec(file)?.[1];

/**
 * Which stages a stage may import: names; `types:` before a name allows type-only imports of it, `/*` behind it files of
 * the stage's own folder but none below. Or everything, or everything but some.
 */
export type LayerTable = Readonly<
  Record<string, readonly string[] | "everything" | { readonly everythingBut: readonly string[] }>
>;

/** True when a row's names allow an import of `target`. */
const allowsImport = (names: readonly string[], { to, typeOnly }: Import, target: string): boolean =>
  names.some((name) => {
    const wanted = name.replace(/^types:/, "");
    if (wanted !== name && !typeOnly) return false;
    return wanted.endsWith("/*") ? `${target}/*` === wanted && to.split("/").length === 3 : wanted === target;
  });

/** Imports that the table does not allow, as `file -> import`, and stages that it does not know. */
export const layerViolations = (files: Files, table: LayerTable): string[] => {
  const violations: string[] = [];
  for (const [file, text] of files) {
    const stage = stageOf(file);
    if (stage === undefined) continue;
    const allowed = table[stage];
    if (allowed === undefined) violations.push(`${file}: "${stage}" has no row in the import table`);
    if (allowed === undefined || allowed === "everything") continue;
    for (const one of importsOf(file, text)) {
      const target = stageOf(one.to);
      if (target === stage) continue;
      const fits =
        target !== undefined &&
        ("everythingBut" in allowed
          ? !allowed.everythingBut.includes(target)
          : allowsImport(allowed, one, target));
      if (!fits) violations.push(`${file} -> ${one.to}`);
    }
  }
  return violations;
};

/**
 * Imports that enter a folder of its own from outside of it, as `file -> import`. `folders` gives the folder of a file
 * that only its own files may import (a model family, an engine), or undefined.
 */
export const privateFolderViolations = (
  files: Files,
  folderOf: (file: string) => string | undefined,
): string[] =>
  [...files].flatMap(([file, text]) =>
    importsOf(file, text)
      .filter(({ to }) => folderOf(to) !== undefined && folderOf(to) !== folderOf(file))
      .map(({ to }) => `${file} -> ${to}`),
  );

/** Cycles of imports that exist at run time, each as `a -> b -> a`; type-only imports are erased. */
export const importCycles = (files: Files): string[] => {
  const cycles: string[] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const walk = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file].join(" -> "));
      return;
    }
    const text = files.get(file);
    if (text === undefined || done.has(file)) return;
    path.push(file);
    for (const { to, typeOnly } of importsOf(file, text)) if (!typeOnly) walk(to);
    path.pop();
    done.add(file);
  };
  for (const file of files.keys()) walk(file);
  return cycles;
};

/** Relative imports that do not name a file of the repository. */
export const danglingImports = (files: Files, exists: (file: string) => boolean): string[] =>
  [...files].flatMap(([file, text]) =>
    importsOf(file, text)
      .filter(({ to }) => !exists(to))
      .map(({ to }) => `${file} -> ${to}`),
  );

/** Uses of a clock or of randomness that no seed controls, outside `src/core/`. */
export const uncontrolledInputs = (files: Files): string[] => {
  const banned = new Set(["Math.random", "Date.now", "crypto.randomUUID"]);
  const violations: string[] = [];
  for (const [file, text] of files) {
    if (!file.startsWith("src/") || file.startsWith("src/core/")) continue;
    const source = parse(file, text);
    const report = (node: ts.Node, what: string): void => {
      const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      violations.push(`${file}:${line}: ${what}`);
    };
    visit(source, (node) => {
      if (ts.isPropertyAccessExpression(node) && banned.has(node.getText(source)))
        report(node, node.getText(source));
      if (
        ts.isNewExpression(node) &&
        node.expression.getText(source) === "Date" &&
        (node.arguments?.length ?? 0) === 0
      )
        report(node, "new Date()");
    });
  }
  return violations;
};

/** True when the file has a default export. */
export const hasDefaultExport = (file: string, text: string): boolean => {
  let found = false;
  visit(parse(file, text), (node) => {
    if (ts.isExportAssignment(node)) found ||= node.isExportEquals !== true;
    else if (ts.isExportSpecifier(node)) found ||= node.name.text === "default";
    else if (ts.canHaveModifiers(node))
      found ||= ts.getModifiers(node)?.some((one) => one.kind === ts.SyntaxKind.DefaultKeyword) ?? false;
  });
  return found;
};

/** Which files are found by name: every file of these folders, and every file of this name in a folder of these. */
export interface PluginPlaces {
  readonly folders: readonly string[];
  /** `src/model/*\/family.ts`: a folder a plug-in, whose entry has this name. */
  readonly entries: readonly string[];
}

/** Default exports outside plug-in files, and plug-in files that have none. */
export const defaultExportViolations = (files: Files, { folders, entries }: PluginPlaces): string[] => {
  const violations: string[] = [];
  for (const [file, text] of files) {
    if (!file.startsWith("src/")) continue;
    const folder = file.slice(0, file.lastIndexOf("/"));
    const asEntry = `${folder.slice(0, folder.lastIndexOf("/"))}/*/${file.slice(folder.length + 1)}`;
    const isPlugin = folders.includes(folder) || entries.includes(asEntry);
    const has = hasDefaultExport(file, text);
    if (isPlugin && !has) violations.push(`${file}: every file here is a plug-in and needs a default export`);
    if (!isPlugin && has) violations.push(`${file}: default exports are for plug-ins only`);
  }
  return violations;
};

/** Functions longer than `most` lines, as `file:line: lines`; functions inside count as part of the outer one. */
export const longFunctions = (files: Files, most: number): string[] => {
  const found: string[] = [];
  for (const [file, text] of files) {
    const source = parse(file, text);
    visit(source, (node) => {
      if (!ts.isFunctionLike(node) || !("body" in node) || node.body === undefined) return;
      const from = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
      const lines = source.getLineAndCharacterOfPosition(node.end).line + 2 - from;
      if (lines > most) found.push(`${file}:${from}: ${lines} lines`);
    });
  }
  return found;
};

/** Lines of a text; a line feed at the end begins no further line. */
export const lineCount = (text: string): number =>
  text === "" ? 0 : text.split("\n").length - (text.endsWith("\n") ? 1 : 0);

/** Places that tie a file to one machine. The names are joined here so that this file does not contain them. */
export const machinePaths = (file: string, text: string): string[] => {
  const folders = ["work", "farm", "root", "tmp"].map((name) => `/${name}/`).join("|");
  const pattern = new RegExp(`(?<![\\w.@$}~-])(${folders}|/home/[a-z])`);
  return text
    .split("\n")
    .flatMap((line, at) => (pattern.test(line) ? [`${file}:${at + 1}: ${line.trim().slice(0, 100)}`] : []));
};

/** True when a version satisfies an `engines` range: alternatives of comparators `^a.b`, `~a.b`, `>=a`, `>a`, `<a`, `a.x`, `*`. */
export const satisfies = (version: string, range: string): boolean => {
  const numbers = (text: string): number[] =>
    text
      .split(".")
      .filter((part) => /^\d+$/.test(part))
      .map(Number);
  const given = numbers(version);
  const order = (other: readonly number[]): number => {
    for (let i = 0; i < 3; i++) {
      const difference = (given[i] ?? 0) - (other[i] ?? 0);
      if (difference !== 0) return difference;
    }
    return 0;
  };
  const same = (wanted: readonly number[], parts: number): boolean =>
    wanted.slice(0, parts).every((part, i) => part === given[i]);
  const holds = (comparator: string): boolean => {
    const [, sign, text] = /^(\^|~|>=|<=|>|<|=?)v?(.*)$/.exec(comparator)!;
    const wanted = numbers(text!);
    if (sign === "^") return same(wanted, 1) && order(wanted) >= 0;
    if (sign === "~") return same(wanted, 2) && order(wanted) >= 0;
    if (sign === ">=") return order(wanted) >= 0;
    if (sign === "<=") return order(wanted) <= 0;
    if (sign === ">") return order(wanted) > 0;
    if (sign === "<") return order(wanted) < 0;
    return same(wanted, wanted.length);
  };
  return range.split("||").some((alternative) =>
    alternative
      .replace(/([<>=^~])\s+/g, "$1")
      .trim()
      .split(/\s+/)
      .every(holds),
  );
};

/** An exported name of a file, and where it is declared there. */
export interface ExportedName {
  readonly file: string;
  readonly line: number;
  readonly name: string;
}

const isExported = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false) &&
  !(ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false);

/** Names, values and types, that a file exports by declaring them; re-exports are the declaring file's. */
export const exportedNames = (file: string, text: string): ExportedName[] => {
  const source = parse(file, text);
  const found = new Map<string, ExportedName>();
  const add = (node: ts.Node, name: string): void => {
    const line = source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1;
    if (!found.has(name)) found.set(name, { file, line, name });
  };
  const bindings = (name: ts.BindingName): void => {
    if (ts.isIdentifier(name)) add(name, name.text);
    else for (const element of name.elements) if (ts.isBindingElement(element)) bindings(element.name);
  };
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement) && isExported(statement))
      for (const { name } of statement.declarationList.declarations) bindings(name);
    else if (
      (ts.isFunctionDeclaration(statement) ||
        ts.isClassDeclaration(statement) ||
        ts.isInterfaceDeclaration(statement) ||
        ts.isTypeAliasDeclaration(statement)) &&
      isExported(statement) &&
      statement.name !== undefined
    )
      add(statement, statement.name.text);
    else if (
      ts.isExportDeclaration(statement) &&
      statement.moduleSpecifier === undefined &&
      statement.exportClause !== undefined &&
      ts.isNamedExports(statement.exportClause)
    )
      for (const { name } of statement.exportClause.elements)
        if (name.text !== "default") add(name, name.text);
  }
  return [...found.values()];
};

/** Names that two rooms export, as `name: file, file`: a word has one meaning. */
export const sharedNames = (files: Files): string[] => {
  const places = new Map<string, ExportedName[]>();
  for (const [file, text] of files) {
    if (stageOf(file) === undefined) continue;
    for (const one of exportedNames(file, text)) places.set(one.name, [...(places.get(one.name) ?? []), one]);
  }
  return [...places]
    .filter(([, found]) => new Set(found.map(({ file }) => stageOf(file))).size > 1)
    .map(([name, found]) => `${name}: ${found.map(({ file }) => file).join(", ")}`)
    .sort();
};
