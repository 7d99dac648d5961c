import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { messageOf, VideoError } from "../core/errors.ts";

const address = /^([a-z][a-z0-9+.-]+):\/\//i;

const fromAddress = (file: string): string => {
  try {
    return fileURLToPath(file);
  } catch (error) {
    throw new VideoError("not the address of a file on this machine", {
      where: file,
      expected: "file:///folder/clip.mp4",
      got: messageOf(error),
      cause: error,
    });
  }
};

/** The path that a name means: `file://` addresses (messages of data sets have them) become paths. @throws {VideoError} for what is elsewhere */
export const localFile = (file: string): string => {
  if (file === "-")
    throw new VideoError("clips are not read from standard input", {
      where: file,
      hint: "write it to a file first: cat > clip.mp4 (a file of this name is ./-)",
    });
  if (/^data:[^,]{0,200},/i.test(file))
    throw new VideoError("data: addresses are not opened", {
      where: `${file.slice(0, 40)}...`,
      expected: "a file on this machine",
      hint: "write what is behind the comma to a file first: base64 -d > clip.mp4",
    });
  const scheme = address.exec(file)?.[1]?.toLowerCase();
  if (scheme === undefined) return file;
  if (scheme === "file") return fromAddress(file);
  throw new VideoError(`${scheme}:// addresses are not opened`, {
    where: file,
    expected: "a file on this machine",
    hint: /^https?$/.test(scheme) ? `download it first: curl -L -o clip.mp4 '${file}'` : "copy it here first",
  });
};

/** Says in one line why a path cannot be a video before anything is started for it; gives the full path. */
export const checkedClip = (file: string): string => {
  const path = localFile(file);
  let size: number;
  try {
    const found = statSync(path);
    if (found.isDirectory()) throw new VideoError("not a video file", { where: file, got: "a folder" });
    if (!found.isFile()) throw new VideoError("not a video file", { where: file, got: "no regular file" });
    size = found.size;
  } catch (error) {
    if (error instanceof VideoError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    if (code === "ENOENT" && file.includes("\ufffd"))
      throw new VideoError("a name that is not UTF-8 cannot be opened", {
        where: file,
        hint: "rename the file, or give it a second name: ln FILE clip.mp4",
        cause: error,
      });
    throw new VideoError(code === "ENOENT" ? "no such file" : `cannot read file (${code})`, {
      where: file.length > 500 ? `${file.slice(0, 500)}... (${file.length} characters)` : file,
      ...(code === "ENOENT" &&
        file.startsWith("~/") && { hint: "a shell puts the home folder for ~ only outside of quotes" }),
      cause: error,
    });
  }
  if (size === 0) throw new VideoError("not a video file", { where: file, got: "an empty file" });
  return resolve(path);
};
