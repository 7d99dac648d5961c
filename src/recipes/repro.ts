/** The paper's claims re-tested in the scripted world: which arms, from which start, on which data, and what is measured. */
import { ablations } from "./repro/ablations.ts";
import { comparison } from "./repro/comparison.ts";
import { fragments } from "./repro/fragments.ts";
import { frameRates } from "./repro/frame-rates.ts";
import { layers } from "./repro/layers.ts";
import { order } from "./repro/order.ts";
import type { ReproScale, ReproStudy } from "./repro/study.ts";

/** Names of the studies. */
export const studyNames = ["ablations", "comparison", "layers", "frame-rates", "fragments", "order"] as const;
/** One of {@link studyNames}. */
export type StudyName = (typeof studyNames)[number];

const repro = (name: StudyName, scale: ReproScale): ReproStudy =>
  ({ ablations, comparison, layers, "frame-rates": frameRates, fragments, order })[name](scale);

export default repro;
