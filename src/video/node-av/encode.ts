import type { BitStreamFilterContext, CodecContext, FormatContext, Frame, Packet, Stream } from "node-av/lib";
import { VideoError } from "../../core/errors.ts";
import type { Encoder, EncoderSettings } from "../backend/backend.ts";
import { writeFailure } from "../backend/cannot-write.ts";
import { x264Options } from "../backend/x264-options.ts";
import { encodeChain } from "../filter-chain.ts";
import type { NodeAv } from "./library.ts";
import { pictureFilter } from "./picture-filter.ts";

const check = (library: NodeAv, status: number, what: string): void => {
  if (status < 0) throw new VideoError(what, { got: library.av.FFmpegError.strerror(status) });
};

/** Of what goes into the file: a place that takes no more is told by its name. */
const checkWritten = (library: NodeAv, status: number, settings: EncoderSettings): void => {
  if (status < 0) throw writeFailure(settings, library.av.FFmpegError.strerror(status));
};

const openCodec = (library: NodeAv, settings: EncoderSettings): CodecContext => {
  const { av, constants: c } = library;
  const codec = av.Codec.findEncoderByName("libx264" as never);
  if (codec === null) throw new VideoError("this build of node-av has no x264");
  const context = new av.CodecContext();
  context.allocContext3(codec);
  context.width = settings.width;
  context.height = settings.height;
  context.pixelFormat = c.AV_PIX_FMT_YUV420P;
  context.timeBase = new av.Rational(1, settings.ticksPerSecond);
  context.sampleAspectRatio = new av.Rational(1, 1);
  context.threadCount = 1;
  context.colorSpace = c.AVCOL_SPC_BT709;
  context.colorPrimaries = c.AVCOL_PRI_BT709;
  context.colorTrc = c.AVCOL_TRC_BT709;
  context.colorRange = c.AVCOL_RANGE_MPEG;
  context.setFlags(c.AV_CODEC_FLAG_GLOBAL_HEADER, c.AV_CODEC_FLAG_BITEXACT);
  // One by one, because open2Sync and writeHeaderSync leave a dangling dictionary behind.
  for (const [name, value] of Object.entries(x264Options(settings)))
    check(
      library,
      context.setOption(name, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN),
      `encoder option ${name}`,
    );
  const status = context.open2Sync(codec, null);
  if (status < 0) context.freeContext();
  check(library, status, "the encoder refuses its settings");
  return context;
};

/** Turns rgb24 into what encoders take; several encoders may hold one. */
interface PictureConverter {
  /** A picture that the caller frees; made once for the array that came last. */
  convert(rgb: Uint8Array, width: number, height: number): Frame;
  hold(): void;
  release(): void;
}

const pictureConverter = (library: NodeAv): PictureConverter => {
  const { av, constants: c } = library;
  const filter = pictureFilter(library, encodeChain);
  let holders = 1;
  let last: Uint8Array | undefined;
  let converted: Frame | undefined;
  return {
    convert: (rgb, width, height) => {
      if (holders === 1 || rgb !== last) {
        const bytes = Buffer.from(rgb.buffer, rgb.byteOffset, rgb.length);
        const picture = av.Frame.fromVideoBuffer(bytes, { width, height, format: c.AV_PIX_FMT_RGB24 });
        try {
          picture.colorRange = c.AVCOL_RANGE_JPEG;
          converted = filter.apply(picture);
          last = rgb;
        } finally {
          picture.free();
        }
      }
      const own = converted!.clone();
      if (own === null) throw new VideoError("no memory for a picture");
      return own;
    },
    hold: () => {
      holders++;
    },
    release: () => {
      if (--holders === 0) filter.close();
    },
  };
};

const converters = new WeakMap<Encoder, PictureConverter>();

/** What stands between a codec and its file. */
interface Writing {
  readonly format: FormatContext;
  readonly cleaner: BitStreamFilterContext;
  readonly context: CodecContext;
}

/** Begins the file; `opened` is called as soon as there is one that has to be closed. */
const beginFile = (
  library: NodeAv,
  { format, cleaner, context }: Writing,
  settings: EncoderSettings,
  opened: () => void,
): Stream => {
  const { constants: c } = library;
  const stream = format.newStream(null);
  stream.timeBase = context.timeBase;
  check(library, stream.codecpar.fromContext(context), "codec parameters");
  cleaner.inputCodecParameters?.fromContext(context);
  cleaner.inputTimeBase = context.timeBase;
  check(library, cleaner.setOption("remove_types", "6"), "unit filter");
  check(library, cleaner.init(), "unit filter");
  checkWritten(library, format.openOutputSync(), settings);
  opened();
  const muxer = { movflags: "+faststart", video_track_timescale: String(settings.ticksPerSecond) };
  for (const [name, value] of Object.entries(muxer))
    check(
      library,
      format.setOption(name, value, c.AV_OPT_TYPE_STRING, c.AV_OPT_SEARCH_CHILDREN),
      `file option ${name}`,
    );
  checkWritten(library, format.writeHeaderSync(null), settings);
  return stream;
};

