/** A conversation as tokens before any picture is decoded: sizes and numbers of frames say what the pictures take. */
import type { ConversationTokens } from "../batch/conversations.ts";
import { type Grid, visualTokensOf } from "../frames/grid.ts";
import type { Size } from "../frames/smart-resize.ts";
import type { ModelConfig } from "./config.ts";
import { positionsOf } from "./positions.ts";
import type { Processor, ProcessorMessage, Visual } from "./processor.ts";
import type { MediaPart } from "./processor-rules.ts";

/** What a picture or a clip of a conversation will be. */
export interface PlannedVisual {
  readonly kind: Visual["kind"];
  /** Size at which the model takes its frames. */
  readonly size: Size;
  /** 1 of an image. */
  readonly frames: number;
  /** Frames a second of a clip; 0 of an image. */
  readonly framesPerSecond: number;
  /** True times of its temporal steps from the first, where they are not equally far apart. */
  readonly stepSeconds?: readonly number[] | undefined;
}

/** A visual that has a shape and no pixels yet. */
const shell = ({ kind, size, frames, framesPerSecond }: PlannedVisual, { settings }: Processor): Visual => {
  const { temporalPatchSize: depth, patchSize: side } = settings;
  const steps = kind === "image" ? 1 : Math.ceil(frames / depth);
  return {
    kind,
    grid: [steps, size.height / side, size.width / side],
    rows_PX: new Float32Array(0),
    secondsPerGrid: kind === "image" ? 0 : Math.fround(depth / framesPerSecond),
    size,
    resized: new Uint8Array(0),
  };
};

/** [T] place of each placeholder among the visual tokens of all pictures in the order of the conversation. */
const placesOf = (ids: Int32Array, grids: readonly Grid[], { tokens, vision }: ModelConfig): Int32Array => {
  const isVisual = (id: number): boolean => id === tokens.image || id === tokens.video;
  const total = grids.reduce((sum, grid) => sum + visualTokensOf(grid, vision.spatialMergeSize), 0);
  let next = 0;
  const places = Int32Array.from(ids, (id) => (isVisual(id) && next < total ? next++ : -1));
  return places;
};

/**
 * The tokens of a conversation; learnt are the assistant's words with the token that ends its turn.
 *
 * @param visuals what stands behind each media part, in order
 * @throws {DataFormatError} when the template does not place every visual
 * @throws {UnsupportedError} when the template rewrites the assistant's words
 */
export const conversationTokens = (
  messages: readonly ProcessorMessage[],
  visuals: readonly PlannedVisual[],
  processor: Processor,
  config: ModelConfig,
  addGenerationPrompt = false,
): ConversationTokens & { readonly next: number } => {
  const shells = visuals.map((visual) => shell(visual, processor));
  let asked = 0;
  const answer = (_part: MediaPart): Visual => shells[asked++]!;
  const made = processor.encode(messages, answer, { addGenerationPrompt, spokenApart: true });
  const videos = visuals.filter(({ kind }) => kind === "video");
  const { positions_3BT, next_B } = positionsOf(
    {
      rows: 1,
      columns: made.inputIds.length,
      inputIds_BT: made.inputIds,
      imageGrids: made.images.map(({ grid }) => grid),
      videoGrids: made.videos.map(({ grid }) => grid),
      secondsPerGrid: made.videos.map(({ secondsPerGrid }) => secondsPerGrid),
      stepSeconds: videos.map(({ stepSeconds }) => stepSeconds),
    },
    config,
  );
  const grids = shells.map(({ grid }) => grid);
  return {
    ids: made.inputIds,
    positions: positions_3BT,
    spoken: made.spoken,
    places: placesOf(made.inputIds, grids, config),
    next: next_B[0]!,
  };
};
