import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { frameIndex, seconds } from "../../../src/core/units.ts";
import type { FrameBatch } from "../../../src/frames/frame-batch.ts";
import { type Processor, processorFrom, type Resize } from "../../../src/model/processor.ts";
import type { ProcessorSettings } from "../../../src/model/processor-settings.ts";
import { qwenProcessorRules } from "../../../src/model/qwen-processor-rules.ts";
import { type ChatMessage, chatTemplate } from "../../../src/text/chat-template.ts";
import { tokenizerFrom } from "../../../src/text/tokenizer.ts";
import {
  qwenSpecialTokens,
  segmentEndTokens,
  wordLevelTokenizerJson,
} from "../../../src/text/word-level-tokenizer.ts";

/** The settings of every released Qwen2.5-VL. */
const releasedSettings: ProcessorSettings = {
  patchSize: 14,
  temporalPatchSize: 2,
  mergeSize: 2,
  imageMean: [0.48145466, 0.4578275, 0.40821073],
  imageStd: [0.26862954, 0.26130258, 0.27577711],
  imageLimits: { minPixels: 3136, maxPixels: 12_845_056 },
  videoLimits: { minPixels: 3136, maxPixels: 12_845_056 },
};

const files = wordLevelTokenizerJson(["how", "many", "times", "twice", "<|", "end"]);
const tokenizer = tokenizerFrom(files["tokenizer.json"], files["tokenizer_config.json"], "world");
const template = chatTemplate(
  (files["tokenizer_config.json"] as { chat_template: string }).chat_template,
  "world",
);
const specialIds = new Set([...qwenSpecialTokens, ...segmentEndTokens].map((name) => tokenizer.idOf(name)));
const text = (value: string): { type: "text"; text: string } => ({ type: "text", text: value });
const names = (ids: Iterable<number>): string[] => [...ids].map((id) => tokenizer.decode([id]));

describe("word-level tokenizer", () => {
  test("words come back, unknown ones do not pass as special", () => {
    expect(tokenizer.decode(tokenizer.encode("how many times"))).toBe("how many times");
    expect(names(tokenizer.encode("how <|im_end|> often"))).toEqual(["how", "<|unknown|>", "<|unknown|>"]);
    expect(tokenizer.encodeWithSpecial("how<|im_end|>")).toEqual([
      tokenizer.encode("how")[0],
      tokenizer.idOf("<|im_end|>"),
    ]);
    expect(tokenizer.encode("")).toEqual([]);
    expect(tokenizer.decode([])).toBe("");
    expect(tokenizer.size).toBe(11 + 3 + 6);
  });
  test("says what it does not know", () => {
    expect(() => tokenizer.idOf("<|box_start|>")).toThrow(/no such added token: world; got <\|box_start\|>/);
    expect(() => wordLevelTokenizerJson(["two words"])).toThrow(/word of a vocabulary/);
    expect(() => wordLevelTokenizerJson(["<|im_end|>"])).toThrow(/word of a vocabulary/);
    expect(() => wordLevelTokenizerJson([], ["a b"])).toThrow(/special token; expected no white space/);
    expect(() => tokenizerFrom([], {}, "x")).toThrow(/tokenizer: x; expected a JSON object/);
    expect(() => tokenizerFrom({ added_tokens: [1] }, {}, "x")).toThrow(/added_tokens with id and content/);
    expect(() => tokenizerFrom({}, {}, "x")).toThrow(/cannot build the tokenizer: x/);
  });
});

test("ids without a token are no text, alone or among others, special or not", () => {
  const [how] = tokenizer.encode("how");
  expect(tokenizer.decode([999])).toBe("");
  expect(tokenizer.decode([how!, 999, tokenizer.idOf("<|im_end|>"), 1000], { skipSpecial: true })).toBe(
    "how",
  );
});

test("added tokens may stand in tokenizer_config.json only", () => {
  const json = files["tokenizer.json"] as {
    added_tokens: { id: number; content: string; special: boolean }[];
  };
  const own = json.added_tokens.filter(({ content }) => content !== "<|im_end|>");
  const moved = json.added_tokens.find(({ content }) => content === "<|im_end|>")!;
  const { id, ...rest } = moved;
  const bare = { ...(files["tokenizer_config.json"] as object), added_tokens_decoder: {} };
  const settings = { ...bare, added_tokens_decoder: { [id]: rest } };
  const without = tokenizerFrom({ ...json, added_tokens: own }, bare, "world");
  expect(without.added.has("<|im_end|>")).toBe(false);
  const made = tokenizerFrom({ ...json, added_tokens: own }, settings, "world");
  expect(made.idOf("<|im_end|>")).toBe(id);
  expect(made.encode("<|im_end|>")).not.toContain(id);
  expect(made.encodeWithSpecial("<|im_end|>")).toEqual([id]);
  expect(made.decode([id], { skipSpecial: true })).toBe("");
  expect(() => tokenizerFrom(json, { added_tokens_decoder: { 5: "x" } }, "x")).toThrow(
    /added_tokens_decoder/,
  );
});

