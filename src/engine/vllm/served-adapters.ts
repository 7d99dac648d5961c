/** The adapter on a vLLM server: saved anew after every update, and never loaded twice from one place. */
import { existsSync, rmSync } from "node:fs";
import { join, posix } from "node:path";
import { EngineError } from "../../core/errors.ts";
import { makeFolder } from "../../core/files.ts";
import type { Engine } from "../contract.ts";
import type { VllmServer } from "./server.ts";

/** Where adapters go, and what the server calls that place. */
export interface ServedPlace {
  readonly folder: string;
  /** The same folder as the server sees it; undefined: alike. */
  readonly serverFolder: string | undefined;
  /** Begins every adapter's name on the server; nobody else uses it. */
  readonly prefix: string;
}

const howToStart =
  "start it with --enable-lora --max-lora-rank RANK and VLLM_ALLOW_RUNTIME_LORA_UPDATING=1, on a machine that sees the run's folder";

/** Loads adapters by new names from new folders. */
export class ServedAdapters {
  readonly #server: VllmServer;
  readonly #place: ServedPlace;
  /** Names and folders that the server has seen. */
  readonly #seen = new Set<string>();
  #count = 0;
  #current: { readonly name: string; readonly folder: string } | undefined;

  constructor(server: VllmServer, place: ServedPlace) {
    this.#server = server;
    this.#place = place;
  }

  /**
   * Makes the server load a PEFT folder.
   *
   * vLLM keeps blocks of its prefix cache by an adapter's name and path: loaded again from the same ones, they are those of
   * the weights before.
   * @throws {EngineError} for a name or a folder that was loaded before, and when the server cannot load it
   */
  async load(name: string, folder: string, signal?: AbortSignal): Promise<void> {
    const again = [name, folder].find((one) => this.#seen.has(one));
    if (again !== undefined)
      throw new EngineError("an adapter loaded twice from one place", {
        where: again,
        expected: "a new name and a new folder after every update",
        hint: "the server would go on with kept blocks of the weights before",
      });
    this.#seen.add(name).add(folder);
    const { serverFolder } = this.#place;
    const path = serverFolder === undefined ? folder : posix.join(serverFolder, name);
    const asked = { lora_name: name, lora_path: path };
    const answer = await this.#server.ask("/v1/load_lora_adapter", asked, signal).catch((error: unknown) => {
      if (!(error instanceof EngineError)) throw error;
      // Asked again after an answer that was lost on the way: nobody else uses the name, so it is this very adapter.
      if (/already been loaded/i.test(error.message)) return { body: undefined };
      throw new EngineError("the roll-out server does not load the adapter", {
        where: path,
        got: error.message,
        hint: howToStart,
        cause: error,
      });
    });
    if ("unknown" in answer)
      throw new EngineError("the roll-out server loads no adapters", {
        got: answer.unknown,
        hint: howToStart,
      });
  }

  /**
   * Puts the engine's adapter as it is now on the server, and takes the one before away.
   *
   * @returns its name there
   */
  async publish(engine: Engine, signal?: AbortSignal): Promise<string> {
    const name = `${this.#place.prefix}-${++this.#count}`;
    const folder = join(this.#place.folder, name);
    if (existsSync(folder))
      throw new EngineError("the folder of a new adapter is there already", { where: folder });
    makeFolder(this.#place.folder);
    await engine.save(folder, { signal });
    await this.load(name, folder, signal);
    const before = this.#current;
    this.#current = { name, folder };
    if (before !== undefined) await this.#forget(before, signal);
    return name;
  }

  async #forget(
    { name, folder }: { readonly name: string; readonly folder: string },
    signal?: AbortSignal,
  ): Promise<void> {
    // A server that has restarted since does not know it; nothing depends on that.
    await this.#server.ask("/v1/unload_lora_adapter", { lora_name: name }, signal).catch(() => undefined);
    rmSync(folder, { recursive: true, force: true });
  }

  /** Takes the adapter away from the server, and the folder with it. */
  async end(): Promise<void> {
    if (this.#current !== undefined) await this.#forget(this.#current, AbortSignal.timeout(5000));
    this.#current = undefined;
    rmSync(this.#place.folder, { recursive: true, force: true });
  }
}
