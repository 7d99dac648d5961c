import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const program = fileURLToPath(new URL("../../../bin/videoperceiver.mjs", import.meta.url));

/** A process of the program that goes on while the test does something else, such as answering it. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<{
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  }>;
}

/** Starts the program. */
export const startCommand = (...args: readonly string[]): Running => {
  let [stdout, stderr] = ["", ""];
  const child = spawn(process.execPath, [program, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.on("data", (piece: Buffer) => {
    stdout += piece.toString();
  });
  child.stderr.on("data", (piece: Buffer) => {
    stderr += piece.toString();
  });
  const ended = new Promise<Awaited<Running["ended"]>>((done) =>
    child.once("close", (status) => done({ status, stdout, stderr })),
  );
  return { child, ended };
};
