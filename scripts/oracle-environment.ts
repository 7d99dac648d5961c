import { execFileSync, type StdioOptions, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf } from "../src/core/errors.ts";
import { machineFacts, vllmObstacle } from "./vllm-room.ts";

const root: string = fileURLToPath(new URL("..", import.meta.url));
const folder: string = join(root, ".venv-oracle");
const stampFile: string = join(folder, "installed.sha256");
const requirements: string = join(root, "scripts", "oracle-requirements.txt");
const legacyRequirements: string = join(root, "scripts", "oracle-requirements-legacy.txt");
/** Other projects' trainers over the torch of the environment; made apart, so that nothing else waits for them. */
const trainers = {
  folder: join(folder, "trainers"),
  requirements: join(root, "scripts", "oracle-requirements-trainers.txt"),
  swiftRequirements: join(root, "scripts", "oracle-requirements-ms-swift.txt"),
} as const;
const oldestPython = [3, 11] as const;

/** The Python side of oracle tests and benchmarks. */
export interface OracleEnvironment {
  /** The interpreter with torch, transformers 5.x, peft, Pillow, NumPy and PyAV. */
  readonly python: string;
  /** Put in front of PYTHONPATH, this folder gives transformers 4.49 instead. */
  readonly legacyPath: string;
}

const works = (command: string, args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

/** The first Python of the PATH that is new enough and can make environments. */
const findPython = (): string | undefined => {
  const check = `import sys, venv; sys.exit(sys.version_info < (${oldestPython.join(", ")}))`;
  return ["python3", "python3.13", "python3.12", "python3.11", "python"].find((name) =>
    works(name, ["-c", check]),
  );
};

const hashOf = (...files: readonly string[]): string => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file)).update("\0");
  return hash.digest("hex");
};

const interpreter = (): string =>
  join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");

const isStamped = (stamp: string, ...files: readonly string[]): boolean =>
  existsSync(stamp) && readFileSync(stamp, "utf8") === hashOf(...files);

const installed = (): boolean =>
  existsSync(interpreter()) && isStamped(stampFile, requirements, legacyRequirements);

const environment = (): OracleEnvironment => ({ python: interpreter(), legacyPath: join(folder, "legacy") });

/** Installs with the environment's own pip, or uv. */
const install = (uv: boolean, ...args: readonly string[]): void => {
  const [program, ...first] = uv
    ? ["uv", "pip", "install", "--quiet", "--python", interpreter()]
    : [interpreter(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
  execFileSync(program!, [...first, ...args], { stdio: ["ignore", 2, 2], cwd: root });
};

/**
 * The Python environment, made when it is missing or its requirements have changed (about a minute and 5 GB).
 * Installers write to standard error, so that standard output stays the caller's.
 *
 * @returns a sentence that says what is missing, when it cannot be had
 */
export const oracleEnvironment = (): OracleEnvironment | string => {
  if (installed()) return environment();
  const python = findPython();
  const uv = works("uv", ["--version"]);
  if (python === undefined && !uv) return `no Python >= ${oldestPython.join(".")} with venv on this machine`;
  const stdio: StdioOptions = ["ignore", 2, 2];
  const say = { stdio, cwd: root };
  process.stderr.write("making .venv-oracle (torch, transformers, peft, ...): once, about a minute\n");
  try {
    rmSync(folder, { recursive: true, force: true });
    if (uv) {
      const from = python === undefined ? [] : ["--python", python];
      execFileSync("uv", ["venv", "--quiet", ...from, folder], say);
    } else execFileSync(python!, ["-m", "venv", folder], say);
    install(uv, "-r", requirements);
    install(uv, "--no-deps", "--target", join(folder, "legacy"), "-r", legacyRequirements);
  } catch (error) {
    return `the Python environment could not be made: ${error instanceof Error ? error.message : String(error)}`;
  }
  writeFileSync(stampFile, hashOf(requirements, legacyRequirements));
  return environment();
};

/**
 * The folder with ms-swift, LLaMA-Factory and verl (650 MB, half a minute), made when it is missing or its requirements have
 * changed; the environment must be there. Put in front of PYTHONPATH; for ms-swift its folder `ms-swift` before it.
 *
 * @returns a sentence that says what is missing, when it cannot be had
 */
export const trainersFolder = (): { readonly path: string } | string => {
  const { requirements: wanted, swiftRequirements, folder: path } = trainers;
  if (isStamped(join(path, "installed.sha256"), wanted, swiftRequirements)) return { path };
  process.stderr.write("installing ms-swift, LLaMA-Factory and verl: once, half a minute\n");
  // Appears whole, also where somebody else makes it at the same time.
  const made = `${path}-${process.pid}`;
  try {
    const uv = works("uv", ["--version"]);
    install(uv, "--no-deps", "--target", made, "-r", wanted);
    install(uv, "--no-deps", "--target", join(made, "ms-swift"), "-r", swiftRequirements);
    writeFileSync(join(made, "installed.sha256"), hashOf(wanted, swiftRequirements));
    rmSync(path, { recursive: true, force: true });
    renameSync(made, path);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    return `other projects' trainers could not be installed: ${error instanceof Error ? error.message : String(error)}`;
  }
  return { path };
};

/** A vLLM for the CPU, with a torch of its own. */
const vllm = {
  folder: join(folder, "vllm"),
  requirements: join(root, "scripts", "oracle-requirements-vllm.txt"),
  overrides: join(root, "scripts", "oracle-overrides-vllm.txt"),
} as const;

/** Longest time that its installation may take: a slow registry must not hold everything up. */
const vllmMilliseconds = 420_000;

/**
 * The interpreter of an environment with vLLM (6 GB, one to two minutes), made when it is missing or its requirements have
 * changed; the environment of the oracle tests must be there. Only uv can put another torch in the place of the one that the
 * package asks for, which no registry serves: it is installed into the new environment first.
 *
 * @returns a sentence that says what is missing, when it cannot be had or this machine lacks what it takes
 */
export const vllmPython = (): { readonly python: string } | string => {
  const { requirements: wanted, overrides, folder: place } = vllm;
  const python = join(place, "bin", "python");
  const stamp = join(place, "installed.sha256");
  const isThere = isStamped(stamp, wanted, overrides);
  const obstacle = vllmObstacle(machineFacts(place), isThere);
  if (obstacle !== undefined) return obstacle;
  if (isThere) return { python };
  process.stderr.write("installing vLLM for the CPU: once, one to two minutes and 6 GB\n");
  const end = performance.now() + vllmMilliseconds;
  const run = (program: string, ...args: readonly string[]): void => {
    const timeout = Math.max(1, Math.round(end - performance.now()));
    execFileSync(program, args, { stdio: ["ignore", 2, 2], cwd: root, timeout, killSignal: "SIGKILL" });
  };
  try {
    rmSync(place, { recursive: true, force: true });
    run(interpreter(), "-m", "venv", place);
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv");
    const into = ["pip", "install", "--quiet", "--python", python];
    run(join(place, "bin", "uv"), ...into, "--override", overrides, "-r", wanted);
    writeFileSync(stamp, hashOf(wanted, overrides));
  } catch (error) {
    rmSync(place, { recursive: true, force: true });
    const isLate = performance.now() >= end;
    const why = isLate ? `not done after ${vllmMilliseconds / 1000} s` : messageOf(error);
    return `it could not be installed: ${why}`;
  }
  return { python };
};
