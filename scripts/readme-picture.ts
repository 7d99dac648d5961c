/**
 * Makes the picture on the README's first screen: a clip of the scripted world, its twin without the event, both decoded
 * from the files that `videoperceiver absent` wrote. `node scripts/readme-picture.ts [FILE.png]`
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp, { type OverlayOptions } from "sharp";
import { pixelsOf } from "../src/frames/frame-batch.ts";
import { readFrames } from "../src/frames/read-frames.ts";
import { openVideoService } from "../src/video/service.ts";
import { eventCaption } from "../src/world/captions.ts";
import { planClip } from "../src/world/clip.ts";
import { loadEncoder, writeClip } from "../src/world/encode.ts";
import { worldProfile } from "../src/world/profile.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = process.argv[2] ?? join(root, "docs", "images", "absent-twin.png");
const [width, height] = [336, 224];
const profile = worldProfile("wide", 0.45, {
  width,
  height,
  noise: 2,
  seconds: [4, 4],
  mix: [20, 0, 0],
  actors: [3, 4],
});
const plan = planClip("readme", 15, profile);
const event = plan.events[0]!;
const seconds = (frame: number): number => frame / plan.framesPerSecond;

const folder = mkdtempSync(join(tmpdir(), "readme-picture-"));
try {
  mkdirSync(join(folder, "clips"));
  const clip = join(folder, (await writeClip((await loadEncoder()).backend, plan, folder)).file);
  const span = `${seconds(event.startFrame)}-${seconds(event.endFrame)}`;
  const pair = join(folder, "pair");
  const absent = [
    "absent",
    clip,
    "--relevance",
    `events:${span}`,
    "--builder",
    "span",
    "--fps",
    "25",
    "--caption",
    eventCaption(plan),
  ];
  execFileSync(process.execPath, [join(root, "bin", "videoperceiver.mjs"), ...absent, "--out", pair]);

  const length = event.endFrame - event.startFrame;
  const indices = [-4, -1, 1, Math.round(length / 2), length - 2, length + 1].map(
    (offset) => event.startFrame + offset,
  );
  await using video = openVideoService();
  const request = { select: { kind: "indices", indices } } as const;
  const rows = [];
  for (const file of ["complete.mp4", "absent.mp4"]) {
    rows.push(await readFrames(video, join(pair, file), request));
  }

  const [left, gap, top, label] = [176, 8, 54, 24];
  const [column, row] = [width / 1.5 + gap, height / 1.5 + label];
  const layers: OverlayOptions[] = [];
  const marks = [
    `<text x="16" y="32" font-size="20" font-weight="600">“${eventCaption(plan).replace(" .", "")}”, ${seconds(event.startFrame).toFixed(2)} to ${seconds(event.endFrame).toFixed(2)} s of 4 s</text>`,
  ];
  for (const [r, batch] of rows.entries()) {
    const name = r === 0 ? "complete clip" : "absent twin";
    const y = top + r * row;
    marks.push(`<text x="16" y="${y + 70}" font-size="18" font-weight="600">${name}</text>`);
    if (r === 1) {
      marks.push(`<text x="16" y="${y + 94}" font-size="14">the event is gone,</text>`);
      marks.push(`<text x="16" y="${y + 112}" font-size="14">other frames</text>`);
      marks.push(`<text x="16" y="${y + 130}" font-size="14">are equal</text>`);
    }
    for (const [c, index] of indices.entries()) {
      const inside = index >= event.startFrame && index < event.endFrame;
      const x = left + c * column;
      const raw = { width, height, channels: 3 } as const;
      const input = await sharp(pixelsOf(batch, c), { raw })
        .resize(Math.round(width / 1.5), Math.round(height / 1.5))
        .png()
        .toBuffer();
      layers.push({ input, left: Math.round(x), top: Math.round(y) });
      marks.push(
        `<text x="${x}" y="${y + height / 1.5 + 17}" font-size="14">${seconds(index).toFixed(2)} s</text>`,
      );
      if (inside)
        marks.push(
          `<rect x="${x - 1}" y="${y - 1}" width="${width / 1.5 + 2}" height="${height / 1.5 + 2}" fill="none" stroke="#c2261e" stroke-width="4"/>`,
        );
    }
  }
  const size = {
    width: Math.round(left + indices.length * column + gap),
    height: Math.round(top + 2 * row + 4),
  };
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"><g font-family="sans-serif" fill="#222">${marks.join("")}</g></svg>`;
  await sharp({ create: { ...size, channels: 3, background: "#fafaf8" } })
    .composite([...layers, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png({ palette: true, quality: 90 })
    .toFile(output);
  process.stdout.write(`${output}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
