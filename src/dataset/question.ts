import type { Sample } from "./sample.ts";

/**
 * The text of a sample's question, the one that is asked, checked, recorded and shown: what the last user turn says
 * without its pictures. Texts between pictures are joined by a space.
 */
export const questionText = ({ messages }: Pick<Sample, "messages">): string =>
  (messages.findLast(({ role }) => role === "user")?.content ?? [])
    .flatMap((part) => (part.type === "text" ? [part.text] : []))
    .join(" ")
    .trim();

/** Skills whose answer is a caption of the clip: the scripted world's, and what `build` asks of captions. */
export const captionSkills: ReadonlySet<string> = new Set(["dense-caption", "description"]);
