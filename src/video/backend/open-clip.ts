import { UnsupportedError, VideoError } from "../../core/errors.ts";
import { type ClockStep, describeSteps } from "../clock.ts";
import { ByteSource } from "../container/byte-source.ts";
import type { FilmMarks } from "../container/film-marks.ts";
import { fragmentShifts } from "../container/fragment-clock.ts";
import { gifTimes } from "../container/gif-times.ts";
import { filmMarks, kindOf, refuseByName, refuseEncrypted, refuseWithoutFilm } from "../container/inspect.ts";
import { joinedFilm } from "../container/joined-films.ts";
import { isJpegFilm } from "../container/jpeg-film.ts";
import { type TransportFilm, transportFilms } from "../container/transport-streams.ts";
import type { FrameTable } from "../frame-table.ts";
import type { VideoLimits } from "../limits.ts";
import { packetFlag } from "../packet-table.ts";
import type { Backend, ClipIndex, Opening } from "./backend.ts";
import { filmsAmong } from "./choose-stream.ts";

type Open = (opening: Opening) => Promise<ClipIndex>;

/** So few pictures beside a film of ten times as many are its titles or thumbnails. */
const fewPictures = 4;

/** A stream of one picture, or of a few, beside a film is its cover, whatever its size: the film is opened instead. */
const openFilm = async (open: Open, opening: Opening): Promise<ClipIndex> => {
  const first = await open(opening);
  const cover = first.facts.streamIndex;
  const others = filmsAmong(first.facts.streams).filter(
    ({ index, width, height }) => index !== cover && (width ?? 0) * (height ?? 0) > 0,
  );
  const pictures = first.packets.count;
  if (pictures > fewPictures || others.length === 0) return first;
  const notFilms = [...(opening.notFilms ?? []), cover];
  const rest = others.filter(({ index }) => !notFilms.includes(index));
  if (rest.length === 0) return first;
  let film: ClipIndex;
  try {
    film = await openFilm(open, { ...opening, notFilms });
  } catch (error) {
    if (!(error instanceof VideoError)) throw error;
    return first;
  }
  if (film.packets.count < (pictures <= 1 ? 2 : 10 * pictures)) return first;
  const { codec, codedWidth, codedHeight } = first.facts;
  const note = `stream ${cover} (${codec} ${codedWidth}x${codedHeight}) is ${pictures <= 1 ? "a single picture" : `${pictures} pictures`}: stream ${film.facts.streamIndex} is the film`;
  return { ...film, notes: [note, ...film.notes] };
};

const showsNothing = ({ packets }: ClipIndex): boolean => {
  for (let i = 0; i < packets.count; i++) if (!packets.has(i, packetFlag.discard)) return false;
  return true;
};

/** Opens a file once more without its edit list when that leaves nothing to show. */
const openDespiteEdits =
  (open: Open): Open =>
  async (opening) => {
    let clip: ClipIndex | undefined;
    let failure: unknown;
    try {
      clip = await open(opening);
      if (!clip.facts.container.startsWith("mov") || !showsNothing(clip)) return clip;
    } catch (error) {
      if (!(error instanceof VideoError) || !/^no (frame|picture)/.test(error.message)) throw error;
      failure = error;
    }
    let stored: ClipIndex;
    try {
      stored = await open({ ...opening, ignoreEdits: true });
    } catch (error) {
      if (clip !== undefined) return clip;
      throw failure ?? error;
    }
    const note =
      "the edit list shows nothing (an edit of length 0, or one behind the end): all that is stored is taken";
    return { ...stored, notes: [note, ...stored.notes] };
  };

/** Where fragments begin whose clock was behind that of the fragment before. */
const restartsOf = ({ facts, frames, packets }: ClipIndex): { pts: Float64Array; steps: ClockStep[] } => {
  const steps: ClockStep[] = [];
  const shifts = facts.opening.shifts?.filter(({ track }) => track === facts.streamId) ?? [];
  for (const [i, { fragment, ticks }] of shifts.entries()) {
    if (ticks === shifts[i - 1]?.ticks) continue;
    const first = packets.position.subarray(0, packets.count).findIndex((place) => place > fragment);
    const at = frames.packet.indexOf(first);
    if (first < 1 || at < 1) continue;
    const gap = frames.pts[at]! - frames.pts[at - 1]!;
    steps.push({ at, back: ticks - (shifts[i - 1]?.ticks ?? 0) - gap });
  }
  return { pts: frames.pts, steps };
};

/** Frames of a GIF with the times that its own blocks say, which FFmpeg's versions read differently. */
const gifFrames = (clip: ClipIndex, times: readonly number[] | undefined): FrameTable => {
  const { frames, packets, facts } = clip;
  const [num, den] = facts.timeBase;
  const count = frames.pts.length;
  if (times === undefined || times.length !== count + 1 || packets.count !== count) return frames;
  const ticks = times.map((time) => (time * den) / (100 * num));
  const lastDuration = ticks[count]! - ticks[count - 1]!;
  if (ticks.every((tick, i) => i === count || tick === frames.pts[i]! - frames.pts[0]!))
    return { ...frames, lastDuration };
  const pts = Float64Array.from(ticks.slice(0, count));
  return { source: "decoded", pts, packet: new Int32Array(0), lastDuration };
};

