import { packetFlag } from "../packet-table.ts";
import { isGradualRecovery } from "./recovery-point.ts";

/** Finds out from a packet's bytes what the container does not say; gives bits of {@link packetFlag}. */
export type PacketReader = (data: Uint8Array) => number;

const silent: PacketReader = () => 0;

/** What a unit is by its header: a picture to which others refer or not, a message to the decoder, something else. */
type UnitKind = "referred" | "unreferred" | "message" | "other";
type UnitReader = (header: number) => UnitKind;

/** H.264: whether it is a slice, and whether others refer to it. */
const h264Unit: UnitReader = (header) => {
  const type = header & 31;
  if (type === 6) return "message";
  if (type !== 1 && type !== 2 && type !== 5) return "other";
  return (header & 0x60) === 0 ? "unreferred" : "referred";
};

/** HEVC: even types below 16 are pictures of a sub-layer that nobody of the same layer refers to. */
const hevcUnit: UnitReader = (header) => {
  const type = (header >> 1) & 63;
  if (type > 31) return "other";
  return type < 16 && type % 2 === 0 ? "unreferred" : "referred";
};

/** Walks length-prefixed units; reports lengths that do not add up. */
const lengthPrefixed =
  (lengthBytes: number, unit: UnitReader): PacketReader =>
  (data) => {
    let at = 0;
    let gradual = 0;
    let pictures = 0;
    let referred = 0;
    while (at < data.length) {
      if (at + lengthBytes >= data.length) return packetFlag.broken;
      let size = 0;
      for (let i = 0; i < lengthBytes; i++) size = size * 256 + data[at + i]!;
      at += lengthBytes;
      if (size === 0 || at + size > data.length) return packetFlag.broken;
      const kind = unit(data[at]!);
      if (kind === "message" && isGradualRecovery(data, at, at + size)) gradual = packetFlag.gradual;
      if (kind === "referred" || kind === "unreferred") pictures++;
      if (kind === "referred") referred++;
      at += size;
    }
    if (pictures === 0) return packetFlag.hidden;
    return gradual | (referred === 0 ? packetFlag.disposable : 0);
  };

/** Units behind start codes: the first picture unit speaks for all of its packet. */
const startCoded =
  (unit: UnitReader): PacketReader =>
  (data) => {
    let gradual = 0;
    for (let at = 0; at + 3 < data.length; at++) {
      if (data[at + 2]! > 1) at += 2;
      else if (data[at] === 0 && data[at + 1] === 0 && data[at + 2] === 1) {
        const kind = unit(data[at + 3]!);
        if (kind === "message" && isGradualRecovery(data, at + 3, data.length)) gradual = packetFlag.gradual;
        if (kind === "referred") return gradual;
        if (kind === "unreferred") return gradual | packetFlag.disposable;
        at += 2;
      }
    }
    return 0;
  };

/** VP8: bit 4 of the frame tag says whether the picture is shown. */
const vp8: PacketReader = (data) => (data.length > 0 && (data[0]! & 0x10) === 0 ? packetFlag.hidden : 0);

/** VP9: a packet without a superframe index holds one frame, whose header has the bit. */
const vp9: PacketReader = (data) => {
  const last = data.at(-1);
  if (last === undefined || (last & 0xe0) === 0xc0) return 0;
  const first = data[0]!;
  if (first >> 6 !== 2) return packetFlag.broken;
  const profile3 = (first & 0x30) === 0x30 ? 1 : 0;
  const showExisting = (first >> (3 - profile3)) & 1;
  if (showExisting === 1) return 0;
  const showFrame = (first >> (1 - profile3)) & 1;
  return showFrame === 1 ? 0 : packetFlag.hidden;
};

/** Bytes of a unit's length where H.264 or HEVC units are length-prefixed, by the codec's private header. */
export const unitLengthIn = (codec: string, extradata: Uint8Array | undefined): number | undefined => {
  if (extradata?.[0] !== 1) return undefined;
  if (codec === "h264" && extradata.length >= 7) return (extradata[4]! & 3) + 1;
  return codec === "hevc" && extradata.length >= 23 ? (extradata[21]! & 3) + 1 : undefined;
};

/** The reader for a stream. `extradata` is the codec's private header in the container. */
export const packetReader = (codec: string, extradata: Uint8Array | undefined): PacketReader => {
  if (codec === "vp8") return vp8;
  if (codec === "vp9") return vp9;
  const lengthBytes = unitLengthIn(codec, extradata);
  if (codec === "h264")
    return lengthBytes === undefined ? startCoded(h264Unit) : lengthPrefixed(lengthBytes, h264Unit);
  if (lengthBytes !== undefined) {
    const layers = (extradata![21]! >> 3) & 7;
    return lengthPrefixed(lengthBytes, layers === 1 ? hevcUnit : () => "referred");
  }
  return silent;
};
