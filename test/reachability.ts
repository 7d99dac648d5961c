/**
 * Which exports of `src/` the commands and the package's entries reach: a graph whose nodes are the names that files
 * declare. An edge is an identifier, so that a name hidden by an inner one counts as used: what is listed is unreachable.
 */
import ts from "typescript";
import { exportedNames, type Files, parse, resolve, visit } from "./architecture-rules.ts";

/** What reaching one name reaches: names of files, and files whose statements run. */
interface Reach {
  readonly names: readonly (readonly [file: string, name: string])[];
  readonly files: readonly string[];
  /** Folders of which every default export is found by name. */
  readonly folders: readonly string[];
}

interface ParsedFile {
  /** What each name of the file's top level, and each exported name, reaches. */
  readonly reached: ReadonlyMap<string, Reach>;
  /** What loading the file reaches. */
  readonly loading: Reach;
}

const isDefault = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false);

const boundNames = (name: ts.BindingName): string[] =>
  ts.isIdentifier(name)
    ? [name.text]
    : name.elements.flatMap((element) => (ts.isBindingElement(element) ? boundNames(element.name) : []));

/** True for an identifier that names a member and no variable. */
const isMember = (node: ts.Identifier): boolean => {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  return (
    (ts.isPropertySignature(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isGetAccessor(parent)) &&
    parent.name === node
  );
};

/** The names that a dynamic import takes; undefined for all. */
const namesOfDynamicImport = (call: ts.Node): string[] | undefined => {
  let node = call.parent;
  while (ts.isAwaitExpression(node) || ts.isParenthesizedExpression(node)) node = node.parent;
  if (ts.isPropertyAccessExpression(node) && ts.isAwaitExpression(call.parent)) return [node.name.text];
  if (ts.isVariableDeclaration(node) && ts.isObjectBindingPattern(node.name))
    return node.name.elements.map(({ propertyName, name }) => (propertyName ?? name).getText());
  return undefined;
};

/** A relative path in the code; of `./main.${extension}` the file of the sources, of `../kind/${name}.ts` the folder. */
const specifierOf = (node: ts.Node | undefined): string | undefined => {
  if (node === undefined) return undefined;
  const head = ts.isTemplateExpression(node) ? node.head.text : "";
  const text = ts.isStringLiteralLike(node) ? node.text : head.endsWith(".") ? `${head}ts` : head;
  return text.startsWith(".") ? text : undefined;
};

/** What the code below `root` reaches; `scope` holds the names of the file's top level and its imports. */
const reachOf = (root: ts.Node, file: string, files: Files, scope: ReadonlySet<string>): Reach => {
  const [names, loaded, folders]: [[string, string][], string[], string[]] = [[], [], []];
  const everything = (target: string): void => {
    for (const { name } of exportedNames(target, files.get(target) ?? "")) names.push([target, name]);
  };
  visit(root, (node) => {
    if (ts.isIdentifier(node)) {
      if (scope.has(node.text) && !isMember(node)) names.push([file, node.text]);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const specifier = specifierOf(node.arguments[0]);
      if (specifier === undefined) return;
      const target = resolve(file, specifier);
      loaded.push(target);
      const taken = namesOfDynamicImport(node);
      if (taken === undefined) everything(target);
      else for (const name of taken) names.push([target, name]);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const specifier = specifierOf(node.argument.literal);
      if (specifier === undefined) return;
      const target = resolve(file, specifier);
      if (node.qualifier === undefined) everything(target);
      else names.push([target, node.qualifier.getText().split(".")[0]!]);
    } else if (ts.isNewExpression(node) && node.expression.getText() === "URL") {
      const specifier = specifierOf(node.arguments?.[0]);
      if (specifier === undefined) return;
      const target = resolve(file, specifier);
      if (files.has(target)) loaded.push(target);
      else folders.push(target.replace(/\/$/, ""));
    }
  });
  return { names, files: loaded, folders };
};

const joined = (...all: readonly Reach[]): Reach => ({
  names: all.flatMap(({ names }) => names),
  files: all.flatMap(({ files }) => files),
  folders: all.flatMap(({ folders }) => folders),
});

const nothing: Reach = { names: [], files: [], folders: [] };

/** Local names of an import or re-export, each with the file and name that it stands for. */
const importedNames = (statement: ts.ImportDeclaration, file: string): [string, Reach][] => {
  const specifier = specifierOf(statement.moduleSpecifier);
  const clause = statement.importClause;
  if (specifier === undefined || clause === undefined) return [];
  const target = resolve(file, specifier);
  const to = (name: string): Reach => ({ names: [[target, name]], files: [target], folders: [] });
  const found: [string, Reach][] = clause.name === undefined ? [] : [[clause.name.text, to("default")]];
  const { namedBindings } = clause;
  if (namedBindings !== undefined && ts.isNamedImports(namedBindings))
    for (const { propertyName, name } of namedBindings.elements)
      found.push([name.text, to((propertyName ?? name).text)]);
  return found;
};

/** Names that a statement declares, each with the code behind it; undefined for a statement that runs. */
const declarations = (statement: ts.Statement): [string, ts.Node][] | undefined => {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap((one) =>
      boundNames(one.name).map((name): [string, ts.Node] => [name, one]),
    );
  if (
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement)
  )
    return [[isDefault(statement) ? "default" : statement.name!.text, statement]];
  if (ts.isExportAssignment(statement)) return [["default", statement]];
  return undefined;
};

