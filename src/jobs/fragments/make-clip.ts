import { setImmediate as nextTurn } from "node:timers/promises";
import { VideoPerceiverError } from "../../core/errors.ts";
import { seededRandom } from "../../core/random.ts";
import type { Made } from "../../core/registry.ts";
import type { Message, Sample } from "../../dataset/sample.ts";
import { type Rejection, rowOfSample } from "../../dataset/schema.ts";
import { type DrawnSample, drawSample, picturesOfSample } from "../../fragments/draw-samples.ts";
import type { FragmentTask } from "../../fragments/fragment-task.ts";
import { type ClipPart, usableParts } from "../../fragments/parts.ts";
import type { PlannedClip } from "../build/protocol.ts";
import { type DecodedClip, decodeClip } from "./decoded-clip.ts";
import { aboutPictures, aboutShortClip } from "./fragment-messages.ts";
import { type FragmentClip, type FragmentRow, shortClipFrames, shownClips } from "./protocol.ts";
import { stripOf, writeShortClip, writeStills } from "./sample-media.ts";
import type { FragmentTools } from "./tools.ts";

/** The order in which a dialogue asks: the published one. */
const dialogueOrder = ["counting", "localization", "consistency", "disorder", "rearrangement"];

/** One fragment of a clip: where it lies, and what was said before in its dialogue. */
interface Fragment {
  readonly planned: PlannedClip;
  readonly decoded: DecodedClip;
  readonly part: ClipPart;
  /** Of the clip's fragments, from 0; and of all. */
  readonly sequence: number;
  readonly number: number;
  readonly said: Message[];
  /** Frames of the clip whose order was asked about, by index. */
  readonly told: Set<number>;
}

/** The row of a drawn question, its media written. */
const rowOf = async (
  made: Made<FragmentTask>,
  drawn: DrawnSample,
  fragment: Fragment,
  tools: FragmentTools,
  signal: AbortSignal,
): Promise<FragmentRow> => {
  const { settings, out } = tools.order;
  const { planned, decoded, part, sequence, number, said } = fragment;
  const { draft } = drawn;
  const name = made.recipe.name;
  const taken: Uint8Array[] = [];
  const take = (bytes: number): Uint8Array => {
    taken.push(tools.memory.pictures.take(bytes));
    return taken.at(-1)!;
  };
  const pictures = picturesOfSample(made, drawn, part, { seed: settings.seed, number }, take);
  const isImages = settings.form === "images";
  const files = isImages ? await writeStills(pictures, out, take) : [];
  const clip = isImages
    ? decoded.clip
    : await writeShortClip(
        shortClipFrames(pictures),
        out,
        `${planned.position}-${sequence}-${name}`,
        tools.clips.direct,
        signal,
      );
  const asked = isImages
    ? aboutPictures(made.value, draft, files)
    : aboutShortClip(made.value, draft, clip.file);
  const answered: Message = { role: "assistant", content: [{ type: "text", text: draft.answer }] };
  const messages = [...said, asked];
  if (settings.mode === "dialogue") said.push(asked, answered);
  const frameOf = (place: number): number => part.batch.frames[place]!.index;
  const sample: Sample = {
    id: `${planned.rows[0]!.row.id}/${sequence + 1}/${name}`,
    clip,
    messages,
    answer: draft.answer,
    answerKind: draft.answerKind,
    ...(draft.options && { options: draft.options }),
    skill: name,
    provenance: {
      clip: planned.name,
      source: { sha256: decoded.clip.sha256 },
      ...(decoded.print !== undefined && { print: decoded.print }),
      task: made.recipe,
      sampler: tools.selector.recipe,
      seed: settings.seed,
      number,
      fragment: drawn.fragment.map(frameOf),
      shown: drawn.shown.map(frameOf),
      template: draft.template,
      ...draft.drawn,
    },
  };
  const isShown = planned.position < shownClips && sequence === 0;
  const strip = isShown ? await stripOf(pictures) : undefined;
  for (const piece of taken) tools.memory.pictures.giveBack(piece);
  return {
    id: sample.id,
    task: name,
    line: rowOfSample(sample),
    files: isImages ? [...files, clip.file] : [clip.file],
    ...(strip !== undefined && { strip }),
  };
};

/** Pictures whose order does not matter stand in none: an order that was seen is an answer elsewhere. */
const withoutOrder = (drawn: DrawnSample, { number }: Fragment, seed: number): DrawnSample => ({
  ...drawn,
  shown: seededRandom(seed, "no order", number).shuffled(drawn.shown),
});

