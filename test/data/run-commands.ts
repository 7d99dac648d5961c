// Runs the command line with the commands of this folder, as a process of its own.
import { main } from "../../src/cli/main.ts";

process.exitCode = await main(process.argv.slice(2), new URL("./commands/", import.meta.url));
