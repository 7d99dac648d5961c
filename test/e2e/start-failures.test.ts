import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findProgram } from "../../src/video/pool/worker-process.ts";
import type { Ended } from "../extension/run-command.ts";
import { writeClips } from "./build/clips.ts";
import { resultsIn } from "./build/set-contents.ts";

const program = fileURLToPath(new URL("../../bin/videoperceiver.mjs", import.meta.url));
const prlimit = findProgram("prlimit");
const [clips, many] = [6, 24];
/** Rules by which a clip is refused and not one of its fragments. */
const wholeClip: ReadonlySet<string> = new Set(["clip", "pair", "quarantine"]);

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

/** Decoders are started by `prlimit`: one in its place that starts so many of them, and fails then. */
const failingAfter = (starts: number): NodeJS.ProcessEnv => {
  const place = at(`starts-${starts}`);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place);
  const tries = Array.from({ length: starts }, (_, n) => `mkdir ${place}/${n} 2>&- && exec ${prlimit} "$@"`);
  writeFileSync(
    join(place, "prlimit"),
    `#!/bin/sh\n${tries.join("\n")}\necho the program is gone >&2\nexit 1\n`,
  );
  chmodSync(join(place, "prlimit"), 0o755);
  return { PATH: [place, process.env["PATH"]].join(delimiter) };
};

const run = (args: readonly string[], environment: NodeJS.ProcessEnv = {}): Ended =>
  spawnSync(process.execPath, [program, ...args], {
    encoding: "utf8",
    // One that waits for ever fails its test.
    timeout: 50_000,
    env: { ...process.env, ...environment },
  });

/** Why clips were refused as a whole. */
const refused = (set: string): string[] => {
  if (resultsIn(set) === 0) return [];
  const results = join(set, ".build", "results");
  return readdirSync(results, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => {
      const { rejected } = JSON.parse(readFileSync(join(results, name), "utf8")) as {
        rejected: { ruleId: string; reason: string }[];
      };
      return rejected.filter(({ ruleId }) => wholeClip.has(ruleId)).map(({ reason }) => reason);
    });
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "start-failures-"));
  await writeClips(folder, clips);
  rmSync(at("clips", "broken.mp4"));
  const rows = Array.from({ length: clips }, (_, clip) => `c${clip},A bright square flashes.`);
  // So many that threads make them.
  mkdirSync(at("many"));
  for (let copy = 0; copy < many; copy++)
    copyFileSync(at("clips", `c${copy % clips}.mp4`), at("many", `m${copy}.mp4`));
  writeFileSync(at("captions.csv"), `video,caption\n${rows.join("\n")}\n`);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const programs = {
  build: (out: string) => ["build", at("clips"), "--captions", at("captions.csv"), "--out", out],
  fragments: (out: string) => ["fragments", at("clips"), "--out", out],
  "fragments of many": (out: string) => ["fragments", at("many"), "--out", out],
} as const;

describe.skipIf(prlimit === undefined)("decoders that cannot start are no clip's fault", () => {
  test.each([
    ["build", 0],
    ["build", 1],
    ["fragments", 0],
    ["fragments", 1],
    ["fragments of many", 0],
    ["fragments of many", 1],
  ] as const)(
    "%s, after %i that could",
    (name, starts) => {
      const out = at(`${name}-${starts}`.replaceAll(" ", "-"));
      const args = [...programs[name](out), "--workers", "2", "--no-cache", "--json"];
      const failed = run(args, failingAfter(starts));
      const last = failed.stderr.trim().split("\n").at(-1)!;
      expect(last).toMatch(/a decoder process cannot start: .*the program is gone$/);
      expect(failed.stderr).not.toMatch(/\n {4}at /);
      expect(failed.status).toBe(70);
      expect(refused(out)).toEqual([]);
      // The same command goes on, and nothing is missing.
      const whole = run(args);
      expect([whole.status, whole.stderr]).toEqual([0, expect.not.stringContaining("given up")]);
      expect(refused(out)).toEqual([]);
      expect(resultsIn(out)).toBe(name === "fragments of many" ? many : clips);
    },
    120_000,
  );
});
