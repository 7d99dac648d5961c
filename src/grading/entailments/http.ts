import { z } from "zod";
import { askJson } from "../../core/ask-json.ts";
import { DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { defineEntailment, type EntailmentPlugin } from "../entailment-providers.ts";

const info = z.object({
  protocol: z.literal("videoperceiver/entailment@1"),
  model: z.string(),
  version: z.string(),
});
const answer = z.object({ probabilities: z.array(z.number().min(0).max(1)).length(1) });

/** Any inference model behind the protocol of docs/entailment.md. */
const http: EntailmentPlugin = defineEntailment({
  summary: "a server that says how likely a premise entails a hypothesis (http:http://127.0.0.1:8766)",
  source: "VideoPerceiver (arXiv 2511.18823), Q for open questions; the protocol is ours",
  params: z.strictObject({
    url: z.string().default("http://127.0.0.1:8766").describe("address of the server"),
    timeoutSeconds: z.number().positive().default(60).describe("time for one request"),
    attempts: z
      .number()
      .int()
      .min(1)
      .default(3)
      .describe("tries a request while the server is busy or fails"),
  }),
  argument: "url",
  create: (settings) => {
    const hint = "start the server, or use words or nli; docs/entailment.md says what it must answer";
    const server = { what: "entailment server", hint, ...settings };
    let known: Promise<void> | undefined;
    const check = async (): Promise<void> => {
      const said = info.safeParse(await askJson(server, "/info"));
      if (!said.success)
        throw new DataFormatError("not an entailment server", {
          where: `${settings.url}/info`,
          got: explainZod(said.error),
        });
    };
    return {
      name: `http:${settings.url}`,
      entails: async (premise, hypothesis) => {
        known ??= check();
        try {
          await known;
        } catch (error) {
          known = undefined;
          throw error;
        }
        const body = JSON.stringify({ pairs: [{ premise, hypothesis }] });
        const parsed = answer.safeParse(await askJson(server, "/entail", body));
        if (!parsed.success)
          throw new DataFormatError("bad answer of the entailment server", {
            where: `${settings.url}/entail`,
            expected: "one probability, 0 to 1",
            got: explainZod(parsed.error),
          });
        return parsed.data.probabilities[0]!;
      },
    };
  },
});
export default http;
