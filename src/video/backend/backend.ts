import type { StoredColour } from "../filter-chain.ts";
import type { FrameTable } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import type { Orientation } from "../orientation.ts";
import type { PacketTable } from "../packet-table.ts";
import type { EncoderPreset } from "../request.ts";
import type { DecoderIdentity, StreamInfo } from "../types.ts";

/** What the container says about the chosen stream. */
export interface SourceFacts {
  readonly container: string;
  readonly streams: readonly StreamInfo[];
  readonly streamIndex: number;
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
}

/** A clip whose packets were all read once. */
export interface ClipIndex {
  readonly file: string;
  readonly facts: SourceFacts;
  readonly packets: PacketTable;
  readonly frames: FrameTable;
  readonly faults: readonly string[];
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

/** A decoder inside a worker. Errors about a file are {@link VideoError}s. */
export interface Backend {
  readonly identity: DecoderIdentity;
  open(file: string, limits: VideoLimits, alive: () => void): Promise<ClipIndex>;
  decode(clip: ClipIndex, order: DecodeOrder, limits: VideoLimits): Promise<DecodeOutcome>;
  /**
   * Opens a file for writing. `besides`: an encoder of the same size that is given the same pictures; one that both get
   * (the same array, unchanged) may be converted once.
   */
  encoder(settings: EncoderSettings, besides?: Encoder): Encoder;
}

/** The default export of a file in this folder. */
export interface DecoderPlugin {
  readonly summary: string;
  /** @throws {UnsupportedError} when it is not installed here */
  load(): Promise<Backend>;
}