/**
 * The tasks of a fragment in the order in which they are drawn: the published one in a dialogue. Elsewhere tasks about
 * the order take frames from each other, so they take turns in being first.
 */
const tasksOf = ({ sequence }: Fragment, { order, tasks }: FragmentTools): readonly Made<FragmentTask>[] => {
  if (order.settings.mode === "dialogue") {
    const place = ({ recipe }: Made<FragmentTask>): number => dialogueOrder.indexOf(recipe.name) + 1 || 99;
    return tasks.toSorted((a, b) => place(a) - place(b));
  }
  return sequence % 2 === 0 ? tasks : tasks.toReversed();
};

/** The rows of one fragment, and why tasks give none. */
const fragmentRows = async (
  fragment: Fragment,
  tools: FragmentTools,
  signal: AbortSignal,
): Promise<{ readonly rows: FragmentRow[]; readonly rejected: Rejection[] }> => {
  const { settings } = tools.order;
  const isDialogue = settings.mode === "dialogue";
  const rows: Promise<FragmentRow>[] = [];
  const rejected: Rejection[] = [];
  for (const task of tasksOf(fragment, tools)) {
    // Decoders that are done wait for this thread to give them the next clip.
    await nextTurn();
    signal.throwIfAborted();
    const drawn = drawSample(task, fragment.part, tools.selector.value, {
      seed: settings.seed,
      number: fragment.number,
      // A dialogue is asked on purpose about one part; elsewhere no frame is in two questions about the order.
      ...(!isDialogue && { told: fragment.told }),
    });
    if ("ruleId" in drawn) {
      const source = `${fragment.planned.name}, fragment ${fragment.sequence + 1}, ${task.recipe.name}`;
      rejected.push({ source, ...drawn });
      continue;
    }
    const isAboutOrder = task.value.needs === "order";
    if (isAboutOrder)
      for (const at of drawn.fragment) fragment.told.add(fragment.part.batch.frames[at]!.index);
    const shown = !task.value.anew && !isAboutOrder ? withoutOrder(drawn, fragment, settings.seed) : drawn;
    const row = rowOf(task, shown, fragment, tools, signal);
    rows.push(row);
    // A dialogue's turn repeats those before it, and short clips wait for a worker each. Pictures of several questions at
    // once keep their encoder from stopping between them.
    if (isDialogue || settings.form === "clip") await row;
    // Frames that were said to be in order tell the order of later ones.
    if (isDialogue && isAboutOrder && drawn.draft.answer === "no") break;
  }
  return { rows: await Promise.all(rows), rejected };
};

/**
 * Makes the fragments of one clip: what cannot be asked is told with its reason.
 *
 * @throws whatever is nobody's fault but the program's
 */
export const makeFragmentClip = async (
  planned: PlannedClip,
  tools: FragmentTools,
  signal: AbortSignal,
): Promise<FragmentClip> => {
  const { position, path, name } = planned;
  const { perClip } = tools.order.settings;
  const nothing = (ruleId: string, reason: string): FragmentClip => ({
    position,
    sha256: null,
    rows: [],
    rejected: [{ source: name, ruleId, reason: reason.replaceAll(path, name) }],
  });
  // A decoder that nobody can start is no clip's fault.
  await tools.clips.direct.decoder();
  try {
    const decoded = await decodeClip(planned, tools, signal);
    const { clip, print, memory } = decoded;
    const apart = tools.keptApart?.check({
      id: name,
      clip,
      messages: [],
      answer: "-",
      answerKind: "open",
      provenance: { clip: name, ...(print !== undefined && { print }) },
    });
    if (apart !== undefined) return nothing("not-in", apart);
    await nextTurn();
    const parts = usableParts(decoded.windows);
    if (parts.length === 0) return nothing("static", "every frame is blank");
    const rows: FragmentRow[] = [];
    const rejected: Rejection[] = [];
    const told = new Set<number>();
    for (let sequence = 0; sequence < perClip; sequence++) {
      const part = parts[sequence % parts.length]!;
      const number = position * perClip + sequence;
      const fragment = { planned, decoded, part, sequence, number, said: [], told };
      const made = await fragmentRows(fragment, tools, signal);
      rows.push(...made.rows);
      rejected.push(...made.rejected);
    }
    tools.memory.frames.giveBack(memory);
    return { position, sha256: clip.sha256, rows, rejected };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof VideoPerceiverError)) throw error;
    return nothing("clip", error.message);
  }
};
