// Writes bin/overview.txt: the list of commands that `videoperceiver --help` prints without loading any of them.
import { fileURLToPath } from "node:url";
import { overview } from "../src/cli/main.ts";
import { writeFileAtomic } from "../src/core/files.ts";

const file = fileURLToPath(new URL("../bin/overview.txt", import.meta.url));
writeFileAtomic(file, `${await overview()}\n`);
console.log(file);
