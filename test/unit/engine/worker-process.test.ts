import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { ConfigError, EngineLostError, WeightsError } from "../../../src/core/errors.ts";
import { writeMessage } from "../../../src/core/framed-messages.ts";
import type { ProcessEnd } from "../../../src/engine/started-processes.ts";
import { outsideLaunch } from "../../../src/engine/torch/launchers.ts";
import { startWorker, startWorkers } from "../../../src/engine/worker-process.ts";
import { workerEnvironment } from "../../../src/engine/worker-protocol.ts";

/** A program that shows a token, reads nothing of the order, and is killed. */
const killedWhileOrdered = `
  const said = Buffer.from(JSON.stringify({
    value: { kind: "hello", token: process.env.VIDEOPERCEIVER_ENGINE_TOKEN },
    arrays: [],
  }));
  const prefix = Buffer.alloc(12);
  prefix.writeUInt32LE(said.length, 0);
  const socket = require("node:net").connect(Number(process.env.VIDEOPERCEIVER_ENGINE_PORT), "127.0.0.1", () => {
    socket.write(Buffer.concat([prefix, said]));
    socket.pause();
    setTimeout(() => process.kill(process.pid, "SIGKILL"), 200);
  });`;

const start = (code: string, startSeconds = 60): Promise<unknown> =>
  startWorker(
    { command: process.execPath, args: ["-e", code], errors: "kept" },
    // More than the socket's buffers take: the connection is reset, not ended.
    { mediaBytes: 1, tensors: new Float32Array(1 << 23) },
    { startSeconds },
  );

test("a worker that is killed while its order is on the way is one line, not the end of this process", async () => {
  const failed = await start(killedWhileOrdered).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(EngineLostError);
  expect(String(failed)).toContain("rank 0 on");
  expect(String(failed)).toContain("open; got its process was ended by SIGKILL");
});

test("whoever shows another token is refused", async () => {
  const stranger = killedWhileOrdered.replace("process.env.VIDEOPERCEIVER_ENGINE_TOKEN", '"0".repeat(64)');
  const failed = await start(stranger).catch((error: unknown) => error);
  expect(String(failed)).toContain("a wrong token was shown");
});

test.each([
  ["never dials", "setTimeout(() => {}, 60_000)"],
  [
    "says nothing",
    killedWhileOrdered.replace("socket.write(Buffer.concat([prefix, said]));", "").replace("200", "60_000"),
  ],
  ["never has the model", killedWhileOrdered.replace("200", "60_000")],
])("a worker that %s is given up in time", async (_, code) => {
  const failed = await start(code, 1).catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(EngineLostError);
  expect(String(failed)).toContain("open; got the model was not open within 1 s");
});

