import { fileSource } from "../../absent/pair-source.ts";
import { messageOf, VideoPerceiverError } from "../../core/errors.ts";
import type { Rejection } from "../../dataset/schema.ts";
import type { FineVidBenchRow } from "../../evaluation/finevidbench-layout.ts";
import {
  balancedDraw,
  type DrawnSample,
  drawSample,
  picturesOfSample,
} from "../../fragments/draw-samples.ts";
import { type ActionEffect, readEffects } from "../../fragments/finevidbench/actions.ts";
import { fragmentQuestionNames } from "../../fragments/finevidbench/fragment-questions.ts";
import { type ClipPart, usableParts } from "../../fragments/parts.ts";
import { shownFrame } from "../../fragments/shown-picture.ts";
import type { PlannedClip } from "../build/protocol.ts";
import { teachRows } from "../build/teach-rows.ts";
import { framesOfPicture, shortClipFrames } from "../fragments/protocol.ts";
import { stripOf, writeShortClip } from "../fragments/sample-media.ts";
import { type DecodedForBenchmark, decodeForBenchmark } from "./decode.ts";
import { type FilmPlace, writeReversed, writeScene } from "./films.ts";
import { labelsOf } from "./labels.ts";
import type { BenchmarkClip } from "./protocol.ts";
import { speedFilms } from "./speed-films.ts";
import type { BenchmarkTools } from "./tools.ts";

/** Clips that the page shows. */
const shownClips = 60;
/** Pictures of a clip's strip on the page. */
const stripPictures = 6;

/** What one clip's questions are made with. */
interface ClipBeingMade {
  readonly planned: PlannedClip;
  readonly sha256: string;
  readonly tools: BenchmarkTools;
  readonly place: FilmPlace;
}

/** How the questions of a clip are named. */
export const questionPrefix = ({ position, name }: Pick<BenchmarkClip, "position" | "name">): string =>
  `${String(position + 1).padStart(4, "0")}-${name}`;

/** What was asked and answered before, about other frames of the clip. */
const withHistory = (said: readonly string[], question: string): string =>
  said.length === 0
    ? question
    : `Earlier in this dialogue, about other frames of the same video:\n${said.join("\n")}\nNow about these frames: ${question}`;

const answerText = ({ draft }: DrawnSample): string =>
  draft.options === undefined ? draft.answer : draft.options[draft.answer.charCodeAt(0) - 65]!;

/** The questions about one set of key frames, in the published order. */
const setRows = async (
  { planned, sha256, tools, place }: ClipBeingMade,
  part: ClipPart,
  sequence: number,
): Promise<{ readonly rows: FineVidBenchRow[]; readonly rejected: Rejection[] }> => {
  const { settings } = tools.order;
  const turn = { seed: settings.seed, number: planned.position * settings.sets + sequence };
  const rows: FineVidBenchRow[] = [];
  const rejected: Rejection[] = [];
  const said: string[] = [];
  const frameOf = (at: number): number => part.batch.frames[at]!.index;
  for (const name of fragmentQuestionNames) {
    place.signal.throwIfAborted();
    const made = { value: tools.tasks[name], recipe: { name: `finevidbench/${name}`, params: {} } };
    const drawn = drawSample(made, part, tools.selector.value, turn);
    if ("ruleId" in drawn) {
      rejected.push({ source: `${planned.name}, set ${sequence + 1}, ${name}`, ...drawn });
      continue;
    }
    const { draft } = drawn;
    const pictures = picturesOfSample(made, drawn, part, turn);
    const film = await writeShortClip(
      shortClipFrames(pictures),
      place.out,
      `${place.unique}-${sequence}-${name}`,
      tools.clips.direct,
      place.signal,
    );
    rows.push({
      id: `${questionPrefix(planned)}/${sequence + 1}/${name}`,
      video: film.file,
      task: name,
      question: withHistory(said, draft.question),
      options: draft.options,
      answer: draft.answer,
      frames: pictures.length,
      framesEach: framesOfPicture,
      source: { clip: planned.name, sha256 },
      provenance: {
        sampler: tools.selector.recipe,
        ...turn,
        fragment: drawn.fragment.map(frameOf),
        shown: drawn.shown.map(frameOf),
        template: draft.template,
        ...(settings.mode === "dialogue" && { turn: said.length + 1 }),
        ...draft.drawn,
      },
    });
    if (settings.mode === "dialogue") said.push(`Question: ${draft.question} Answer: ${answerText(drawn)}`);
  }
  return { rows, rejected };
};

