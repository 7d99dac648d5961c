import type { FilterContext, FilterGraph, Frame } from "node-av/lib";
import { VideoError } from "../../core/errors.ts";
import type { NodeAv } from "./library.ts";

/** Pushes pictures through a chain of FFmpeg filters; rebuilds the chain when the picture's form changes. */
export interface PictureFilter {
  /** The filtered picture, valid until the next call. */
  apply(frame: Frame): Frame;
  close(): void;
}

/** Takes a matrix that swscale refuses off a picture: the chain says itself which one it converts by. */
const forgetUnknownMatrix = ({ constants: c }: NodeAv, frame: Frame): void => {
  const accepted = [
    ...[c.AVCOL_SPC_RGB, c.AVCOL_SPC_BT709, c.AVCOL_SPC_FCC, c.AVCOL_SPC_BT470BG],
    ...[c.AVCOL_SPC_SMPTE170M, c.AVCOL_SPC_SMPTE240M, c.AVCOL_SPC_BT2020_NCL],
  ];
  if (!accepted.some((matrix) => matrix === frame.colorSpace)) frame.colorSpace = c.AVCOL_SPC_UNSPECIFIED;
};

/** A filter for a chain whose every picture gives exactly one picture. */
export const pictureFilter = (library: NodeAv, chain: string): PictureFilter => {
  const { av } = library;
  const result = new av.Frame();
  result.alloc();
  let graph: FilterGraph | undefined;
  let source: FilterContext;
  let sink: FilterContext;
  let form = "";
  const build = (frame: Frame): void => {
    graph?.free();
    graph = new av.FilterGraph();
    graph.alloc();
    graph.nbThreads = 1;
    const colour = `colorspace=${frame.colorSpace}:range=${frame.colorRange}`;
    const size = `video_size=${frame.width}x${frame.height}:pix_fmt=${frame.format}`;
    const args = `${size}:time_base=1/90000:pixel_aspect=1/1:${colour}`;
    source = graph.createFilter(av.Filter.getByName("buffer")!, "in", args)!;
    sink = graph.createFilter(av.Filter.getByName("buffersink")!, "out", null)!;
    const from = new av.FilterInOut();
    from.alloc();
    from.name = "in";
    from.filterCtx = source;
    from.padIdx = 0;
    const to = new av.FilterInOut();
    to.alloc();
    to.name = "out";
    to.filterCtx = sink;
    to.padIdx = 0;
    const parsed = graph.parsePtr(chain, to, from);
    const status = parsed < 0 ? parsed : graph.configSync();
    if (status < 0)
      throw new VideoError("pictures cannot be converted", {
        got: `${av.avGetPixFmtName(frame.format as never)} through ${chain}: ${av.FFmpegError.strerror(status)}`,
      });
  };
  return {
    apply: (frame) => {
      forgetUnknownMatrix(library, frame);
      const now = `${frame.width} ${frame.height} ${frame.format} ${frame.colorSpace} ${frame.colorRange}`;
      if (now !== form) {
        build(frame);
        form = now;
      }
      result.unref();
      let status = source.buffersrcAddFrameSync(frame);
      if (status >= 0) status = sink.buffersinkGetFrameSync(result);
      if (status < 0)
        throw new VideoError("a picture cannot be converted", { got: av.FFmpegError.strerror(status) });
      return result;
    },
    close: () => {
      result.free();
      graph?.free();
    },
  };
};

/**
 * Copies rgb24 pictures without the padding at the ends of their rows, by way of one frame of the library's: its memory is
 * looked at through one view. A view of every picture would count as new memory each, and the collector come for it.
 */
export class PicturePacker {
  readonly #library: NodeAv;
  #frame: Frame | undefined;
  #view: Uint8Array = new Uint8Array(0);
  constructor(library: NodeAv) {
    this.#library = library;
  }
  /** The picture's pixels, there until the next one is packed. */
  pack(picture: Frame): Uint8Array {
    const { width, height } = picture;
    if (this.#frame?.width !== width || this.#frame.height !== height) this.#allocate(width, height);
    const status = this.#frame!.copy(picture);
    if (status < 0)
      throw new VideoError("a picture cannot be copied", {
        got: this.#library.av.FFmpegError.strerror(status),
      });
    return this.#view;
  }
  #allocate(width: number, height: number): void {
    this.close();
    const { av, constants } = this.#library;
    const frame = new av.Frame();
    frame.alloc();
    frame.format = constants.AV_PIX_FMT_RGB24;
    frame.width = width;
    frame.height = height;
    this.#frame = frame;
    const status = frame.getBuffer(1);
    if (status < 0 || frame.linesize[0] !== width * 3)
      throw new VideoError("there is no memory for a picture", {
        expected: `${width}x${height}, rows of ${width * 3} bytes`,
        got: status < 0 ? av.FFmpegError.strerror(status) : `rows of ${frame.linesize[0]} bytes`,
      });
    const { buffer, byteOffset } = frame.data![0]!;
    this.#view = new Uint8Array(buffer, byteOffset, width * height * 3);
  }
  close(): void {
    this.#view = new Uint8Array(0);
    this.#frame?.free();
    this.#frame = undefined;
  }
}