test("a rank that is stopped is ended too when its group is given up, though its launcher is another process", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "stopped-rank-")), "process");
  // The launcher's child dials, says who it is, and stops itself in a session of its own.
  const rank = killedWhileOrdered
    .replace('kind: "hello",', 'kind: "hello", rank: 0, host: "here", process: process.pid,')
    .replace('"SIGKILL"', '"SIGSTOP"')
    .concat(`require("node:fs").writeFileSync(${JSON.stringify(file)}, String(process.pid));`);
  const launcher = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(rank)}],
    { stdio: "ignore", detached: true });
  setTimeout(() => {}, 60_000);`;
  const failed = await start(launcher, 3).catch((error: unknown) => error);
  expect(String(failed)).toContain("the model was not open within 3 s");
  const id = Number(readFileSync(file, "utf8"));
  const state = (): string =>
    spawnSync("ps", ["-o", "stat=", "-p", String(id)], { encoding: "utf8" }).stdout.trim();
  const left = await vi.waitUntil(() => /^Z|^$/.test(state()), { timeout: 5000 }).catch(() => false);
  if (left === false) process.kill(id, "SIGKILL");
  rmSync(dirname(file), { recursive: true });
  expect(left).toBe(true);
});

/** Starts two ranks that dial from here, `dialling` of them, beside somebody who says nothing. `isSilent`: rank 1 is. */
const startOutside = (
  dialling: number,
  { isSilent = false, heartbeatSeconds }: { isSilent?: boolean; heartbeatSeconds?: number } = {},
) => {
  const [sockets, closed]: [Socket[], Promise<unknown>[]] = [[], []];
  const started = startWorkers(
    (environment) => {
      const dial = (): Socket => {
        const socket = connect(Number(environment[workerEnvironment.port]), "127.0.0.1");
        sockets.push(socket);
        closed.push(new Promise((resolve) => socket.once("close", resolve)));
        return socket.on("error", () => {});
      };
      dial();
      for (let rank = 0; rank < dialling; rank++) {
        const token = environment[workerEnvironment.token];
        const socket = dial();
        writeMessage(socket, { kind: "hello", token, rank, host: "here", process: 0 });
        if (!isSilent) socket.once("data", () => writeMessage(socket, { kind: "ready" }));
        // Only the last one stays silent.
        else socket.on("data", () => void (rank === 0 && writeMessage(socket, { kind: "pong" })));
      }
      return outsideLaunch(environment);
    },
    { mediaBytes: 1 },
    { ranks: 2, startSeconds: dialling === 2 ? 60 : 1, heartbeatSeconds },
  );
  return { started, sockets, closed };
};

test("a port that somebody has is one line that says what to do, and nothing is launched", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  let isLaunched = false;
  const launch = (environment: Readonly<Record<string, string>>) => {
    isLaunched = true;
    return outsideLaunch(environment);
  };
  const listen = { host: "127.0.0.1", port };
  const failed = await startWorkers(launch, { mediaBytes: 1 }, { listen }).catch((error: unknown) => error);
  taken.close();
  expect(failed).toBeInstanceOf(ConfigError);
  expect((failed as Error).message).toMatch(
    /^workers cannot dial here: 127\.0\.0\.1:\d+; got listen EADDRINUSE: .*; choose a free port of an address of this machine$/,
  );
  expect(isLaunched).toBe(false);
});

test("ranks that dialled in vain are let go", async () => {
  const { started, closed } = startOutside(1);
  await expect(started).rejects.toThrow("the model was not open within 1 s");
  await Promise.all(closed);
});

test("somebody who dialled and said nothing is let go once all ranks are there, and none of those is", async () => {
  const { started, sockets, closed } = startOutside(2);
  const { connections } = await started;
  await closed[0];
  expect(sockets.map((socket) => socket.destroyed)).toEqual([true, false, false]);
  await Promise.all(connections.map((one) => one.close()));
  for (const socket of sockets) socket.destroy();
});

/** Two ranks, processes 70 and 71, that have dialled and been ordered the model; how opening fails for what happens then. */
const failsBy = async (
  happens: (sockets: readonly Socket[], end: (seen: ReadonlyMap<number, ProcessEnd>) => void) => void,
): Promise<unknown> => {
  let seen: ReadonlyMap<number, ProcessEnd> = new Map();
  const tellers: ((end: ProcessEnd) => void)[] = [];
  const sockets: Socket[] = [];
  let ordered = 0;
  const failed = await startWorkers(
    (environment) => {
      for (const rank of [0, 1]) {
        const socket = connect(Number(environment[workerEnvironment.port]), "127.0.0.1");
        const token = environment[workerEnvironment.token];
        writeMessage(socket, { kind: "hello", token, rank, host: "here", process: 70 + rank });
        sockets.push(socket.on("error", () => {}));
        socket.once("data", () => {
          if (++ordered < 2) return;
          happens(sockets, (ends) => {
            seen = ends;
            for (const tell of tellers) tell({ status: 1, why: "its process ended with status 1" });
          });
        });
      }
      return {
        ...outsideLaunch(environment),
        onEnd: (teller) => void tellers.push(teller),
        endOf: (id) => seen.get(id),
      };
    },
    { mediaBytes: 1 },
    { ranks: 2, startSeconds: 30 },
  ).catch((error: unknown) => error);
  for (const socket of sockets) socket.destroy();
  return failed;
};
const says = (socket: Socket, message: string): void =>
  void writeMessage(socket, { kind: "error", error: { name: "WeightsError", message } });

test("of two ranks that a launcher has seen end while the model was opened, the killed one is blamed, not the first", async () => {
  const byTerm = { signal: "SIGTERM", why: "its process was ended by SIGTERM" };
  const byKill = { signal: "SIGKILL", why: "its process was ended by SIGKILL" };
  const failed = await failsBy((_, end) =>
    end(
      new Map([
        [70, byTerm],
        [71, byKill],
      ]),
    ),
  );
  expect(String(failed)).toContain("rank 1 on here, open; got its process was ended by SIGKILL");
});

test("a rank that is gone is blamed, not the one that complains of it", async () => {
  const failed = await failsBy(([first, second]) => {
    says(first!, "connection closed by peer");
    second!.destroy();
  });
  expect(String(failed)).toContain("rank 1 on here, open; got its process ended before the model was open");
});

test("what one rank alone says is known as its own, what all say as what it is", async () => {
  const alone = await failsBy(([, second]) => says(second!, "out of memory"));
  expect(alone).toBeInstanceOf(EngineLostError);
  expect(String(alone)).toContain("rank 1 on here, open; got out of memory");
  const all = await failsBy((sockets) => {
    for (const socket of sockets) says(socket, "weights are missing");
  });
  expect(all).toBeInstanceOf(WeightsError);
  expect((all as Error).message).toBe("weights are missing");
});

test("a rank that falls silent while the model is opened is known by that, not by the time that opening may take", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const { sockets, closed, started } = startOutside(2, { isSilent: true, heartbeatSeconds: 4 });
  const failed = started.catch((error: unknown) => error);
  let error: unknown;
  void failed.then((one) => {
    error = one;
  });
  // Five beats once all have dialled, which takes a moment.
  for (let beat = 0; beat < 200 && error === undefined; beat++) {
    await wait(20);
    vi.advanceTimersByTime(sockets.length === 3 ? 15_000 : 0);
  }
  vi.useRealTimers();
  expect(String(error)).toMatch(/rank 1 on here, open; got no sign of life of process 0 for 60 s/);
  await Promise.all(closed);
});
