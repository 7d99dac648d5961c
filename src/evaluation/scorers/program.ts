import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { ConfigError, DataFormatError, messageOf } from "../../core/errors.ts";
import { defineScorer, type ScorerPlugin } from "../scorer.ts";
import { readScorerAnswer, readScorerInfo, scorerRequest } from "../scorer-protocol.ts";

/** A running program that is told one line of JSON and answers one. */
class LineProgram {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;
  readonly #command: string;
  readonly #limitSeconds: number;
  #complaint = "";
  #failed: string | undefined;
  /** Why nothing is asked any more. */
  #over: unknown;
  constructor(command: string, limitSeconds: number) {
    const [name = "", ...args] = command.trim().split(/\s+/);
    this.#command = command;
    this.#limitSeconds = limitSeconds;
    this.#child = spawn(name, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.on("error", (error) => {
      this.#failed = messageOf(error);
    });
    this.#child.stdin.on("error", () => {});
    this.#child.stderr.on("data", (bytes: Buffer) => {
      this.#complaint = `${this.#complaint}${bytes.toString("utf8")}`.slice(-400);
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }
  #ended(why: string): ConfigError {
    const [last = ""] = this.#complaint.trim().split("\n").slice(-1);
    return new ConfigError("the scorer's program failed", {
      where: this.#command,
      got: [this.#failed ?? why, last].filter((part) => part !== "").join(": "),
      hint: "docs/scorers.md says what it must answer",
    });
  }
  /** The next line, as JSON. */
  async answer(): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<"late">((resolve) => {
      timer = setTimeout(resolve, this.#limitSeconds * 1000, "late");
    });
    const next = await Promise.race([this.#lines.next(), late]);
    clearTimeout(timer);
    if (next === "late") {
      this.close();
      throw this.#ended(`no answer in ${this.#limitSeconds} s`);
    }
    if (next.done === true) {
      // The reason comes after the end of what it wrote.
      await new Promise((resolve) => setTimeout(resolve, 20));
      throw this.#ended("it ended");
    }
    try {
      return JSON.parse(next.value);
    } catch (error) {
      throw new DataFormatError("the scorer's program answered no JSON", {
        where: this.#command,
        got: next.value.slice(0, 80),
        cause: error,
      });
    }
  }
  /** What `read` makes of the answer to a line. After a failure it is not known which line answers what: nothing more is asked. */
  async ask<T>(line: string, read: (said: unknown) => T): Promise<T> {
    if (this.#over !== undefined) throw this.#over;
    this.#child.stdin.write(`${line}\n`);
    try {
      return read(await this.answer());
    } catch (error) {
      this.#over = error;
      this.close();
      throw error;
    }
  }
  close(): void {
    this.#child.stdin.end();
    this.#child.kill();
  }
}

/**
 * A program of this machine that speaks the protocol in lines: it says who it is, then answers a line of scores to every
 * line of items. It is started only where a person names it, never by a report.
 */
const plugin: ScorerPlugin = defineScorer({
  summary: "a program that gives texts numbers, line by line (program:python3 comet.py)",
  source: "ours: docs/scorers.md",
  argument: "command",
  params: z.strictObject({
    command: z.string().min(1).describe("program and arguments, parted by spaces; no shell reads it"),
    timeoutSeconds: z.number().positive().default(600).describe("time for one line"),
    batchSize: z.int().min(1).default(64).describe("texts of a line"),
  }),
  create:
    ({ command, timeoutSeconds, batchSize }) =>
    async ({ signal }) => {
      const program = new LineProgram(command, timeoutSeconds);
      const stop = (): void => program.close();
      signal.addEventListener("abort", stop, { once: true });
      try {
        const info = readScorerInfo(await program.answer(), command);
        return {
          ...info,
          batchSize,
          concurrency: 1,
          score: (items) =>
            program.ask(scorerRequest(items), (said) =>
              readScorerAnswer(said, items.length, info.parts, command),
            ),
          [Symbol.asyncDispose]: async () => {
            signal.removeEventListener("abort", stop);
            program.close();
          },
        };
      } catch (error) {
        program.close();
        throw error;
      }
    },
});
export default plugin;
