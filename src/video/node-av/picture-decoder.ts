import type { CodecContext, Frame, Packet } from "node-av/lib";
import { UnsupportedError, VideoError } from "../../core/errors.ts";
import type { VideoLimits } from "../limits.ts";
import { type NodeAv, ticks } from "./library.ts";
import type { Opened } from "./open.ts";

/** Called with every decoded picture, valid during the call; false: no more wanted. */
export type OnPicture = (frame: Frame) => boolean;

/** A codec that is fed packets. One owner, explicit close: the library frees nothing by itself in time. */
export interface PictureDecoder {
  /** Feeds one packet; false once a picture's receiver wanted no more. */
  push(packet: Packet, onPicture: OnPicture): boolean;
  /** Gets what the codec holds back; afterwards only `restart` or `close`. */
  drain(onPicture: OnPicture): boolean;
  /** Makes it ready for packets from another place. */
  restart(): void;
  /** The picture's presentation time in ticks as FFmpeg's best guess, NaN when there is none. */
  timeOf(frame: Frame): number;
  /** Packets or pictures that were damaged so far. */
  readonly damaged: number;
  close(): void;
}

/** @throws {UnsupportedError} when this build has no such codec, {@link VideoError} when it refuses */
const openContext = (
  { av }: NodeAv,
  { stream, facts }: Opened,
  limits: VideoLimits,
  threads: number,
): CodecContext => {
  const codec = av.Codec.findDecoder(stream.codecpar.codecId);
  if (codec === null)
    throw new UnsupportedError("no decoder for this codec", {
      got: facts.codec,
      hint: "try --decoder ffmpeg",
    });
  const context = new av.CodecContext();
  context.allocContext3(codec);
  context.parametersToContext(stream.codecpar);
  context.pktTimebase = stream.timeBase;
  context.threadCount = threads;
  // Options go in one by one: open2Sync frees a dictionary that it was given and leaves a dangling one behind.
  context.setOption("max_pixels", BigInt(limits.maxPixels));
  const status = context.open2Sync(codec, null);
  if (status < 0) {
    context.freeContext();
    throw new VideoError("the codec refuses the stream", {
      got: `${facts.codec}: ${av.FFmpegError.strerror(status)}`,
    });
  }
  return context;
};

/** Opens the stream's codec. @throws {UnsupportedError} when this build has none, {@link VideoError} when it refuses */
export const openDecoder = (
  library: NodeAv,
  opened: Opened,
  limits: VideoLimits,
  threads: number,
): PictureDecoder => {
  const { av, constants } = library;
  const open = (): CodecContext => openContext(library, opened, limits, threads);
  let context = open();
  const frame = new av.Frame();
  frame.alloc();
  let damaged = 0;
  const receive = (onPicture: OnPicture): boolean => {
    // An error is not the end: pictures may follow. Only "feed me" and the end stop; the bound stops a codec that loops.
    for (let errors = 0; errors < 64; ) {
      const status = context.receiveFrameSync(frame);
      if (status === constants.AVERROR_EAGAIN || status === constants.AVERROR_EOF) return true;
      if (status < 0) {
        damaged++;
        errors++;
        continue;
      }
      if (frame.decodeErrorFlags !== 0) damaged++;
      const more = onPicture(frame);
      frame.unref();
      if (!more) return false;
    }
    return true;
  };
  return {
    push: (packet, onPicture) => {
      let status = context.sendPacketSync(packet);
      if (status === constants.AVERROR_EAGAIN) {
        if (!receive(onPicture)) return false;
        status = context.sendPacketSync(packet);
      }
      if (status < 0) damaged++;
      return receive(onPicture);
    },
    drain: (onPicture) => {
      context.sendPacketSync(null);
      return receive(onPicture);
    },
    restart: () => {
      if (damaged === 0) {
        context.flushBuffers();
        return;
      }
      // After damage a flushed codec gives other pictures than a fresh one.
      context.freeContext();
      context = open();
    },
    timeOf: (picture) => ticks(picture.bestEffortTimestamp),
    get damaged() {
      return damaged;
    },
    close: () => {
      frame.free();
      context.freeContext();
    },
  };
};
