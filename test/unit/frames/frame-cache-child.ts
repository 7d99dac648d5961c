/** FOLDER FILE ROUNDS PAUSE [SEED] [LIMIT]: reads through a cache in a process of its own and checks every pixel. */
import { seededRandom } from "../../../src/core/random.ts";
import { CacheFolder } from "../../../src/frames/cache-folder.ts";
import { ContentHash } from "../../../src/frames/content-hash.ts";
import { FrameCache } from "../../../src/frames/frame-cache.ts";
import { readFrames } from "../../../src/frames/read-frames.ts";
import { FakeService } from "./fake-service.ts";

const [path, file, rounds = "1", pause = "0", seed, limit = "1e6"] = process.argv.slice(2) as string[];
const folder = new CacheFolder(path!, Number(limit));
const service = new FakeService();
service.pause = Number(pause);
const cache = new FrameCache(service, {
  folder,
  hashes: new ContentHash(folder),
  onTrouble: (line) => {
    throw new Error(line);
  },
});
const random = seededRandom("cache child", seed ?? "0");
console.log("reading");
for (let round = 0; round < Number(rounds); round++) {
  const first = random.integer(6);
  const indices =
    seed === undefined ? Array.from({ length: 20 }, (_, i) => i) : [first, first + 1, first + 2];
  const answer = await readFrames(cache, file!, { select: { kind: "indices", indices } });
  if (Buffer.compare(answer.pixels, FakeService.pixels(indices)) !== 0) throw new Error("wrong pixels");
}
console.log(`decodes ${service.decodes} of ${rounds}`);
