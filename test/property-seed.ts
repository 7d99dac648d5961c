/**
 * Property tests draw the same cases at every run, so a commit passes everywhere or nowhere. `VIDEOPERCEIVER_PROPERTY_SEED`
 * names another seed, or "random" for one that fast-check draws (and reports when a property fails).
 */
import fc from "fast-check";

const seed = process.env["VIDEOPERCEIVER_PROPERTY_SEED"] ?? "1";
if (seed !== "random") fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(seed) });
