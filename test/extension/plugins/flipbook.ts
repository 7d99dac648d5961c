import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import {
  type Backend,
  type DecoderPlugin,
  defineDecoder,
  PacketTable,
  videoDecoders,
  z,
} from "videoperceiver/plugins";

/** What the first line of a flipbook says; rgb24 pictures follow, one behind the other. */
interface Cover {
  readonly width: number;
  readonly height: number;
  readonly timesSeconds: readonly number[];
}

const begin = "flipbook ";
const ticksPerSecond = 1000;

const isFlipbook = (file: string): boolean => {
  const handle = openSync(file, "r");
  const first = Buffer.alloc(begin.length);
  readSync(handle, first);
  closeSync(handle);
  return first.toString() === begin;
};

const read = (file: string): Cover & { readonly pictures: Buffer } => {
  const content = readFileSync(file);
  const end = content.indexOf("\n");
  const cover = JSON.parse(content.toString("utf8", begin.length, end)) as Cover;
  return { ...cover, pictures: content.subarray(end + 1) };
};

const open: Backend["open"] = async (file, opening) => {
  const { width, height, timesSeconds } = read(file);
  return {
    file,
    facts: {
      opening,
      container: "flipbook",
      streams: [{ index: 0, kind: "video", codec: "pages", width, height, attachedPicture: false }],
      streamIndex: 0,
      streamId: undefined,
      codec: "pages",
      codedWidth: width,
      codedHeight: height,
      colour: { pixelFormat: "rgb24", matrix: undefined, range: undefined },
      transfer: undefined,
      orientation: { rotation: 0, filters: [], swapsSides: false, rounded: false },
      sampleAspectRatio: [1, 1],
      timeBase: [1, ticksPerSecond],
      reorderDepth: 0,
    },
    packets: new PacketTable(),
    frames: {
      source: "decoded",
      pts: Float64Array.from(timesSeconds, (time) => Math.round(time * ticksPerSecond)),
      packet: new Int32Array(0),
      lastDuration: 100,
    },
    faults: [],
    sizes: [],
    notes: [],
  };
};

const pagesOf =
  (brighter: number): Backend["decode"] =>
  async ({ file }, { targets, width, height, deliver }) => {
    const { pictures } = read(file);
    const size = width * height * 3;
    for (const frame of targets) {
      const stored = pictures.subarray(frame * size, (frame + 1) * size);
      const shown = Uint8Array.from(stored, (level) => Math.min(255, level + brighter));
      if (!(await deliver(frame, shown, width, height))) break;
    }
    return { faults: [] };
  };

/** A format that no other program reads; films, and what was written of pairs, are left to a decoder of the package. */
const flipbook: DecoderPlugin = defineDecoder({
  summary: "raw rgb24 pictures behind a line that says their size and times",
  source: "a test",
  params: z.strictObject({
    brighter: z.number().default(0).describe("levels that are added"),
    films: z.string().default("node-av").describe("the decoder that reads and writes films"),
  }),
  create: ({ brighter, films }) => ({
    load: async (): Promise<Backend> => {
      const other = await (await videoDecoders.make(films)).value.load();
      const decodePages = pagesOf(brighter);
      return {
        version: `1 ${other.version}`,
        appliesFilters: false,
        open: (file, ...how) => (isFlipbook(file) ? open : other.open)(file, ...how),
        decode: (clip, ...how) =>
          (clip.facts.container === "flipbook" ? decodePages : other.decode)(clip, ...how),
        encoder: other.encoder,
      };
    },
  }),
});

export default flipbook;
