import sharp from "sharp";
import { z } from "zod";
import { askJson } from "../../core/ask-json.ts";
import { ConfigError, DataFormatError } from "../../core/errors.ts";
import { explainZod } from "../../core/registry.ts";
import { type FrameBatch, pixelsOf } from "../../frames/frame-batch.ts";
import { defineRelevance, type RelevanceDefinition } from "../relevance.ts";
import { scoredInPieces } from "../scored-pieces.ts";

const version = "1";

const params = z.strictObject({
  url: z.string().default("http://127.0.0.1:8765").describe("address of the scorer"),
  framesPerRequest: z.number().int().min(1).max(256).default(16).describe("frames sent at once"),
  timeoutSeconds: z.number().positive().default(120).describe("time for one request"),
  attempts: z
    .number()
    .int()
    .min(1)
    .default(3)
    .describe("tries per request; only busy and failed servers are asked again"),
});

const info = z.object({
  protocol: z.literal("videoperceiver/scorer@1"),
  model: z.string(),
  version: z.string(),
});
const answer = z.object({ scores: z.array(z.number()) });

/** BLIP-2 (or any image-text model) behind the scorer protocol of docs/relevance.md. */
const blip2: RelevanceDefinition = defineRelevance({
  summary: "an HTTP scorer, such as scripts/blip2-scorer (--relevance blip2:http://127.0.0.1:8765)",
  source: "VideoPerceiver (arXiv 2511.18823), eq. 1 with BLIP-2; the protocol is ours",
  params,
  version,
  unit: "how alike picture and keywords are: cosine, -1 to 1, highest over BLIP-2's queries",
  costPerFrame: "the server's; a PNG of about 60 kB travels",
  inputPixels: 364,
  resizer: "pillow",
  keyFrameRule: {},
  usesText: true,
  remembers: false,
  argument: "url",
  create: (settings) => {
    let model = "unasked";
    const base = settings.url.replace(/\/+$/, "");
    const server = { what: "scorer", hint: "start scripts/blip2-scorer/server.py", ...settings };
    const ask = (path: string, body: string | undefined, signal: AbortSignal | undefined): Promise<unknown> =>
      askJson(server, path, body, signal);
    return {
      version: () => `${version}/${model}`,
      // The version names the model; where it answers, and in what pieces it is asked, changes no score.
      recorded: {},
      score: async (request) => {
        const { signal } = request.context;
        if (request.keywords.length === 0)
          throw new ConfigError("relevance blip2 needs keywords", { hint: "give --keywords a,b" });
        const said = info.safeParse(await ask("/info", undefined, signal));
        if (!said.success)
          throw new DataFormatError("not a scorer", { where: `${base}/info`, got: explainZod(said.error) });
        model = `${said.data.model}@${said.data.version}`;
        return scoredInPieces(request, async (batch) => {
          const scores: number[] = [];
          for (let at = 0; at < batch.frames.length; at += settings.framesPerRequest) {
            const count = Math.min(settings.framesPerRequest, batch.frames.length - at);
            const frames = await Promise.all(Array.from({ length: count }, (_, i) => pngOf(batch, at + i)));
            const body = JSON.stringify({ keywords: request.keywords, frames });
            const parsed = answer.safeParse(await ask("/score", body, signal));
            if (!parsed.success)
              throw new DataFormatError("bad answer of the scorer", {
                where: `${base}/score`,
                got: explainZod(parsed.error),
              });
            if (parsed.data.scores.length !== count)
              throw new DataFormatError("bad answer of the scorer", {
                where: `${base}/score`,
                expected: `${count} scores`,
                got: String(parsed.data.scores.length),
              });
            scores.push(...parsed.data.scores);
          }
          return scores;
        });
      },
    };
  },
});

const pngOf = async (batch: FrameBatch, position: number): Promise<string> => {
  const raw = { width: batch.width, height: batch.height, channels: 3 as const };
  const png = await sharp(Buffer.from(pixelsOf(batch, position)), { raw })
    .png({ compressionLevel: 2 })
    .toBuffer();
  return png.toString("base64");
};

export default blip2;
