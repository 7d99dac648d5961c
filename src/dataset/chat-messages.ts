import type { Message, MessagePart } from "./sample.ts";

/** A clip and a question about it as the messages of a sample. */
export const asUserMessages = (video: string, question: string): readonly Message[] => [
  {
    role: "user",
    content: [
      { type: "video", video },
      { type: "text", text: question },
    ] satisfies MessagePart[],
  },
];
