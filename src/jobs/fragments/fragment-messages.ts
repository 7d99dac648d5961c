import type { Message, MessagePart } from "../../dataset/sample.ts";
import type { FragmentTask, TaskDraft } from "../../fragments/fragment-task.ts";

/**
 * What is asked, with its pictures in front. Pictures are named "Frame 1:", "Frame 2:" where the task wants it; one that
 * is looked for comes first and has no number, so that numbers count the frames that are searched.
 */
const pictureParts = (
  pictures: readonly string[],
  { labelled }: FragmentTask,
  hasTarget: boolean,
): MessagePart[] =>
  pictures.flatMap((image, at): MessagePart[] => {
    const number = hasTarget ? at : at + 1;
    const picture: MessagePart = { type: "image", image };
    return labelled && number > 0 ? [{ type: "text", text: `Frame ${number}:` }, picture] : [picture];
  });

/** The question as one turn of a person, about pictures. */
export const aboutPictures = (
  task: FragmentTask,
  draft: TaskDraft,
  pictures: readonly string[],
): Message => ({
  role: "user",
  content: [...pictureParts(pictures, task, task.hasTarget === true), { type: "text", text: draft.question }],
});

/** The question as one turn of a person, about a short clip. */
export const aboutShortClip = (task: FragmentTask, draft: TaskDraft, file: string): Message => {
  const numbers = task.hasTarget === true ? " The frames behind the first picture are numbered from 1." : "";
  return {
    role: "user",
    content: [
      { type: "video", video: file },
      { type: "text", text: draft.question + numbers },
    ],
  };
};
