import { VideoPerceiverError } from "../core/errors.ts";

/** What the operating system refused about a file, folder or disk; a person can do something about it. */
export class SystemError extends VideoPerceiverError {
  constructor(got: string, hint: string, cause: unknown) {
    super("system", "the system refuses to read or write", { got, hint, cause });
  }
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: "free space on the disk, or choose another place",
  EDQUOT: "free space in your quota, or choose another place",
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

/** A failed call of the file system as an error that a person can act on; undefined for everything else. */
export const systemErrorOf = (error: unknown): SystemError | undefined => {
  if (!(error instanceof Error)) return undefined;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const hint = hints[code ?? ""];
  if (hint === undefined || syscall === undefined || syscall.startsWith("spawn")) return undefined;
  return new SystemError(error.message, hint, error);
};