/** Carries packets from the codec through the filter into the file. */
interface PacketWriter {
  /** How long the picture of a tick is shown. */
  readonly durations: Map<number, number>;
  /** Takes what the codec has ready. */
  drain(): void;
  /** Takes what the filter has ready. */
  flush(): void;
}

const packetWriter = (
  library: NodeAv,
  { format, cleaner, context }: Writing,
  packet: Packet,
  stream: Stream,
  settings: EncoderSettings,
): PacketWriter => {
  const durations = new Map<number, number>();
  const flush = (): void => {
    while (cleaner.receivePacketSync(packet) >= 0) {
      packet.duration = BigInt(durations.get(Number(packet.pts)) ?? 0);
      durations.delete(Number(packet.pts));
      packet.streamIndex = stream.index;
      packet.rescaleTs(context.timeBase, stream.timeBase);
      checkWritten(library, format.interleavedWriteFrameSync(packet), settings);
      packet.unref();
    }
  };
  const drain = (): void => {
    while (context.receivePacketSync(packet) >= 0) {
      check(library, cleaner.sendPacketSync(packet), "unit filter");
      packet.unref();
      flush();
    }
  };
  return { durations, drain, flush };
};

/** An encoder of one file. x264's banner (a user-data unit) is taken out, so equal frames give equal bytes. */
export const openEncoder = (library: NodeAv, settings: EncoderSettings, besides?: Encoder): Encoder => {
  const { av, constants: c } = library;
  const context = openCodec(library, settings);
  const shared = besides === undefined ? undefined : converters.get(besides);
  shared?.hold();
  const converter = shared ?? pictureConverter(library);
  const format = new av.FormatContext();
  check(library, format.allocOutputContext2(null, "mp4", settings.temporary), "no MP4 writer");
  format.setFlags(c.AVFMT_FLAG_BITEXACT);
  const cleaner = new av.BitStreamFilterContext();
  check(library, cleaner.alloc(av.BitStreamFilter.getByName("filter_units")!), "no unit filter");
  const packet = new av.Packet();
  packet.alloc();
  const keyTicks = new Set(settings.keyTicks);
  let open = true;
  let written = false;
  // A picture waits here until the next one (or the end) tells how long it is shown.
  let waiting: { picture: Frame; ticks: number } | undefined;
  const close = (): void => {
    if (!open) return;
    open = false;
    packet.free();
    cleaner.free();
    waiting?.picture.free();
    waiting = undefined;
    converter.release();
    context.freeContext();
    if (written) format.closeOutputSync();
    format.freeContext();
  };
  let stream: Stream;
  try {
    stream = beginFile(library, { format, cleaner, context }, settings, () => {
      written = true;
    });
  } catch (error) {
    close();
    throw error;
  }
  const packets = packetWriter(library, { format, cleaner, context }, packet, stream, settings);
  const sendWaiting = (until: number): void => {
    if (waiting === undefined) return;
    const { picture, ticks } = waiting;
    picture.pts = BigInt(ticks);
    picture.pictType = keyTicks.has(ticks) ? c.AV_PICTURE_TYPE_I : c.AV_PICTURE_TYPE_NONE;
    packets.durations.set(ticks, until - ticks);
    waiting = undefined;
    const status = context.sendFrameSync(picture);
    picture.free();
    check(library, status, "cannot encode");
    packets.drain();
  };
  const encoder: Encoder = {
    add: (rgb, ticks) => {
      sendWaiting(ticks);
      waiting = { picture: converter.convert(rgb, settings.width, settings.height), ticks };
    },
    finish: (endTicks) => {
      try {
        sendWaiting(endTicks);
        check(library, context.sendFrameSync(null), "cannot encode");
        packets.drain();
        cleaner.sendPacketSync(null);
        packets.flush();
        checkWritten(library, format.writeTrailerSync(), settings);
      } finally {
        close();
      }
    },
    abort: close,
  };
  converters.set(encoder, converter);
  return encoder;
};
