import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

/** Where PostgreSQL's programs are; undefined: it is not installed. */
const programs: string | undefined = [
  ...(process.env["PATH"] ?? "").split(delimiter),
  ...(existsSync("/usr/lib/postgresql")
    ? readdirSync("/usr/lib/postgresql").map((version) => `/usr/lib/postgresql/${version}/bin`)
    : []),
].find((folder) => existsSync(join(folder, "initdb")) && existsSync(join(folder, "postgres")));

/** Says loudly that tests were skipped because PostgreSQL is missing; gives back whether it is. */
export const postgresMissing = (what: string): boolean => {
  if (programs === undefined) console.log(`\nSKIPPED: ${what}: no PostgreSQL on this machine\n`);
  return programs === undefined;
};

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0));
    });
  });

/** A database server of its own in a folder of its own, only reachable from this machine. */
export class Postgres {
  readonly url: string;
  readonly #folder: string;
  readonly #port: number;
  readonly #user: { readonly uid: number; readonly gid: number } | undefined;
  #server: ChildProcess | undefined;

  private constructor(folder: string, port: number, user: { uid: number; gid: number } | undefined) {
    this.#folder = folder;
    this.#port = port;
    this.#user = user;
    this.url = `postgres://tester@127.0.0.1:${port}/postgres`;
  }

  static async start(): Promise<Postgres> {
    const folder = mkdtempSync(join(tmpdir(), "postgres-"));
    // It refuses to run as the administrator.
    const asRoot = process.getuid?.() === 0;
    const user = asRoot ? { uid: 65_534, gid: 65_534 } : undefined;
    if (user !== undefined) chownSync(folder, user.uid, user.gid);
    execFileSync(
      join(programs!, "initdb"),
      ["-D", join(folder, "data"), "-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale", "C"],
      { stdio: "ignore", cwd: folder, ...user },
    );
    const server = new Postgres(folder, await freePort(), user);
    await server.up();
    return server;
  }

  /** Starts the server, also again after {@link down}. */
  async up(): Promise<void> {
    this.#server = spawn(
      join(programs!, "postgres"),
      [
        "-D",
        join(this.#folder, "data"),
        "-p",
        String(this.#port),
        "-k",
        this.#folder,
        "-c",
        "fsync=off",
        "-c",
        "listen_addresses=127.0.0.1",
      ],
      { stdio: ["ignore", "ignore", "pipe"], cwd: this.#folder, ...this.#user },
    );
    await new Promise<void>((done, fail) => {
      let said = "";
      this.#server!.stderr!.on("data", (piece: Buffer) => {
        said += piece.toString();
        if (said.includes("ready to accept connections")) done();
      });
      this.#server!.once("exit", () => fail(new Error(said)));
    });
  }

  /** Ends it at once, connections and all. */
  async down(): Promise<void> {
    const server = this.#server!;
    const ended = new Promise<void>((done) => {
      server.once("exit", () => done());
    });
    server.kill("SIGQUIT");
    await ended;
  }

  async remove(): Promise<void> {
    await this.down();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
