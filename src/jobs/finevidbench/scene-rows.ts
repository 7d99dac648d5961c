import type { Rejection } from "../../dataset/schema.ts";
import type { FineVidBenchRow } from "../../evaluation/finevidbench-layout.ts";
import { readEffects, readVisualSynonyms } from "../../fragments/finevidbench/actions.ts";
import {
  actionQuestionOf,
  chooseActions,
  chooseEffects,
  effectQuestionOf,
  type SceneClip,
  type SceneMeans,
  type SceneQuestion,
  speedQuestionOf,
} from "../../fragments/finevidbench/scene-questions.ts";
import { filmSpeeds } from "../../fragments/finevidbench/speed-variants.ts";
import { mayBeOne } from "./labels.ts";
import { questionPrefix } from "./make-clip.ts";
import type { BenchmarkClip, Film, FineVidBenchSettings } from "./protocol.ts";

/** What a clip shows at which speed an Action question is asked. */
const sceneSpeeds = ["slow", "normal", "fast"] as const;

/** Scene questions of one clip, and why there are none of a task. */
export interface SceneRows {
  readonly rows: readonly FineVidBenchRow[];
  readonly rejected: readonly Rejection[];
}

/** What a clip is told by when its scene questions are made. */
export type LabelledClip = Pick<
  BenchmarkClip,
  "position" | "name" | "sha256" | "actions" | "unlabelled" | "scene" | "speeds" | "effect"
>;

const rowOf = (
  clip: LabelledClip,
  task: string,
  speed: string,
  film: Film,
  { question, options, answer, action, actionClass }: SceneQuestion,
  more: Readonly<Record<string, unknown>> = {},
): FineVidBenchRow => ({
  id: `${questionPrefix(clip)}/${task}${speed === "" ? "" : `/${speed}`}`,
  video: film.file,
  task,
  question,
  options,
  answer,
  source: { clip: clip.name, sha256: clip.sha256! },
  ...(speed !== "" && { speed }),
  ...(actionClass !== undefined && { actionClass }),
  provenance: { ...(action !== undefined && { action }), ...more },
});

/**
 * The scene questions of all clips: their wrong answers are each other's right ones. Nothing is decoded.
 *
 * @param synonyms file of visual synonyms of a person's own
 * @throws {DataFormatError} for pairs that are none
 */
export const sceneRows = (
  clips: readonly LabelledClip[],
  { seed }: FineVidBenchSettings,
  synonyms: string | undefined,
): ReadonlyMap<number, SceneRows> => {
  const means: SceneMeans = { seed, synonyms: readVisualSynonyms(synonyms), areAlike: mayBeOne() };
  const shown = clips.filter(({ scene }) => scene !== null);
  const facts = shown.map(
    ({ position, actions, effect }): SceneClip => ({ position, actions, effect: effect ?? undefined }),
  );
  const actions = chooseActions(facts, means);
  const effects = chooseEffects(facts, readEffects().all, means);
  const asked = { action: 0, effect: 0, speed: 0 };
  return new Map(
    clips.map((clip): [number, SceneRows] => {
      const rows: FineVidBenchRow[] = [];
      const rejected: Rejection[] = [];
      const refuse = (task: string, ruleId: string, reason: string): void => {
        rejected.push({ source: `${clip.name}, ${task}`, ruleId, reason });
      };
      const { position, scene, speeds, effect } = clip;
      const choice = actions.get(position);
      if (scene !== null && choice !== undefined) {
        if ("ruleId" in choice) refuse("action", choice.ruleId, clip.unlabelled ?? choice.reason);
        else
          for (const speed of sceneSpeeds)
            rows.push(
              rowOf(clip, "action", speed, scene[speed], actionQuestionOf(choice, asked.action++, means)),
            );
        const other = effects.get(position);
        if (effect !== null && other !== undefined)
          rows.push(
            rowOf(clip, "effect", "", effect.film, effectQuestionOf(effect, other, asked.effect++, seed), {
              reversed: effect.reversed,
            }),
          );
        else if (clip.actions.length > 0)
          refuse(
            "effect",
            "no-effect",
            `no listed change that ${clip.actions.slice(0, 5).join(", ")} leave behind`,
          );
        else refuse("effect", "no-label", clip.unlabelled ?? "nobody says what happens");
      }
      if (speeds !== null)
        for (const speed of filmSpeeds)
          rows.push(rowOf(clip, "speed", speed, speeds[speed], speedQuestionOf(speed, asked.speed++, seed)));
      return [position, { rows, rejected }];
    }),
  );
};
