import { VideoPerceiverError } from "../core/errors.ts";

/** What the operating system refused about a file, folder or disk; a person can do something about it. */
export class SystemError extends VideoPerceiverError {
  constructor(got: string, hint: string, cause: unknown, where?: string) {
    const place = where === undefined ? {} : { where };
    super("system", "the system refuses to read or write", { ...place, got, hint, cause });
  }
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "free space on the disk, or choose another place",
  EDQUOT: "free space in your quota, or choose another place",
  EFBIG: "choose a place that takes larger files",
  EROFS: "choose a place that can be written",
  EACCES: "choose a place that you may read and write",
  EPERM: "choose a place that you may read and write",
  EEXIST: "a file stands where a folder is needed: choose another place",
  ENOTDIR: "a file stands where a folder is needed: choose another place",
  EISDIR: "a folder stands where a file is needed: choose another name",
  ENOENT: "check the path",
  ENAMETOOLONG: "choose a shorter name",
  EMFILE: "raise the limit of open files (ulimit -n)",
  EIO: "the disk or network drive fails",
};

/** What a place that is full, or gone for a while, is told by where a command could go on. */
const isForAWhile = new Set(["ENOSPC", "EDQUOT", "EIO"]);

/**
 * A failed call of the file system as an error that a person can act on; undefined for everything else.
 *
 * @param goOn the command that goes on with what was done, where there is one
 */
export const systemErrorOf = (error: unknown, goOn?: string): SystemError | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  const hint = hints[code ?? ""];
  if (hint === undefined || syscall === undefined || syscall.startsWith("spawn")) return undefined;
  // Node's own messages name the path that a call was given; what failed on an open file names none.
  const where = path === undefined || error.message.includes(path) ? undefined : path;
  const further = goOn !== undefined && isForAWhile.has(code ?? "") ? `, then go on with: ${goOn}` : "";
  return new SystemError(error.message, `${hint}${further}`, error, where);
};
