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
  /** `torchrun`, or the address of a Ray cluster: `ray://HOST:PORT`. */
  readonly launcher: string;
  /** Longest time until a cluster has room. */
  readonly startSeconds: number;
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

/** All ranks as actors of a Ray cluster; the program that asks for them is here. */
const ray = ({ command, ranks, launcher, startSeconds, env }: LaunchRequest): WorkerProgram => ({
  command,
  args: ["-P", "-m", "videoperceiver_torch.ray_launch", launcher, String(ranks), String(startSeconds)],
  env,
  errors: "kept",
  // Ranks end with their connections, but for one that is stopped: Ray is asked to end it.
  tidies: true,
  patienceMilliseconds: 8000,
});

/** @throws {ConfigError} for what is neither torchrun nor an address of Ray */
const programOf = (request: LaunchRequest): WorkerProgram => {
  const { launcher, ranks } = request;
  if (launcher.startsWith("ray://")) return ray(request);
  if (launcher !== "torchrun")
    throw new ConfigError("who starts the ranks", { expected: "torchrun or ray://HOST:PORT", got: launcher });
  return (ranks === 1 ? single : torchrun)(request);
};

/** Processes that somebody else starts and ends: they end themselves with their connection. */
const outside: StartedProcesses = {
  onEnd: () => {},
  endOf: () => undefined,
  lastLine: () => undefined,
  kill: () => {},
  killRank: () => {},
  end: async () => {},
  processId: undefined,
};

/** How ranks are started from here: one by itself, several by torchrun, or all by Ray. */
export const ownLaunch = (request: LaunchRequest): Launch => {
  const program = programOf(request);
  return (environment) =>
    startProgram(program, { ...environment, [workerEnvironment.parent]: String(process.pid) });
};

/** Ranks that are started elsewhere, on whatever machines: nothing is launched, they are waited for. */
export const outsideLaunch: Launch = () => outside;

/** Where ranks of other machines dial. @param listen HOST:PORT @throws {ConfigError} when it is no such place */
export const listenAddress = (listen: string): NonNullable<StartOptions["listen"]> => {
  const [, host, port] = /^(.+):(\d+)$/.exec(listen) ?? [];
  if (host === undefined || Number(port) > 65_535)
    throw new ConfigError("where ranks dial", { expected: "listen=HOST:PORT", got: listen });
  return { host, port: Number(port) };
};

/** The token that ranks show whom somebody else starts. @throws {ConfigError} when there is none */
export const outsideToken = (): string => {
  const token = process.env[workerEnvironment.token] ?? "";
  if (token.length < 16)
    throw new ConfigError("ranks that are started outside need a token", {
      where: workerEnvironment.token,
      expected: "16 characters or more, the same here and there",
      got: token === "" ? "nothing" : `${token.length} characters`,
      hint: `set ${workerEnvironment.token}=$(openssl rand -hex 32) on both sides`,
    });
  return token;
};
