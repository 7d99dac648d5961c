import { type Command, Option } from "commander";
import { type DecoderChoice, openVideoService, type VideoService } from "../video/service.ts";

/** Declares `--decoder`. */
export const decoderOption = (command: Command): void => {
  command.addOption(
    new Option("--decoder <name>", "who decodes; auto: node-av if it can be loaded, else ffmpeg")
      .choices(["auto", "node-av", "ffmpeg"])
      .default("auto"),
  );
};

/** The service that the options ask for. */
export const videoServiceOf = (options: Readonly<Record<string, unknown>>): VideoService =>
  openVideoService({ decoder: options["decoder"] as DecoderChoice });
