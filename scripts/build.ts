// npm run build: src/ compiled to dist/, with everything that is not TypeScript copied beside it, so that folder
// registries and data files are found at the same relative places.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const source = join(root, "src");
const target = join(root, "dist");

rmSync(target, { recursive: true, force: true });
const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
// Standard output belongs to whoever called: `npm pack --json` reads it.
const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, "tsconfig.build.json")], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
if (status !== 0) {
  rmSync(target, { recursive: true, force: true });
  console.error("build: types do not fit; nothing was built");
  process.exitCode = 1;
} else {
  const assets = readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.endsWith(".ts") && entry.name !== "README.md")
    .map((entry) => relative(source, join(entry.parentPath, entry.name)));
  for (const file of assets) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(source, file), join(target, file));
  }
  console.error(`build: dist/ is made, ${assets.length} assets copied`);
}
