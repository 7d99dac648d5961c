import { homedir } from "node:os";
import { join } from "node:path";

/** Where everything is kept that can be made again; `VIDEOPERCEIVER_CACHE` names another place. */
export const cacheRoot = (): string =>
  process.env["VIDEOPERCEIVER_CACHE"] || join(homedir(), ".cache", "videoperceiver");
