// Turns a CSV file into a data set folder, and reads it again.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frameIndex, seconds } from "videoperceiver";
import { DatasetWriter, questionText, readSamples, readSource } from "videoperceiver/dataset";
import { openVideoService } from "videoperceiver/video";

const folder = mkdtempSync(join(tmpdir(), "videoperceiver-"));
{
  await using video = openVideoService();
  const frames = Array.from({ length: 8 }, (_, at) => ({
    index: frameIndex(at),
    timeSeconds: seconds(at / 8),
  }));
  const pixels = new Uint8Array(8 * 32 * 32 * 3).fill(90);
  await video.write(join(folder, "clips", "grey.mp4"), {
    width: 32,
    height: 32,
    frames: [{ pixels, width: 32, height: 32, frames }],
  });
}
const table = join(folder, "questions.csv");
writeFileSync(table, "clip,question,answer,options\nclips/grey.mp4,Which colour?,B,red | grey\n");

const writer = new DatasetWriter({ folder, recipe: { name: "csv", params: {} } });
const context = { signal: new AbortController().signal };
for await (const sample of readSource("csv", table, context, (rejection) => writer.reject(rejection)))
  writer.add(sample);
const { counts } = await writer.finish(({ counts }) => `# ${counts.samples} questions\n`);
for await (const sample of readSamples(folder))
  console.log(
    `${counts.samples} of ${counts.samples + counts.rejected}: ${questionText(sample)} ${sample.answer}`,
  );
