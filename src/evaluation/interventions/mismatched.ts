import { z } from "zod";
import { defineIntervention, type InterventionPlugin } from "../interventions.ts";

/** Another clip's frames; a shorter one shows its last frame on, a longer one ends early. Null without another clip. */
const plugin: InterventionPlugin = defineIntervention({
  summary: "the frames of another clip of the benchmark",
  source: "standard control: language prior plus the effect of any picture",
  tells: "what any picture gives away",
  params: z.strictObject({}),
  create:
    () =>
    ({ positions_T, partner }) =>
      partner === null || partner.positions_T.length === 0
        ? null
        : {
            shown_T: positions_T.map(
              (_, t) => partner.positions_T[Math.min(t, partner.positions_T.length - 1)]!,
            ),
            clip: partner.sample.id,
          },
});
export default plugin;
