import { Option } from "commander";
import { UnknownNameError } from "../core/errors.ts";
import { splitName } from "../core/named-params.ts";
import { nearestName } from "../core/nearest.ts";
import { usualDecoders, videoDecoders } from "../video/decoders.ts";

/** A name that is known; of its parameters the decoder speaks when clips are opened. */
const knownDecoder = (chosen: string): string => {
  const known = ["auto", ...videoDecoders.names()];
  const { name } = splitName(chosen);
  if (known.includes(name)) return chosen;
  throw new UnknownNameError("decoder", name, known, nearestName(name, known));
};

/** `--decoder`: a name that is known, of ours or of a plug-in, or `auto`. */
export const decoderOption = (): Option =>
  new Option(
    "--decoder <name[:key=value,...]>",
    `who decodes: ${videoDecoders.names().join(", ")}, or one of your own by --plugin; auto: ${usualDecoders.join(" if it can be loaded, else ")}`,
  )
    .argParser(knownDecoder)
    .default("auto");
