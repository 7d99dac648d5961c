import type { FragmentShift } from "../container/fragment-clock.ts";
import type { StoredColour } from "../filter-chain.ts";
import type { PictureSize } from "../frame-size.ts";
import type { FrameTable } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import type { Orientation } from "../orientation.ts";
import type { PacketTable } from "../packet-table.ts";
import type { EncoderPreset } from "../request.ts";
import type { StreamInfo } from "../types.ts";

/** How a file is opened when it cannot be opened as any other; kept, because it is opened again for every decode. */
export interface Opening {
  /** FFmpeg's name of a format that it does not find by itself. */
  readonly format?: "mjpeg";
  /** Take the packets as they are stored: the edit list shows none of them. */
  readonly ignoreEdits?: boolean;
  /** Fragments whose clock goes back; their packets are moved by so many ticks. */
  readonly shifts?: readonly FragmentShift[];
  /** Streams that are not the film though their pictures are the largest. */
  readonly notFilms?: readonly number[];
}

/** What the container says about the chosen stream. */
export interface SourceFacts {
  readonly opening: Opening;
  readonly container: string;
  readonly streams: readonly StreamInfo[];
  readonly streamIndex: number;
  /** The container's own number of the stream; undefined where it has none. */
  readonly streamId: number | undefined;
  readonly codec: string;
  readonly codedWidth: number;
  readonly codedHeight: number;
  readonly colour: StoredColour;
  /** Transfer curve by FFmpeg's name; undefined where the file says nothing. */
  readonly transfer: string | undefined;
  readonly orientation: Orientation;
  readonly sampleAspectRatio: readonly [number, number];
  readonly timeBase: readonly [number, number];
  /** Most pictures that the codec holds back to bring them into presentation order; 0: none comes out of order. */
  readonly reorderDepth: number;
  /** Length of the stream as the container says it, for a decoder whose packets do not tell how long the last one lasts. */
  readonly durationTicks?: number;
  /** Frames that the head of the file lists; those of fragments are none of them. */
  readonly listedFrames?: number;
}

/** From this frame on the stream has pictures of this size. */
export interface SizeChange extends PictureSize {
  readonly frame: number;
}

/** A clip whose packets were all read once. */
export interface ClipIndex {
  readonly file: string;
  readonly facts: SourceFacts;
  readonly packets: PacketTable;
  readonly frames: FrameTable;
  /** Damage: what makes decoding with several threads untrustworthy. */
  readonly faults: readonly string[];
  /** Where the stored size differs from the one before; empty for almost every clip. */
  readonly sizes: readonly SizeChange[];
  /** What should be known about a clip that is sound. */
  readonly notes: readonly string[];
}

/** One decoding pass. */
export interface DecodeOrder {
  /** Positions of frames in presentation order, ascending, none twice. */
  readonly targets: Int32Array;
  /** FFmpeg filters from the decoded picture to rgb24. */
  readonly chain: string;
  /** Size of what the chain gives, for pictures of the stored size. */
  readonly width: number;
  readonly height: number;
  readonly threads: number;
  /**
   * Takes one picture (rgb24, `width` x `height`, valid during the call); false: enough. Frames that the decoder could
   * not give are left out.
   */
  readonly deliver: (
    frame: number,
    rgb: Uint8Array,
    width: number,
    height: number,
  ) => boolean | Promise<boolean>;
  readonly alive: () => void;
}

/** What a pass found wrong. */
export interface DecodeOutcome {
  readonly faults: readonly string[];
}

/** How an {@link Encoder} works; sizes are even. */
export interface EncoderSettings {
  readonly temporary: string;
  /** The file's name when it is whole, for messages. */
  readonly output: string;
  readonly width: number;
  readonly height: number;
  readonly crf: number;
  readonly preset: EncoderPreset;
  readonly gop: number;
  readonly ticksPerSecond: number;
  /** Constant quantiser, no look-ahead: a picture depends on nothing outside its own group. */
  readonly independentGroups: boolean;
  /** Times in ticks at which a key packet must stand. */
  readonly keyTicks: readonly number[];
}

/** Writes one MP4 file under its temporary name. */
export interface Encoder {
  /** Takes one rgb24 picture that begins at `ticks`. */
  add(rgb: Uint8Array, ticks: number): void | Promise<void>;
  /** Writes the rest; the last picture is shown until `endTicks`. */
  finish(endTicks: number): void | Promise<void>;
  /** Gives up without a result. */
  abort(): void;
}

/**
 * A decoder inside a worker: it also opens the films that its encoder wrote. Errors about a file are {@link VideoError}s.
 */
export interface Backend {
  /** Kept frames and indices are used again as long as it stays: another one whenever times or pixels may change. */
  readonly version: string;
  /** It sends pictures through {@link DecodeOrder.chain}; one that cannot gives them upright, rgb24 of the stored size. */
  readonly appliesFilters: boolean;
  /** @throws {VideoError} for a file that is no clip, or a clip beyond the limits */
  open(file: string, opening: Opening, limits: VideoLimits, alive: () => void): Promise<ClipIndex>;
  decode(clip: ClipIndex, order: DecodeOrder, limits: VideoLimits): Promise<DecodeOutcome>;
  /**
   * Opens a file for writing. `besides`: an encoder of the same size that is given the same pictures; one that both get
   * (the same array, unchanged) may be converted once.
   */
  encoder(settings: EncoderSettings, besides?: Encoder): Encoder;
}
