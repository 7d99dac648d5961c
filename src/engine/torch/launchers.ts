/** Who starts the ranks: this process, torchrun, or somebody outside who is told where they have to dial. */
import { ConfigError } from "../../core/errors.ts";
import { type StartedProcesses, startProgram, type WorkerProgram } from "../started-processes.ts";
import type { Launch, StartOptions } from "../worker-process.ts";
import { workerEnvironment } from "../worker-protocol.ts";

/** What a launcher has to know. */
export interface LaunchRequest {
  /** Python that has the packages. */
  readonly command: string;
  readonly ranks: number;
  readonly env: Readonly<Record<string, string>>;
}

/** Our worker as Python's arguments. */
export const workerModule: readonly string[] = ["-m", "videoperceiver_torch.worker"];

const single = ({ command, env }: LaunchRequest): WorkerProgram => ({
  command,
  args: ["-P", ...workerModule],
  env,
  errors: "kept",
});

/** All ranks on this machine, by torchrun. */
const torchrun = ({ command, ranks, env }: LaunchRequest): WorkerProgram => ({
  command,
  args: [
    ...["-P", "-m", "videoperceiver_torch.launch", "--standalone", "--max-restarts=0"],
    ...[`--nproc-per-node=${ranks}`, ...workerModule],
  ],
  env: {
    ...env,
    PYTHONSAFEPATH: "1",
    // Names of hosts need not be known, and nobody else is to listen.
    ...(process.platform === "linux" && { GLOO_SOCKET_IFNAME: "lo" }),
  },
  errors: "kept",
  // The ranks have nothing left to do, and die with it.
  patienceMilliseconds: 1000,
});

/** Processes that somebody else starts and ends: they end themselves with their connection. */
const outside: StartedProcesses = {
  onEnd: () => {},
  endOf: () => undefined,
  lastLine: () => undefined,
  kill: () => {},
  end: async () => {},
  processId: undefined,
};

/** How ranks of this machine are started: one by itself, several by torchrun. */
export const localLaunch =
  (request: LaunchRequest): Launch =>
  (environment) =>
    startProgram((request.ranks === 1 ? single : torchrun)(request), {
      ...environment,
      [workerEnvironment.parent]: String(process.pid),
    });

/** Ranks that are started elsewhere, on whatever machines: nothing is launched, they are waited for. */
export const outsideLaunch: Launch = () => outside;

/**
 * Where ranks of other machines dial, and the token that they show.
 *
 * @param listen HOST:PORT
 * @throws {ConfigError} when it is no such place, or there is no token
 */
export const outsideAddress = (listen: string): Required<Pick<StartOptions, "listen" | "token">> => {
  const [, host, port] = /^(.+):(\d+)$/.exec(listen) ?? [];
  if (host === undefined)
    throw new ConfigError("where ranks dial", { expected: "listen=HOST:PORT", got: listen });
  const token = process.env[workerEnvironment.token] ?? "";
  if (token.length < 16)
    throw new ConfigError("ranks that are started outside need a token", {
      where: workerEnvironment.token,
      expected: "16 characters or more, the same here and there",
      got: token === "" ? "nothing" : `${token.length} characters`,
      hint: `set ${workerEnvironment.token}=$(openssl rand -hex 32) on both sides`,
    });
  return { listen: { host, port: Number(port) }, token };
};
