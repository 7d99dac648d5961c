import { defineCommand } from "../../../src/cli/command.ts";
import { InternalError } from "../../../src/core/errors.ts";

/** A command with a fault of ours. */
export default defineCommand({
  summary: "always fails",
  configure: () => {},
  run: () => Promise.reject(new InternalError("the promise was broken")),
});
