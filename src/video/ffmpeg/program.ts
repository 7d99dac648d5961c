import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { UnsupportedError } from "../../core/errors.ts";
import { admittedFormats } from "../backend/admitted.ts";
import type { Opening } from "../backend/backend.ts";
import type { VideoLimits } from "../limits.ts";
import { feedShifted } from "./shifted-input.ts";

/**
 * An input and the options before it that keep it from opening other files, networks and devices. A list of codecs is
 * not among them: ffprobe refuses a whole file for one subtitle stream outside it; `max_pixels` stops what that list would.
 */
export const inputArguments = (file: string, opening: Opening, limits: VideoLimits): string[] => [
  ...[
    "-protocol_whitelist",
    opening.shifts === undefined ? "file" : "pipe",
    "-format_whitelist",
    admittedFormats.join(","),
  ],
  ...["-max_pixels", String(limits.maxPixels)],
  ...(opening.format === undefined ? [] : ["-f", opening.format]),
  ...(opening.ignoreEdits === true ? ["-ignore_editlist", "1"] : []),
  ...["-i", opening.shifts === undefined ? `file:${file}` : "pipe:0"],
];

/** What a finished program left: exit status and the end of what it complained about. */
export interface Ended {
  readonly code: number | null;
  readonly complaint: string;
}

/** A running program with its complaints collected. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** Starts a program of the FFmpeg family. It shares this worker's process group, so it ends with the worker. */
export const start = (name: string, args: readonly string[], extraPipes: number): Running => {
  const pipes = Array.from({ length: extraPipes }, () => "pipe" as const);
  const child = spawn(name, args, { stdio: ["pipe", "pipe", "pipe", ...pipes] });
  let complaint = "";
  child.stderr?.on("data", (piece: Buffer) => {
    if (complaint.length < 4000) complaint += piece.toString();
  });
  child.stdin?.on("error", () => {});
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", (error) =>
      reject(new UnsupportedError(`${name} cannot be started`, { got: error.message })),
    );
    child.on("close", (code) => resolve({ code, complaint: complaint.trim() }));
  });
  ended.catch(() => {});
  return { child, ended };
};

/** Runs a program on a file and hands its output over line by line; ends it when `onLine` throws. */
export const runLines = async (
  name: string,
  args: readonly string[],
  onLine: (line: string) => void,
  input?: { readonly file: string; readonly opening: Opening },
): Promise<Ended> => {
  const { child, ended } = start(name, args, 0);
  feedShifted(child, input?.file ?? "", input?.opening ?? {});
  try {
    for await (const line of createInterface({ input: child.stdout! })) onLine(line);
  } catch (error) {
    child.kill("SIGKILL");
    await ended;
    throw error;
  }
  return ended;
};

/** Runs a program and gives all of its output. */
export const runText = async (
  name: string,
  args: readonly string[],
  input?: Parameters<typeof runLines>[3],
): Promise<Ended & { text: string }> => {
  const lines: string[] = [];
  const ended = await runLines(name, args, (line) => lines.push(line), input);
  return { ...ended, text: lines.join("\n") };
};

/** The most telling line of a complaint, without FFmpeg's prefixes. */
export const reasonIn = (complaint: string, file: string): string => {
  const last =
    complaint
      .split("\n")
      .filter((line) => line.trim() !== "")
      .at(-1) ?? "no reason given";
  return last
    .replace(`file:${file}: `, "")
    .replace("pipe:0: ", "")
    .replace(/^\[[^\]]*\] /, "")
    .trim();
};
