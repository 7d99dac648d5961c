import { z } from "zod";
import { sha256 } from "../../core/files.ts";
import { defineFilter, type FilterPlugin, lowerCaseWords } from "../filter.ts";

const params = z.strictObject({
  lowest: z.number().min(0).max(0.5).default(0.45).describe("smallest share of the rarer of yes and no"),
});

/** Of yes and no, the more frequent answer loses samples (chosen by the hash of their id) until the shares fit. */
const filter: FilterPlugin = defineFilter({
  summary: "yes and no are about equally frequent",
  source: "VideoPerceiver's rule-based validator (notes A8), made into code by us",
  params,
  create: ({ lowest }) => {
    const ids: Record<"yes" | "no", string[]> = { yes: [], no: [] };
    return {
      check: (sample) => {
        const first = lowerCaseWords(sample.answer)[0];
        if (first === "yes" || first === "no") ids[first].push(sample.id);
        return undefined;
      },
      finish: () => {
        const [rarer, other] = ids.yes.length < ids.no.length ? [ids.yes, ids.no] : [ids.no, ids.yes];
        const allowed = lowest === 0 ? other.length : Math.floor((rarer.length * (1 - lowest)) / lowest);
        const excess = Math.max(0, other.length - allowed);
        const order = other.map((id) => ({ id, key: sha256(id) })).sort((a, b) => (a.key < b.key ? -1 : 1));
        return new Map(
          order
            .slice(0, excess)
            .map(({ id }) => [id, `one answer of yes and no has less than ${lowest} of them`]),
        );
      },
    };
  },
});

export default filter;
