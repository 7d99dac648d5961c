/** Which reason a lost group of ranks gives, in whatever order its parts end. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EngineLostError } from "../../../src/core/errors.ts";
import { encodeMessage } from "../../../src/core/framed-messages.ts";
import { type ProcessEnd, startProgram } from "../../../src/engine/started-processes.ts";
import { RankGroup } from "../../../src/engine/torch/rank-group.ts";
import { Connection } from "../../../src/engine/worker-connection.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const heartbeatSeconds = 40;

/** Two ranks whose processes are 70 and 71, in a call of all, and what can become of them. */
const callOfTwo = (deadlineSeconds?: number) => {
  let tellers: ((end: ProcessEnd) => void)[] = [];
  const seen = new Map<number, ProcessEnd>();
  let lastLine: string | undefined;
  const processes = {
    onEnd: (tell: (end: ProcessEnd) => void) => void tellers.push(tell),
    endOf: (id: number) => seen.get(id),
    lastLine: () => lastLine,
    kill: vi.fn(),
    killRank: () => undefined,
    end: async () => {},
    processId: 7,
  };
  const sockets = [0, 1].map(() => new Duplex({ read: () => {}, write: (_piece, _kind, done) => done() }));
  for (const socket of sockets) socket.on("error", () => {});
  const group = new RankGroup(
    sockets.map(
      (socket, rank) =>
        new Connection(socket as unknown as Socket, {
          ...{ rank, host: "here", process: 70 + rank, processes, heartbeatSeconds },
        }),
    ),
  );
  const say = (rank: number, message: object): void =>
    void sockets[rank]!.push(Buffer.concat(encodeMessage(message)));
  const call = {
    operation: "forward",
    given: [{}, {}],
    source: async () => new Map(),
    contents: [[], []],
    alone: false,
  };
  const ended = group
    .call(call, { ...(deadlineSeconds !== undefined && { deadlineSeconds }) }, () => {})
    .catch((error: unknown) => error);
  return {
    ended,
    processes,
    /** The connection of a rank ends. */
    closes: (rank: number) => (): void => void sockets[rank]!.destroy(),
    /** It is reset. */
    resets: (rank: number) => (): void => void sockets[rank]!.destroy(new Error("read ECONNRESET")),
    /** A rank says that its part of the call failed. */
    fails:
      (rank: number, message = "the worker failed; got RuntimeError: Gloo: Connection closed by peer") =>
      (): void =>
        say(rank, { kind: "error", id: 0, error: { name: "EngineError", message } }),
    answers: (rank: number) => (): void => say(rank, { kind: "result", id: 0, value: 1, version: 0 }),
    /** The launcher says how a rank has ended. */
    names: (rank: number, end: ProcessEnd) => (): void => void seen.set(70 + rank, end),
    /** It ends itself. */
    ends: (end: ProcessEnd, words?: string) => (): void => {
      lastLine = words;
      for (const tell of tellers) tell(end);
      tellers = [];
    },
    pongs: (rank: number) => (): void => say(rank, { kind: "pong" }),
  };
};
type Two = ReturnType<typeof callOfTwo>;

const killed: ProcessEnd = { signal: "SIGKILL", why: "its process was ended by SIGKILL" };
const terminated: ProcessEnd = { signal: "SIGTERM", why: "its process was ended by SIGTERM" };
const failed: ProcessEnd = { status: 1, why: "its process ended with status 1" };

const orders = <T>(all: readonly T[]): T[][] =>
  all.length < 2
    ? [[...all]]
    : all.flatMap((one, i) => orders(all.filter((_, k) => k !== i)).map((rest) => [one, ...rest]));

/** Lets everything happen, some milliseconds apart. @returns what the call ended with */
const outcome = async (two: Two, events: readonly (() => void)[], apart: number): Promise<string> => {
  await vi.advanceTimersByTimeAsync(1);
  for (const event of events) {
    event();
    await vi.advanceTimersByTimeAsync(apart);
  }
  await vi.advanceTimersByTimeAsync(5000);
  const error = await Promise.race([two.ended, Promise.resolve("still waits")]);
  expect(error).toBeInstanceOf(EngineLostError);
  expect(two.processes.kill).toHaveBeenCalled();
  return (error as Error).message;
};

/** The same for every order of events, at once and a moment apart. @param isPossible of an order, by index */
const always = async (
  eventsOf: (two: Two) => readonly (() => void)[],
  expected: RegExp,
  isPossible: (order: readonly number[]) => boolean = () => true,
): Promise<void> => {
  const count = eventsOf(callOfTwo()).length;
  const all = orders([...Array(count).keys()]).filter(isPossible);
  expect(all.length).toBeGreaterThan(1);
  for (const order of all)
    for (const apart of [0, 30]) {
      const two = callOfTwo();
      const events = eventsOf(two);
      const message = await outcome(
        two,
        order.map((i) => events[i]!),
        apart,
      );
      expect(message, `${order} ${apart} ms apart`).toMatch(expected);
    }
};