const fragmentRows = async (
  work: ClipBeingMade,
  { windows }: DecodedForBenchmark,
): Promise<{ readonly rows: FineVidBenchRow[]; readonly rejected: Rejection[] }> => {
  const { planned, tools } = work;
  const parts = usableParts(windows.filter(({ frames }) => frames.length > 0));
  if (parts.length === 0)
    return {
      rows: [],
      rejected: [{ source: `${planned.name}, fragments`, ruleId: "static", reason: "every frame is blank" }],
    };
  const sets = [];
  for (let sequence = 0; sequence < tools.order.settings.sets; sequence++)
    sets.push(await setRows(work, parts[sequence % parts.length]!, sequence));
  return { rows: sets.flatMap(({ rows }) => rows), rejected: sets.flatMap(({ rejected }) => rejected) };
};

/** The change that the clip's actions leave behind, shown forwards or backwards, half and half. */
const effectOf = async (
  actions: readonly string[],
  forward: NonNullable<BenchmarkClip["scene"]>["normal"],
  { scene }: DecodedForBenchmark,
  endSeconds: number,
  { planned, tools, place }: ClipBeingMade,
): Promise<BenchmarkClip["effect"]> => {
  const found: ActionEffect | undefined = readEffects().of(actions)[0];
  if (found === undefined) return null;
  const turn = { seed: tools.order.settings.seed, number: planned.position };
  const reversed = balancedDraw("finevidbench/effect", turn, 2) === 1;
  return {
    change: reversed ? found.opposite : found.change,
    opposite: reversed ? found.change : found.opposite,
    reversed,
    film: reversed ? await writeReversed(scene, endSeconds, place) : forward,
  };
};

const stripPictureOf = async ({ scene }: DecodedForBenchmark): Promise<string> => {
  const count = Math.min(stripPictures, scene.frames.length);
  const places = Array.from({ length: count }, (_, at) =>
    Math.floor(((at + 0.5) * scene.frames.length) / count),
  );
  return await stripOf(places.map((at) => shownFrame(scene, at)));
};

/**
 * Makes everything of one clip but its scene questions. What cannot be asked is told with its reason.
 *
 * @throws whatever is nobody's fault but the program's
 */
export const makeBenchmarkClip = async (
  planned: PlannedClip,
  tools: BenchmarkTools,
  signal: AbortSignal,
): Promise<{ readonly made: BenchmarkClip; readonly mayAnswerLater: boolean }> => {
  const { position, path, name } = planned;
  const { out, settings } = tools.order;
  const rejected: Rejection[] = [];
  const refuse = (about: string, ruleId: string, reason: string): void => {
    rejected.push({ source: `${name}${about}`, ruleId, reason: reason.replaceAll(path, name) });
  };
  const nothing = { position, name, rows: [], actions: [], scene: null, speeds: null, effect: null };
  try {
    const source = await fileSource(tools.clips.direct, path, (file) => tools.clips.sha256(file), signal);
    const { sha256 } = source.clip;
    const told = (_: unknown, error: unknown): void => refuse(", teacher", "teacher", messageOf(error));
    const { rows, usage, mayAnswerLater } = await teachRows(planned.rows, source, tools, told, signal);
    const labels = labelsOf(rows);
    const event = rows.flatMap(({ row }) => row.events ?? [])[0];
    const decoded = await decodeForBenchmark(source, name, event, settings, signal);
    const place = { out, video: tools.clips.direct, unique: String(position), signal };
    const work = { planned, sha256, tools, place };
    const fragments = await fragmentRows(work, decoded);
    rejected.push(...fragments.rejected);
    const isShort = decoded.scene.frames.length < 4;
    const { durationSeconds } = source;
    const scene = isShort ? null : await writeScene(decoded.scene, durationSeconds, place);
    if (isShort)
      refuse(", scene", "short", `${decoded.scene.frames.length} frames; a film of a clip has 4 or more`);
    const speeds = await speedFilms(decoded.stretch, [settings.seed, "speeds", name, sha256], place);
    if ("ruleId" in speeds) refuse(", speed", String(speeds.ruleId), String(speeds.reason));
    const effect =
      scene === null ? null : await effectOf(labels.actions, scene.normal, decoded, durationSeconds, work);
    const made: BenchmarkClip = {
      ...nothing,
      ...labels,
      sha256,
      print: decoded.print,
      durationSeconds,
      rows: fragments.rows,
      scene,
      speeds: "ruleId" in speeds ? null : speeds,
      effect,
      rejected,
      ...(usage && { teacherUsage: usage }),
      ...(position < shownClips && { strip: await stripPictureOf(decoded) }),
    };
    return { made, mayAnswerLater };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof VideoPerceiverError)) throw error;
    refuse("", "clip", error.message);
    return {
      made: { ...nothing, sha256: null, print: null, durationSeconds: 0, rejected },
      mayAnswerLater: false,
    };
  }
};