const parsedFile = (file: string, text: string, files: Files): ParsedFile => {
  const { statements } = parse(file, text);
  const reached = new Map<string, Reach>();
  const bodies: [string, ts.Node][] = [];
  const running: ts.Statement[] = [];
  const loaded: string[] = [];
  for (const statement of statements) {
    if (ts.isImportDeclaration(statement)) {
      for (const [name, reach] of importedNames(statement, file)) reached.set(name, reach);
      const specifier = specifierOf(statement.moduleSpecifier);
      if (specifier !== undefined && statement.importClause === undefined)
        loaded.push(resolve(file, specifier));
    } else if (ts.isExportDeclaration(statement)) {
      const specifier = specifierOf(statement.moduleSpecifier);
      const from = specifier === undefined ? file : resolve(file, specifier);
      if (statement.exportClause !== undefined && ts.isNamedExports(statement.exportClause))
        for (const { propertyName, name } of statement.exportClause.elements) {
          const own = (propertyName ?? name).text;
          if (from !== file || own !== name.text)
            reached.set(name.text, { names: [[from, own]], files: [from], folders: [] });
        }
    } else {
      const declared = declarations(statement);
      if (declared === undefined) running.push(statement);
      else bodies.push(...declared);
    }
  }
  const scope = new Set([...reached.keys(), ...bodies.map(([name]) => name)]);
  for (const [name, body] of bodies) reached.set(name, reachOf(body, file, files, scope));
  const loading = joined(...running.map((one) => reachOf(one, file, files, scope)), {
    ...nothing,
    files: loaded,
  });
  return { reached, loading };
};

/**
 * Exports that nothing of `roots` reaches, as `file: name, reached by nobody`. A root is a file: all that it exports and
 * runs counts as used. Files of a folder that is named by a URL are plug-ins: their default exports are used.
 */
export const unreachableExports = (files: Files, roots: (file: string) => boolean): string[] => {
  const parsed = new Map([...files].map(([file, text]) => [file, parsedFile(file, text, files)] as const));
  const seen = new Set<string>();
  const waiting: Reach[] = [];
  const load = (file: string): void => {
    const known = parsed.get(file);
    if (known === undefined || seen.has(file)) return;
    seen.add(file);
    waiting.push(known.loading);
  };
  const reach = (file: string, name: string): void => {
    const key = `${file} ${name}`;
    const known = parsed.get(file)?.reached.get(name);
    if (known === undefined || seen.has(key)) return;
    seen.add(key);
    load(file);
    waiting.push(known);
  };
  const plugins = (folder: string): void => {
    for (const file of files.keys())
      if (file.startsWith(`${folder}/`) && file.slice(folder.length + 1).split("/").length <= 2)
        reach(file, "default");
  };
  for (const [file, { reached }] of parsed)
    if (roots(file)) {
      load(file);
      for (const name of reached.keys()) reach(file, name);
    }
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const [file, name] of next.names) reach(file, name);
    for (const file of next.files) load(file);
    for (const folder of next.folders) plugins(folder);
  }
  return [...files]
    .flatMap(([file, text]) => exportedNames(file, text))
    .filter(({ file, name }) => !seen.has(`${file} ${name}`))
    .map(({ file, line, name }) => `${file}:${line}: ${name}, reached by nobody`);
};
