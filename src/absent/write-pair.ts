import { existsSync, realpathSync, renameSync, rmSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { ConfigError } from "../core/errors.ts";
import { makeFolder, sha256OfFile, writeFileAtomic } from "../core/files.ts";
import type { VideoService } from "../video/service.ts";
import type { VideoInfo } from "../video/types.ts";
import type { FileReference, Pair } from "./pair.ts";
import { type PairFidelity, pairFidelity } from "./pair-fidelity.ts";
import { writeTwinClips } from "./twin-clips.ts";
import { type TwinView, twinViewOf } from "./twin-view.ts";

/** What to write where. */
export interface WritePairRequest {
  readonly video: VideoService;
  /** The clip the pair was built from. */
  readonly file: string;
  readonly info: VideoInfo;
  readonly pair: Pair;
  readonly view: TwinView;
  readonly folder: string;
  /** Leave the clips out: `pair.json` refers to the source file. */
  readonly virtual: boolean;
  /** Draws the contact sheet into the given file; left out when there is none. */
  readonly sheet?: (file: string, pair: Pair, view: TwinView) => Promise<void>;
  /** False leaves out decoding both clips again for their PSNR. */
  readonly measureFidelity?: boolean;
  /** x264 quality of the written clips, 0 to 51. */
  readonly crf?: number;
  readonly signal?: AbortSignal;
}

export interface WrittenPair {
  readonly pair: Pair;
  readonly view: TwinView;
  readonly files: readonly string[];
  /** Declared frames that turned out equal to their source at full size and are not declared any more. */
  readonly unchanged: number;
  readonly fidelity?: PairFidelity;
}

/** Whether both paths lead to one file that exists. */
const sameFile = (one: string, other: string): boolean =>
  existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);

/**
 * Writes a pair's folder: `complete.mp4`, `absent.mp4`, `pair.json`, `sheet.png`. Everything is made in a folder beside
 * it and moved in at the end, `pair.json` last, so a reader sees a whole pair or none. Both clips hold every frame of
 * the source at its true time; declared frames differ and all others are equal before encoding.
 *
 * @throws {VideoError} when a clip cannot be decoded or written
 * @throws {ConfigError} when the source itself lies where a clip of the pair would go
 */
export const writePair = async (request: WritePairRequest): Promise<WrittenPair> => {
  const folder = resolve(request.folder);
  if (["complete.mp4", "absent.mp4"].some((name) => sameFile(join(folder, name), request.file)))
    throw new ConfigError("the pair would take the source's place", {
      where: request.file,
      hint: "choose another folder",
    });
  const partial = `${folder}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  makeFolder(partial);
  try {
    const written = request.virtual
      ? await virtualPair(request, folder)
      : await clips(request, partial, folder);
    if (request.sheet !== undefined)
      await request.sheet(join(partial, "sheet.png"), written.pair, written.view);
    writeFileAtomic(join(partial, "pair.json"), `${JSON.stringify(written.pair, null, 1)}\n`);
    const names = [...written.files, ...(request.sheet === undefined ? [] : ["sheet.png"]), "pair.json"];
    makeFolder(folder);
    // The record of an earlier pair must not stand beside other clips, not even for a moment.
    rmSync(join(folder, "pair.json"), { force: true });
    for (const name of names) renameSync(join(partial, name), join(folder, name));
    if (request.virtual)
      for (const name of ["complete.mp4", "absent.mp4"]) rmSync(join(folder, name), { force: true });
    return { ...written, files: names.map((name) => join(request.folder, name)) };
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
};

const sourceReference = async (request: WritePairRequest, folder: string): Promise<FileReference> => ({
  file: relative(folder, resolve(request.file)) || basename(request.file),
  sha256: await knownSha256(request),
});

/** The pair knows the source's hash already when it was built from the file itself. */
const knownSha256 = async ({ pair, file }: WritePairRequest): Promise<string> =>
  pair.source?.sha256 ?? pair.complete.sha256 ?? (await sha256OfFile(file));

const virtualPair = async (request: WritePairRequest, folder: string): Promise<WrittenPair> => ({
  pair: { ...request.pair, complete: await sourceReference(request, folder) },
  view: request.view,
  files: [],
  unchanged: 0,
});

const clips = async (request: WritePairRequest, partial: string, folder: string): Promise<WrittenPair> => {
  const { video, file, signal } = request;
  let { view } = request;
  let { replacements } = request.pair;
  const complete = join(partial, "complete.mp4");
  const absent = join(partial, "absent.mp4");
  const unchanged = await writeTwinClips({
    video,
    file,
    size: request.info,
    view,
    replacements,
    complete,
    absent,
    ...(request.crf !== undefined && { crf: request.crf }),
    ...(signal && { signal }),
  });
  if (unchanged.length > 0) {
    const same = new Set(unchanged);
    replacements = replacements.filter(({ index }) => !same.has(index));
    view = twinViewOf(replacements);
  }
  const pair: Pair = {
    ...request.pair,
    complete: { file: "complete.mp4", sha256: await sha256OfFile(complete) },
    absent: { file: "absent.mp4", sha256: await sha256OfFile(absent) },
    replacements,
    source: await sourceReference(request, folder),
  };
  const fidelity =
    request.measureFidelity === false
      ? undefined
      : await pairFidelity({
          video,
          file,
          info: request.info,
          complete,
          absent,
          view,
          ...(signal && { signal }),
        });
  return {
    pair,
    view,
    files: ["complete.mp4", "absent.mp4"],
    unchanged: request.pair.replacements.length - replacements.length,
    ...(fidelity && { fidelity }),
  };
};
