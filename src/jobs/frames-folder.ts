import { appendFileSync, closeSync, existsSync, openSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { ConfigError } from "../core/errors.ts";
import { atPlace, makeFolder, writeFileAtomic } from "../core/files.ts";

/** One frame as `frames.json` lists it. */
export interface ListedFrame {
  readonly index: number;
  readonly timeSeconds: number;
  readonly width: number;
  readonly height: number;
  readonly rgbSha256: string;
  /** The frame could not be decoded and repeats a neighbour. */
  readonly repeated?: boolean;
  /** Name of its picture. */
  readonly file?: string;
}

/**
 * A folder of pictures that grows: one PNG a frame, `frames.json` last, so its presence says that all are there. Until
 * then `frames.partial.jsonl` lists what is there: the first line says of what, each further line is a frame.
 */
export class FramesFolder {
  #path: string;
  #list: string;
  #journal: string;
  #handle: number | undefined;
  #head: string;
  #found = new Map<number, ListedFrame>();
  /** @throws {ConfigError} when `resume` meets the pictures of another clip, decoder or size */
  constructor(path: string, of: object, resume: boolean) {
    this.#path = path;
    this.#list = join(path, "frames.json");
    this.#journal = join(path, "frames.partial.jsonl");
    this.#head = JSON.stringify(of);
    if (resume && existsSync(this.#journal)) this.#read();
  }
  #read(): void {
    const [head, ...lines] = readFileSync(this.#journal, "utf8").split("\n");
    if (head !== this.#head)
      throw new ConfigError("these pictures are of another request", {
        where: this.#path,
        expected: this.#head,
        got: head ?? "",
      });
    for (const line of lines) {
      try {
        const frame = JSON.parse(line) as ListedFrame;
        if (existsSync(join(this.#path, frame.file!))) this.#found.set(frame.index, frame);
      } catch {
        // A line cut short by a crash: its frame is made again.
      }
    }
  }
  /** The wanted frames that an earlier call left. */
  found(wanted: readonly number[]): [number, ListedFrame][] {
    return wanted.flatMap((index) => {
      const frame = this.#found.get(index);
      return frame === undefined ? [] : [[index, frame] as [number, ListedFrame]];
    });
  }
  /** Writes one picture (rgb24). */
  async add(frame: ListedFrame, pixels: Uint8Array): Promise<ListedFrame> {
    const { width, height } = frame;
    const file = `frame-${String(frame.index).padStart(7, "0")}.png`;
    const png = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    if (this.#handle === undefined) this.#start();
    writeFileAtomic(join(this.#path, file), png);
    const listed = { ...frame, file };
    try {
      appendFileSync(this.#handle!, `${JSON.stringify(listed)}\n`);
    } catch (error) {
      throw atPlace(error, this.#journal);
    }
    return listed;
  }
  #start(): void {
    makeFolder(this.#path);
    // The list of an earlier call would say that all of these frames are there.
    rmSync(this.#list, { force: true });
    if (this.#found.size === 0) writeFileAtomic(this.#journal, `${this.#head}\n`);
    this.#handle = openSync(this.#journal, "a");
  }
  /** Nothing more is added. */
  close(): void {
    if (this.#handle !== undefined) closeSync(this.#handle);
    this.#handle = undefined;
  }
  /** Says that all frames are there. */
  finish(list: object): void {
    makeFolder(this.#path);
    writeFileAtomic(this.#list, `${JSON.stringify(list)}\n`);
    rmSync(this.#journal, { force: true });
  }
}