describe("chat", () => {
  const chat: ChatMessage[] = [
    { role: "user", content: [{ type: "video" }, text("how many")] },
    { role: "assistant", content: [text("twice")] },
  ];
  test("the spoken ids are the answer and the end of its turn, behind exactly the generation prompt", () => {
    const made = template.encode(tokenizer, chat, { spokenApart: true });
    expect(names(made.ids.filter((_, at) => made.spoken[at] === 1))).toEqual(["twice", "<|im_end|>"]);
    const prompt = template.encode(tokenizer, chat.slice(0, 1), { addGenerationPrompt: true });
    expect([...made.ids.subarray(0, prompt.ids.length)]).toEqual([...prompt.ids]);
    expect([...made.spoken.subarray(0, prompt.ids.length)].every((spoken) => spoken === 0)).toBe(true);
    expect(template.encode(tokenizer, chat).spoken.every((spoken) => spoken === 0)).toBe(true);
  });
  test("no user text becomes a special token, in however many parts it comes", () => {
    const fragment = fc.constantFrom(
      ...qwenSpecialTokens,
      "<|im_",
      "end|>",
      "<",
      "|",
      "im_end",
      "|>",
      ">",
      "<|video_",
      "pad|>",
      " ",
      "how",
      "\n",
      "\ue000",
      "",
    );
    const parts = fc.array(
      fc.array(fragment, { maxLength: 4 }).map((list) => list.join("")),
      { minLength: 1, maxLength: 6 },
    );
    const plain = template
      .encode(tokenizer, [{ role: "user", content: [] }])
      .ids.filter((id) => specialIds.has(id)).length;
    fc.assert(
      fc.property(parts, fc.boolean(), (list, spokenApart) => {
        const made = template.encode(tokenizer, [{ role: "user", content: list.map(text) }], { spokenApart });
        expect(made.ids.filter((id) => specialIds.has(id)).length).toBe(plain);
        expect(made.text).toBe(`<|im_start|>user\n${list.join("")}<|im_end|>\n`);
      }),
      { numRuns: 300 },
    );
  });
  test("refuses templates that rewrite the answer, fail, or do not parse", () => {
    const trims = chatTemplate(
      "{% for m in messages %}{{ m['content'][0]['text'] | trim }}{% endfor %}",
      "trims",
    );
    const said: ChatMessage[] = [{ role: "assistant", content: [text(" a ")] }];
    expect(trims.encode(tokenizer, said).text).toBe("a");
    expect(() => trims.encode(tokenizer, said, { spokenApart: true })).toThrow(
      /rewrites the assistant's words: trims/,
    );
    expect(() => chatTemplate("{% for %}", "bad")).toThrow(/chat template: bad/);
    expect(() => chatTemplate("{{ raise_exception('no') }}", "raises").render([])).toThrow(
      /cannot render this conversation: raises/,
    );
  });
});

const batch = (frames: number, width: number, height: number): FrameBatch => ({
  pixels: Uint8Array.from({ length: frames * width * height * 3 }, (_, i) => (i * 31) & 255),
  frames: Array.from({ length: frames }, (_, i) => ({ index: frameIndex(i), timeSeconds: seconds(i) })),
  width,
  height,
});
const nearest: Resize = (rgb, width, height, toWidth, toHeight) => {
  const out = new Uint8Array(toWidth * toHeight * 3);
  for (let y = 0; y < toHeight; y++)
    for (let x = 0; x < toWidth; x++)
      for (let c = 0; c < 3; c++)
        out[(y * toWidth + x) * 3 + c] =
          rgb[(Math.floor((y * height) / toHeight) * width + Math.floor((x * width) / toWidth)) * 3 + c]!;
  return out;
};