test("a rank that was killed, whatever ends first of the other rank, the launcher and the connections", () =>
  always(
    (two) => [
      two.closes(1),
      two.resets(0),
      two.fails(0),
      two.names(1, killed),
      two.ends(failed, "Root Cause (first observed failure):"),
    ],
    /rank 1 on here, forward; got its process was ended by SIGKILL/,
    // What the launcher says it says before it ends.
    (order) => order.indexOf(3) < order.indexOf(4),
  ));

test("of two ranks that the launcher saw end, the one that was killed, not the one that failed or was told to end", async () => {
  for (const other of [failed, terminated])
    await always(
      (two) => [two.closes(0), two.closes(1), two.names(0, other), two.names(1, killed)],
      /rank 1 on here, forward; got its process was ended by SIGKILL/,
    );
});

test("a rank whose launcher says nothing: the connection that ended first", () =>
  always(
    (two) => [two.closes(1), two.resets(0), two.fails(0)],
    /rank 1 on here, forward; got its connection ended/,
    (order) => order.indexOf(0) < order.indexOf(1),
  ));

test("a launcher that was killed, and its ranks with it", () =>
  always(
    (two) => [two.closes(0), two.resets(1), two.fails(0), two.ends(killed)],
    /: 2 ranks on here, forward; got their launcher: its process was ended by SIGKILL/,
  ));

test("a launcher that ended and names no rank: its own words", () =>
  always(
    (two) => [two.closes(0), two.resets(1), two.ends(failed, "SignalException: Process 7 got signal: 15")],
    /: 2 ranks on here, forward; got their launcher: its process ended with status 1 \(SignalException: Process 7 got signal: 15\)/,
  ));

test("a rank that is silent, though another one failed a moment before that was sure", async () => {
  const two = callOfTwo();
  await vi.advanceTimersByTimeAsync(1);
  const alive = setInterval(two.pongs(0), 100);
  // A quarter of the limit is the beat that is not answered any more.
  await vi.advanceTimersByTimeAsync(heartbeatSeconds * 1250 - 500);
  two.fails(0)();
  await vi.advanceTimersByTimeAsync(1000);
  clearInterval(alive);
  const error = await Promise.race([two.ended, "still waits"]);
  expect(String(error)).toMatch(/rank 1 on here, forward; got no sign of life of process 71 for 40 s/);
});

test("a time that is over for all ranks alike is nobody's alone; for one that has not answered it is", async () => {
  const both = callOfTwo(3);
  await vi.advanceTimersByTimeAsync(4000);
  expect(String(await both.ended)).toMatch(/: 2 ranks on here, forward; got no answer to forward within 3 s/);
  const one = callOfTwo(3);
  await vi.advanceTimersByTimeAsync(1);
  one.answers(0)();
  await vi.advanceTimersByTimeAsync(4000);
  expect(String(await one.ended)).toMatch(/rank 1 on here, forward; got no answer to forward within 3 s/);
});

test("an error that all ranks tell is the call's, and nobody is lost", async () => {
  const two = callOfTwo();
  await vi.advanceTimersByTimeAsync(1);
  two.fails(0, "no such tap")();
  two.fails(1, "no such tap")();
  await vi.advanceTimersByTimeAsync(10_000);
  const error = await two.ended;
  expect(error).not.toBeInstanceOf(EngineLostError);
  expect(String(error)).toContain("no such tap");
  expect(two.processes.kill).not.toHaveBeenCalled();
});

test("what torchrun says of its ranks, at once and in its summary", async () => {
  vi.useRealTimers();
  const atOnce =
    "E1129 18:40:51 4700 torch/distributed/elastic/multiprocessing/api.py:988] failed (exitcode: -9) local_rank: 1 (pid: 4711) of binary: python";
  const summary = [
    "Root Cause (first observed failure):",
    "[0]:",
    "  rank      : 1 (local_rank: 1)",
    "  exitcode  : -11 (pid: 4712) ",
    "  error_file: <N/A>",
    "  traceback : Signal 11 (SIGSEGV) received by PID 4712",
    "============================================================",
  ].join("\n");
  const code = `process.stderr.write(${JSON.stringify(`${atOnce}\n${summary}\n`)}, () => process.exit(1))`;
  const processes = startProgram({ command: process.execPath, args: ["-e", code], errors: "kept" }, {});
  const end = await new Promise((resolve) => processes.onEnd(resolve));
  expect(end).toEqual({ status: 1, why: "its process ended with status 1" });
  expect(processes.endOf(4711)?.signal).toBe("SIGKILL");
  expect(processes.endOf(4712)?.signal).toBe("SIGSEGV");
  expect(processes.endOf(471)).toBeUndefined();
  expect(processes.lastLine()).toBe("rank 1, process 4711: its process was ended by SIGKILL");
});
