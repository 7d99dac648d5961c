// Renders a clip of the scripted world and makes its twin without the event.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  generateWorld,
  type JobContext,
  silentProgress,
  type TimeSpan,
  worldProfile,
  writePairOfFile,
} from "videoperceiver";
import { readSamples } from "videoperceiver/dataset";

const out = mkdtempSync(join(tmpdir(), "videoperceiver-"));
const world = join(out, "world");
await generateWorld({ count: 1, seed: 3, profile: worldProfile("quickstart"), out: world });
const { value: sample } = await readSamples(world).next();
if (sample === undefined) throw new Error("a world without samples");
const { clip } = sample;
const events = sample.events ?? [];
const spans = events
  .map(({ startSeconds, endSeconds }: TimeSpan) => `${startSeconds}-${endSeconds}`)
  .join(",");

const context: JobContext = {
  signal: new AbortController().signal,
  progress: () => silentProgress,
  warn: (line) => console.error(line),
};
const { written, replacedShare } = await writePairOfFile(
  {
    file: join(world, clip.file),
    request: { caption: events[0]!.what, relevance: `events:${spans}`, builder: "span" },
    clips: { decoder: "auto", cache: false, cacheSize: 0 },
    out: join(out, "pair"),
    virtual: false,
    force: false,
  },
  context,
);
console.log(
  `"${events[0]!.what}" is gone: ${(100 * replacedShare).toFixed(0)} % replaced, ${written.files.length} files`,
);