/** Streams of a transport stream that go on where the chosen one ends, or end where it begins. */
const otherParts = (films: readonly TransportFilm[], streamId: number | undefined): string[] => {
  const chosen = films.find(({ id }) => id === streamId);
  if (chosen === undefined) return [];
  const slack = (chosen.last - chosen.first) / 10;
  const hex = (id: number): string => `0x${id.toString(16)}`;
  return films.flatMap(({ id, first, last, packets }) => {
    const where =
      first > chosen.last - slack
        ? `carries on where this one (id ${hex(chosen.id)}) ends`
        : last < chosen.first + slack
          ? `ends where this one (id ${hex(chosen.id)}) begins`
          : undefined;
    if (id === chosen.id || where === undefined) return [];
    return [
      `another video stream (id ${hex(id)}, ${packets} transport packets) ${where}: it is not read; ` +
        `ffmpeg -i IN -map i:${hex(id)} -c copy OUT.ts takes it out`,
    ];
  });
};

const scrambledShare = 0.5;
const scrambledName = "scrambled transport stream";
const isScrambled = ({ packets, scrambled }: TransportFilm): boolean => scrambled > packets * scrambledShare;

/** What of a transport stream's film cannot be read although its beginning can. */
const partNotes = (film: TransportFilm | undefined): string[] => {
  if (film === undefined) return [];
  const notes: string[] = [];
  const { packets, scrambled, codec, change } = film;
  if (scrambled > 0)
    notes.push(
      `${scrambled} of ${packets} transport packets are scrambled: their pictures are missing or wrong`,
    );
  if (change !== undefined)
    notes.push(
      `the film is ${change.codec} instead of ${codec} from byte ${change.at} on: what follows is missing or wrong; ` +
        `head -c ${change.at} IN > ONE and tail -c +${change.at + 1} IN > OTHER take them apart`,
    );
  return notes;
};

const marksOf = (clip: ClipIndex, films: readonly FilmMarks[]): FilmMarks => {
  const { streams, streamIndex } = clip.facts;
  const position = filmsAmong(streams).findIndex(({ index }) => index === streamIndex);
  return films[position] ?? {};
};

/** What the container says beyond FFmpeg, as notes. @throws {VideoError} for an encrypted film */
const containerNotes = (clip: ClipIndex, source: ByteSource, alive: () => void): string[] => {
  const { facts, file } = clip;
  if (facts.container === "mpegts") {
    const films = transportFilms(source, alive);
    const chosen = films.find(({ id }) => id === facts.streamId);
    if (chosen !== undefined && isScrambled(chosen)) refuseEncrypted(file, scrambledName);
    return [...partNotes(chosen), ...otherParts(films, facts.streamId)];
  }
  const { crop, encryption, emptyEdits } = marksOf(clip, filmMarks(source));
  refuseEncrypted(file, encryption);
  const notes: string[] = [];
  if (emptyEdits !== undefined)
    notes.push(
      `the edit list has ${emptyEdits.length} entries, number ${emptyEdits.at} of length 0: it shows nothing`,
    );
  if (crop !== undefined)
    notes.push(
      `the container asks players to crop the picture to ${crop.width}x${crop.height} at ${crop.x},${crop.y}: ` +
        "all of it is shown",
    );
  const joined = joinedFilm(source);
  if (joined !== undefined)
    notes.push(
      `another film (${joined.what}) begins at byte ${joined.at}: only the first is read; ` +
        `tail -c +${joined.at + 1} IN > OUT takes the other out`,
    );
  return notes;
};

/** Encrypted films that cannot even be opened. */
const refuseWhenAllEncrypted = (file: string, source: ByteSource, alive: () => void): void => {
  const films = filmMarks(source);
  if (films.length > 0 && films.every(({ encryption }) => encryption !== undefined))
    refuseEncrypted(file, films[0]!.encryption);
  const streams = transportFilms(source, alive);
  if (streams.length > 0 && streams.every(isScrambled)) refuseEncrypted(file, scrambledName);
};

/**
 * Opens a clip through a decoder, and does for all of them what none does by itself: names what cannot be opened, finds
 * the film beside its cover, goes on despite an empty edit list, and says what the container asks for.
 *
 * @throws {VideoError} for a file that is no clip, or a clip beyond the limits
 */
export const openClip = async (
  backend: Backend,
  file: string,
  limits: VideoLimits,
  alive: () => void,
): Promise<ClipIndex> => {
  using source = new ByteSource(file);
  refuseByName(file, source);
  const isMp4 = kindOf(source) === "mp4";
  const shifts = isMp4 ? fragmentShifts(source) : [];
  const opening: Opening = {
    ...(isJpegFilm(source) && { format: "mjpeg" }),
    ...(shifts.length > 0 && { shifts }),
  };
  const plainly: Open = (how) => backend.open(file, how, limits, alive);
  const open = isMp4 ? openDespiteEdits(plainly) : plainly;
  let clip: ClipIndex;
  try {
    clip = await openFilm(open, opening);
  } catch (error) {
    if (error instanceof VideoError || error instanceof UnsupportedError) {
      refuseWhenAllEncrypted(file, source, alive);
      refuseWithoutFilm(file, source);
    }
    throw error;
  }
  const notes = [...clip.notes, ...containerNotes(clip, source, alive)];
  const restarts = describeSteps(restartsOf(clip), clip.facts);
  if (restarts !== undefined) notes.push(restarts);
  if (clip.facts.container === "mjpeg") notes.push("JPEG pictures without times: 25 a second are assumed");
  const frames = clip.facts.container === "gif" ? gifFrames(clip, gifTimes(source)) : clip.frames;
  return { ...clip, frames, notes };
};
