import { VideoError } from "../../core/errors.ts";
import type { EncoderSettings } from "./backend.ts";

/** What the system says about a place that takes no more. */
const refusals = /no space left|disk quota|file too large|input\/output error|read-only|permission denied/i;

/** A written file that the system did not take, told at its place; anything else is a fault of the encoding. */
export const writeFailure = ({ output }: EncoderSettings, got: string): VideoError =>
  refusals.test(got)
    ? new VideoError("cannot write", { where: output, got, hint: "make room there, or choose another place" })
    : new VideoError("cannot encode", { where: output, got });

/** Whether a message is about a place that takes no more. */
export const isRefusal = (complaint: string): boolean => refusals.test(complaint);
