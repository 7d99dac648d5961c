/**
 * Imported by a process of ours before its program, once for every plug-in: loads the file that its own URL names. The
 * process that started it has loaded the same file before.
 */
import { messageOf } from "../core/errors.ts";
import { loadPlugin } from "./load-plugin.ts";

try {
  await loadPlugin(new URL(import.meta.url).searchParams.get("file") ?? "");
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`);
  process.exit(1);
}
