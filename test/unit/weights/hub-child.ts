// Fetches "a/b" from the stand-in hub and prints the folder; a process of its own for the test of two at once.
import { fetchModel } from "../../../src/weights/hub.ts";

const [endpoint, cache] = process.argv.slice(2) as [string, string];
process.stdout.write(await fetchModel("a/b", { endpoint, cache }));
