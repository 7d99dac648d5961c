/** A virtual environment with what the Python worker needs. */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { ConfigError, EngineError } from "../../core/errors.ts";
import { makeFolder, sha256, writeFileAtomic } from "../../core/files.ts";
import { nowMilliseconds } from "../../core/progress.ts";
import { environmentFolder, interpreterOf } from "../../engine/python-environment.ts";
import type { JobContext } from "../job-context.ts";
import { pinnedVersions, requirementsFile } from "./requirements.ts";

/** What is installed, and where. */
export interface InstallRequest {
  /** Interpreter that the environment is made with; default: the first of the PATH that is new enough. */
  readonly python?: string | undefined;
  /** Default: the folder where the engine looks for it. */
  readonly folder?: string | undefined;
  /** Default: that of our Python package. */
  readonly requirements?: string | undefined;
}

/** An environment that is ready. */
export interface InstalledEnvironment {
  readonly python: string;
  /** False: it was there already, with these very requirements. */
  readonly isNew: boolean;
  readonly seconds: number;
}

const oldestPython = [3, 11] as const;
/** Written last, so that an environment without it is one that was interrupted. */
const stampFile = "videoperceiver.sha256";
/** Most characters of an installer's complaint that are shown. */
const shownText = 300;

const isUsable = (command: string): boolean => {
  const check = `import sys, venv; sys.exit(sys.version_info < (${oldestPython.join(", ")}))`;
  return spawnSync(command, ["-c", check], { stdio: "ignore" }).status === 0;
};

const basePython = (given: string | undefined): string => {
  const names =
    given === undefined ? ["python3", "python3.13", "python3.12", "python3.11", "python"] : [given];
  const found = names.find(isUsable);
  if (found !== undefined) return found;
  throw new ConfigError("no Python to make an environment with", {
    expected: `Python ${oldestPython.join(".")} or newer with its module venv (Debian: python3-venv)`,
    got: `none of ${names.join(", ")}`,
    hint: "name one with --python",
  });
};

/** Runs a program to its end. @param onLine sees what it prints @throws {EngineError} with its last line */
const runToEnd = async (
  [command, ...args]: readonly [string, ...string[]],
  what: string,
  { signal }: JobContext,
  onLine: (line: string) => void,
): Promise<void> => {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], signal });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    complaint = (complaint + piece).slice(-4000);
  });
  createInterface({ input: child.stdout }).on("line", onLine);
  const status = await new Promise<number | null>((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done(code));
  });
  if (status === 0) return;
  const lines = complaint.split("\n").filter((line) => line.trim() !== "");
  const said = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? `status ${status}`;
  throw new EngineError(what, { got: said.slice(0, shownText), hint: "mend it and run the command again" });
};

/** What an installer's line says that it is at: the package's name. */
const packageOf = (line: string): string | undefined =>
  /^(?:Collecting|Downloading|Using cached) ([\w.-]+?)(?:[=<>~! ]|-\d|$)/.exec(line.trim())?.[1];

/**
 * Makes the environment of the engine torch, or finds it made.
 *
 * @throws {ConfigError} when no Python is new enough
 * @throws {EngineError} with the installer's last line when a package cannot be had
 */
export const installEnvironment = async (
  { python, folder = environmentFolder(), requirements = requirementsFile }: InstallRequest,
  context: JobContext,
): Promise<InstalledEnvironment> => {
  const start = nowMilliseconds();
  const stamp = join(folder, stampFile);
  const wanted = sha256(readFileSync(requirements));
  const own = interpreterOf(folder);
  const seconds = (): number => (nowMilliseconds() - start) / 1000;
  if (existsSync(own) && existsSync(stamp) && readFileSync(stamp, "utf8") === wanted)
    return { python: own, isNew: false, seconds: seconds() };
  const base = basePython(python);
  const pinned = pinnedVersions(requirements);
  const progress = context.progress("installing", "packages");
  progress.update(0, pinned.size, "an environment");
  rmSync(folder, { recursive: true, force: true });
  makeFolder(dirname(folder));
  const failed = "the environment of the engine torch could not be made";
  await runToEnd([base, "-m", "venv", folder], failed, context, () => {});
  const seen = new Set<string>();
  const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "off"];
  await runToEnd([own, ...pip, "-r", requirements], failed, context, (line) => {
    const name = packageOf(line);
    if (name === undefined && !line.startsWith("Installing")) return;
    const known = name?.toLowerCase().replaceAll("_", "-");
    if (known !== undefined && pinned.has(known)) seen.add(known);
    progress.update(seen.size, pinned.size, name ?? "writing files");
  });
  writeFileAtomic(stamp, wanted);
  progress.update(pinned.size, pinned.size);
  return { python: own, isNew: true, seconds: seconds() };
};