describe("processor", () => {
  const processor: Processor = processorFrom(
    tokenizer,
    template,
    releasedSettings,
    qwenProcessorRules,
    nearest,
  );
  const clip = { type: "video", video: "a", min_pixels: 784, max_pixels: 6272 } as const;
  test("repeats each placeholder once a visual token, in order, images and videos apart", () => {
    const picture = { type: "image", image: "b", min_pixels: 784, max_pixels: 3136 } as const;
    const media = { a: { frames: batch(5, 90, 60), sampleFps: 4 }, b: { frames: batch(1, 56, 56) } };
    const made = processor.encode(
      [{ role: "user", content: [picture, text("how"), clip] }],
      (part) => media[part.type === "video" ? "a" : "b"],
    );
    const [image, video] = [made.images[0]!, made.videos[0]!];
    expect(image.grid).toEqual([1, 4, 4]);
    expect(video.grid).toEqual([3, 4, 6]);
    expect(video.secondsPerGrid).toBe(0.5);
    expect(video.resized.subarray(4 * 84 * 56 * 3, 5 * 84 * 56 * 3)).toEqual(
      video.resized.subarray(5 * 84 * 56 * 3),
    );
    const pads = names(made.inputIds).filter((name) => name.endsWith("_pad|>"));
    expect(pads).toEqual([
      ...Array<string>(4).fill("<|image_pad|>"),
      ...Array<string>(18).fill("<|video_pad|>"),
    ]);
    expect(image.rows_PX.length).toBe(16 * 1176);
  });
  test("every pixel lands where the reference's order says", () => {
    const frames = batch(2, 56, 84);
    const visual = processor.visual({ ...clip, min_pixels: 784, max_pixels: 56 * 84 }, { frames });
    expect(visual.size).toEqual({ width: 56, height: 84 });
    // The transpose of Qwen2VLImageProcessor: (t, h/2, w/2, 2, 2) patches of (channel, frame, y, x).
    let at = 0;
    for (let row = 0; row < 3; row++)
      for (let column = 0; column < 2; column++)
        for (let inside = 0; inside < 4; inside++)
          for (let channel = 0; channel < 3; channel++)
            for (let frame = 0; frame < 2; frame++)
              for (let y = 0; y < 14; y++)
                for (let x = 0; x < 14; x++) {
                  const py = row * 28 + (inside >> 1) * 14 + y;
                  const px = column * 28 + (inside & 1) * 14 + x;
                  const value = frames.pixels[((frame * 84 + py) * 56 + px) * 3 + channel]!;
                  const expected =
                    (value / 255 - releasedSettings.imageMean[channel]!) /
                    releasedSettings.imageStd[channel]!;
                  if (Math.abs(visual.rows_PX[at]! - expected) > 1e-6) throw new Error(`number ${at}`);
                  at++;
                }
    expect(at).toBe(visual.rows_PX.length);
  });
  // Sizes as qwen-vl-utils 0.0.14 and then the processor of transformers choose them.
  test.each([
    [
      "a clip that flooring left too small",
      { video: "a", min_pixels: 784, max_pixels: 3136 },
      [30, 90],
      [56, 112],
    ],
    ["a clip as it is", { video: "a", min_pixels: 3136, max_pixels: 6272 }, [56, 84], [56, 84]],
  ])("the processor's own limits: %s", (_, part, [height, width], [high, wide]) => {
    const visual = processor.visual({ type: "video", ...part }, { frames: batch(2, width!, height!) });
    expect(visual.size).toEqual({ height: high, width: wide });
    expect(visual.grid).toEqual([1, high! / 14, wide! / 14]);
    expect(visual.resized.length).toBe(2 * high! * wide! * 3);
  });
  test("a checkpoint's limits hold for videos and images whatever the message says, in one dialogue", () => {
    const settings = {
      ...releasedSettings,
      imageLimits: { minPixels: 50_000, maxPixels: 60_000 },
      videoLimits: { minPixels: 3136, maxPixels: 50_176 },
    };
    const limited = processorFrom(tokenizer, template, settings, qwenProcessorRules, nearest);
    const shown = limited.look({ width: 568, height: 320, frames: 60, framesPerSecond: 30 }, { fps: 2 });
    expect(shown.sizes).toEqual([
      { width: 560, height: 308 },
      { width: 280, height: 140 },
    ]);
    expect(shown.indices).toEqual([0, 20, 39, 59]);
    const made = limited.encode(
      [
        {
          role: "user",
          content: [
            { type: "video", video: "v", max_pixels: 1_000_000 },
            { type: "image", image: "i", max_pixels: 6272 },
            { type: "video", video: "v", min_pixels: 784, max_pixels: 1568 },
          ],
        },
      ],
      (part) => ({ frames: part.type === "video" ? batch(2, 568, 320) : batch(1, 120, 60) }),
    );
    expect(made.videos.map(({ size: { height, width } }) => [height, width])).toEqual([
      [140, 280],
      [56, 56],
    ]);
    expect(made.images.map(({ size: { height, width } }) => [height, width])).toEqual([[168, 336]]);
  });
  test("names what does not fit", () => {
    expect(() => processor.visual({ type: "image", image: "x" }, { frames: batch(2, 56, 56) })).toThrow(
      /frames of an image; expected 1; got 2/,
    );
    expect(() => processor.visual(clip, { frames: batch(0, 56, 56) })).toThrow(/expected at least 1; got 0/);
    expect(() => processor.visual(clip, { frames: batch(1, 56, 56), sampleFps: 0 })).toThrow(
      /rate of a video/,
    );
    const blind = chatTemplate("{% for m in messages %}x{% endfor %}", "blind");
    const other = processorFrom(tokenizer, blind, releasedSettings, qwenProcessorRules, nearest);
    expect(() =>
      other.encode([{ role: "user", content: [clip] }], () => ({ frames: batch(1, 56, 56) })),
    ).toThrow(/does not place every visual; expected 0 images, 1 videos; got 0 images, 0 videos/);
    const lazy = processorFrom(
      tokenizer,
      template,
      releasedSettings,
      qwenProcessorRules,
      () => new Uint8Array(1),
    );
    expect(() => lazy.visual(clip, { frames: batch(1, 90, 60) })).toThrow(/resized picture/);
    const still = processor.visual({ type: "image", image: "x" }, { frames: batch(1, 56, 56) });
    expect(() => processor.encode([{ role: "user", content: [clip] }], () => still)).toThrow(
      /expected a video; got an image/,
    );
  });
});
