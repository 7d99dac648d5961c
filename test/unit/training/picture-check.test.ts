import { tmpdir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { segmentsBatch } from "../../../src/batch/segments-batch.ts";
import { seededRandom } from "../../../src/core/random.ts";
import { heldOutBatches } from "../../../src/training/held-out-batches.ts";
import {
  blindness,
  hiddenPictures,
  lookAtPictures,
  otherPictures,
  type ScoredBatch,
} from "../../../src/training/picture-check.ts";
import { clipOf, noiseStep, type TinyTrainee, tinyTokens, tinyTrainee, toyClips } from "./tiny.ts";

let trainee: TinyTrainee;
beforeAll(() => {
  trainee = tinyTrainee(tmpdir());
});
afterAll(() => trainee.engine[Symbol.asyncDispose]());
const clips = toyClips(6);
const held = (count = 6) =>
  heldOutBatches(
    trainee,
    clips.slice(0, count).map((clip) => ({ clip, frozenSteps: new Map() })),
  );
/** The same answers, the pictures hidden from the model: what a run looks like whose pictures do not arrive. */
const unseen = (): ScoredBatch[] => {
  const rows = clips.map(({ patches, texts }) => ({
    clip: patches,
    blind: true,
    texts: texts.map(({ prompt, target }) => ({ tokens: [...prompt, ...target], scoredFrom: prompt.length })),
  }));
  const { batch, scored } = segmentsBatch(rows, trainee.rules, { tokens: tinyTokens });
  return [{ batch, scored: scored.length }];
};

describe("whether the pictures reach the model", () => {
  test("with the clip, hidden, with another clip: three different numbers, and the clip's is the mean of the answers'", async () => {
    const looks = (await lookAtPictures(trainee.engine, held(), trainee.rules))!;
    const [{ batch, scored }] = held() as [ScoredBatch];
    await using pass = await trainee.engine.forward([batch]);
    const own = pass.outputs[0]!.tokenLogprobs.subarray(0, scored);
    expect(scored).toBe(12);
    expect(looks["looks/clip"]).toBeCloseTo(own.reduce((sum, x) => sum + x, 0) / scored, 6);
    expect(new Set([looks["looks/clip"], looks["looks/hidden"], looks["looks/other"]]).size).toBe(3);
    expect(blindness(looks)).toBeUndefined();
  });

  test("control: answers that stand behind hidden pictures are as probable with and without, and it is said", async () => {
    const looks = (await lookAtPictures(trainee.engine, unseen(), trainee.rules))!;
    expect(blindness(looks)).toMatch(
      /^the pictures do not reach the model: .*with hidden pictures as with the clip/,
    );
  });

  test("control: a model whose merger gives zeros does not see, and it is said of both", async () => {
    const { value } = trainee.store.get("visual.merger.mlp.2.weight");
    const { value: bias } = trainee.store.get("visual.merger.mlp.2.bias");
    const before = [value.slice(), bias.slice()];
    value.fill(0);
    bias.fill(0);
    const looks = (await lookAtPictures(trainee.engine, held(), trainee.rules))!;
    value.set(before[0]!);
    bias.set(before[1]!);
    expect(blindness(looks)).toMatch(/with hidden pictures and with another clip's pictures/);
  });

  test("hidden means that no row shows a visual token", () => {
    const [{ batch }] = held() as [ScoredBatch];
    expect(batch.source.some((source) => source >= 0)).toBe(true);
    expect(hiddenPictures(batch).source.some((source) => source >= 0)).toBe(false);
  });

  test("another clip's pictures are of no step that the own clip shows; from other batches too, and none where there is none", () => {
    const single = held(1).map(({ batch }) => batch);
    expect(otherPictures(single, trainee.rules)).toEqual([undefined]);
    const random = seededRandom("noise");
    const apart = clips.slice(0, 3).map((one) => {
      const clip = { ...one, patches: clipOf([noiseStep(random), noiseStep(random), noiseStep(random)]) };
      return heldOutBatches(trainee, [{ clip, frozenSteps: new Map() }])[0]!.batch;
    });
    for (const [i, other] of otherPictures(apart, trainee.rules).entries()) {
      const own = new Set(apart[i]!.media.map(({ content }) => content));
      expect(other!.media.length).toBe(apart[i]!.media.length);
      expect(other!.media.some(({ content }) => own.has(content))).toBe(false);
      // In order, of one other clip.
      const next = apart[(i + 1) % 3]!.media.map(({ content }) => content);
      expect(other!.media.map(({ content }) => content)).toEqual(next);
    }
  });
});
