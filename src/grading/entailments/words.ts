import { z } from "zod";
import { tokenOverlapEntailment } from "../entailment.ts";
import { defineEntailment, type EntailmentPlugin } from "../entailment-providers.ts";

/** Shared words: knows neither negation nor word order nor synonyms, needs nothing. */
const words: EntailmentPlugin = defineEntailment({
  summary: "the share of the hypothesis's words that stand in the premise; no model, no network",
  source: "ours",
  params: z.strictObject({}),
  create: () => tokenOverlapEntailment,
});
export default words;
