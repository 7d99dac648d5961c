/** What a trained arm answers to fragment questions, and to the same ones about one repeated picture. */
import type { TrainingClip } from "../../training/clip.ts";
import type { Trainee } from "../../training/loop.ts";
import { closedPrompts, wholeAnswerProbabilities } from "../../training/valid-answers.ts";
import { type FragmentQuestion, withOnePicture } from "../fragments/memory-fragments.ts";
import type { WorldLanguage } from "../quickstart/language.ts";
import { questionClip } from "./fragment-clips.ts";
import type { AskedFragment } from "./measures.ts";

const chunk = 32;

/** Of every clip whether its right answer is the likeliest of all that it could have, as whole answers. */
const rightOnes = async (
  trainee: Pick<Trainee, "engine" | "rules" | "tokens">,
  clips: readonly TrainingClip[],
): Promise<boolean[]> => {
  const right: boolean[] = [];
  const bySize = Map.groupBy(clips.keys(), (at) => clips[at]!.patches.steps.length);
  for (const places of bySize.values())
    for (let start = 0; start < places.length; start += chunk) {
      const some = places.slice(start, start + chunk);
      const prompts = closedPrompts(
        some.map((at) => clips[at]!),
        some.length,
      );
      const all = await wholeAnswerProbabilities(trainee, prompts);
      prompts.forEach(({ text }, i) => {
        const likeliest = all[i]!.indexOf(Math.max(...all[i]!));
        right[some[i]!] = text.options?.[likeliest] === text.answer;
      });
    }
  return right;
};

/** Asks every question twice. */
export const askFragments = async (
  trainee: Pick<Trainee, "engine" | "rules" | "tokens">,
  questions: readonly FragmentQuestion[],
  language: Pick<WorldLanguage, "tokenizer" | "end">,
): Promise<AskedFragment[]> => {
  const asked = (some: readonly FragmentQuestion[]): Promise<boolean[]> =>
    rightOnes(
      trainee,
      some.map((one) => questionClip(one, language)),
    );
  const [seen, repeated] = [await asked(questions), await asked(questions.map(withOnePicture))];
  return questions.map(({ id, clip, task }, at) => ({
    question: id,
    clip,
    task,
    right: seen[at] ? 1 : 0,
    repeated: repeated[at] ? 1 : 0,
  }));
};
