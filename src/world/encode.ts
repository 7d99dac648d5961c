import { readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { UnsupportedError } from "../core/errors.ts";
import { sha256 } from "../core/files.ts";
import type { Backend } from "../video/backend/backend.ts";
import { type LoadedDecoder, loadDecoder, usualDecoders } from "../video/decoders.ts";
import type { ClipPlan } from "./plan.ts";
import { worldEncoding } from "./protocol.ts";
import { renderClip } from "./render.ts";

/** The first usable encoder, loaded into this process. @throws {UnsupportedError} when there is none */
export const loadEncoder = async (): Promise<LoadedDecoder> => {
  const reasons: string[] = [];
  for (const name of usualDecoders) {
    try {
      return await loadDecoder(name);
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      reasons.push(`${name}: ${error.message}`);
    }
  }
  throw new UnsupportedError("no encoder for H.264", {
    got: reasons.join("; "),
    hint: "install the optional package node-av (npm ci does) or the program ffmpeg",
  });
};

/**
 * Renders a plan and writes it as `clips/<sha256>.mp4` of the data set folder; the file appears whole or not at all.
 * One thread and no time stamps: equal plans give equal bytes.
 */
export const writeClip = async (
  backend: Backend,
  plan: ClipPlan,
  folder: string,
): Promise<{ readonly file: string; readonly sha256: string; readonly bytes: number }> => {
  const pixels = renderClip(plan);
  const temporary = join(folder, "clips", `.${process.pid}.tmp`);
  const ticks = worldEncoding.ticksPerSecond / plan.framesPerSecond;
  const encoder = backend.encoder({
    temporary,
    output: join(folder, "clips"),
    width: plan.width,
    height: plan.height,
    ...worldEncoding,
    independentGroups: true,
    keyTicks: [],
  });
  const size = plan.width * plan.height * 3;
  try {
    for (let frame = 0; frame < plan.frameCount; frame++)
      await encoder.add(pixels.subarray(frame * size, (frame + 1) * size), Math.round(frame * ticks));
    await encoder.finish(Math.round(plan.frameCount * ticks));
  } catch (error) {
    encoder.abort();
    rmSync(temporary, { force: true });
    throw error;
  }
  const content = readFileSync(temporary);
  const hash = sha256(content);
  const file = `clips/${hash}.mp4`;
  renameSync(temporary, join(folder, file));
  return { file, sha256: hash, bytes: content.length };
};
