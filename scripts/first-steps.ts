/**
 * Writes docs/first-steps.md: what a new user sees first, as the program prints it today. Runs the README's commands in an
 * empty folder on a real clip of the shared material. `node scripts/first-steps.ts [--check]`; with `--check` nothing is
 * written and the exit status is 1 when the page is no longer what the program prints.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const page = join(root, "docs", "first-steps.md");
const shared = process.env["VIDEOPERCEIVER_SHARED"] ?? join(root, "..", "shared");
const clip = join(shared, "data", "clips", "hitting_baseball.mp4");

const commands: readonly (readonly string[])[] = [
  ["probe", "my.mp4"],
  ["keyframes", "my.mp4", "--caption", "the batter hits the ball"],
  ["absent", "my.mp4", "--caption", "the batter hits the ball", "--out", "pair"],
  [
    "absent",
    "my.mp4",
    "--caption",
    "the batter swings",
    "--relevance",
    "events:1.85-2.4,5.35-5.85",
    "--out",
    "pair-of-events",
  ],
];

const quoted = (word: string): string => (/^[\w./:=-]+$/.test(word) ? word : `"${word}"`);

/** What a command prints, standard error last, without the progress lines that depend on the machine's speed. */
const printed = (args: readonly string[], cwd: string): string => {
  const run = spawnSync(process.execPath, [join(root, "bin", "videoperceiver.mjs"), ...args], {
    cwd,
    encoding: "utf8",
  });
  if (run.status !== 0) throw new Error(`${args.join(" ")} ended with ${run.status}: ${run.stderr}`);
  const told = run.stderr.split("\n").filter((line) => /^(warning|note)/.test(line));
  return [run.stdout.trimEnd(), ...told].join("\n");
};

const made = (): string => {
  const folder = mkdtempSync(join(tmpdir(), "first-steps-"));
  try {
    copyFileSync(clip, join(folder, "my.mp4"));
    const blocks = commands.map((args) => {
      const lines = printed(args, folder).split("\n");
      const shown =
        lines.length > 20 ? [...lines.slice(0, 18), `... (${lines.length - 18} more lines)`] : lines;
      return ["```", `$ npx videoperceiver ${args.map(quoted).join(" ")}`, ...shown, "```"].join("\n");
    });
    return [
      "# First steps",
      "",
      "What the program prints for a clip of one's own; made by `node scripts/first-steps.ts` from a clip of 10 s in which a",
      "batter swings at 1.9 and at 5.4 s.",
      "",
      blocks.join("\n\n"),
      "",
      "Words that need an explanation are in the [glossary](glossary.md).",
      "",
    ].join("\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

if (!existsSync(clip)) {
  process.stderr.write(`first steps: no shared clips (looked for ${clip}); set VIDEOPERCEIVER_SHARED\n`);
  process.exit(2);
}
const text = made();
if (process.argv.includes("--check")) process.exit(readFileSync(page, "utf8") === text ? 0 : 1);
writeFileSync(page, text);
process.stdout.write(`${page}\n`);
