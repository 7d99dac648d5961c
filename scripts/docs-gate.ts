// The docs gate: every exported symbol of src/ has a doc comment with prose, or with tags that say what its name leaves
// open; members speak for themselves in a documented class, and for their interface where one of them has a comment.
// Names file, line and symbol.
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** Words that a doc comment needs. */
const fewestWords = 2;

/** What a node's doc comment says: its prose and the text of its tags, which may be all that the name leaves open. */
const proseOf = (node: ts.Node): string =>
  ts
    .getJSDocCommentsAndTags(node)
    .flatMap((part) => (ts.isJSDoc(part) ? [part, ...(part.tags ?? [])] : [part]))
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
    .join(" ");

const isExported = (node: ts.Node): boolean =>
  ts.canHaveModifiers(node) &&
  (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false);

/** True for an interface that says in a member what its name leaves open. */
const saysItInMembers = (node: ts.Node): boolean =>
  ts.isInterfaceDeclaration(node) &&
  node.members.some((member) => proseOf(member).split(/\s+/).filter(Boolean).length >= fewestWords);

/** Symbols of one file that lack prose, as `file:line: symbol`. A plug-in's default export says it in `summary`. */
export const undocumented = (file: string, text: string): string[] => {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const missing: string[] = [];
  const documented = new Set<string>();
  const check = (node: ts.Node, commented: ts.Node, name: string): void => {
    if (documented.has(name)) return;
    if (proseOf(commented).split(/\s+/).filter(Boolean).length >= fewestWords) documented.add(name);
    else
      missing.push(
        `${file}:${source.getLineAndCharacterOfPosition(node.getStart(source)).line + 1}: ${name}`,
      );
  };
  const exportedLater = new Set(
    source.statements
      .filter(ts.isExportDeclaration)
      .filter(({ moduleSpecifier }) => moduleSpecifier === undefined)
      .flatMap(({ exportClause }) =>
        exportClause !== undefined && ts.isNamedExports(exportClause)
          ? exportClause.elements.map(({ propertyName, name }) => (propertyName ?? name).text)
          : [],
      ),
  );
  for (const statement of source.statements) {
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations) {
        const name = declaration.name.getText(source);
        if (isExported(statement) || exportedLater.has(name)) check(declaration, statement, name);
      }
    } else if (
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement)
    ) {
      const name = statement.name?.text ?? "default";
      if (!isExported(statement) && !exportedLater.has(name)) continue;
      if (!saysItInMembers(statement)) check(statement, statement, name);
    }
  }
  return missing;
};

if (import.meta.main) {
  const root = fileURLToPath(new URL("..", import.meta.url));
  const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(root, "src", file))
    .sort();
  const missing = files.flatMap((file) =>
    undocumented(relative(root, file).split(sep).join("/"), readFileSync(file, "utf8")),
  );
  for (const line of missing) console.log(`no doc comment with prose: ${line}`);
  console.log(`${files.length} files, ${missing.length} undocumented symbols`);
  process.exitCode = missing.length === 0 && files.length > 0 ? 0 : 1;
}
