/** Ends a turn in some chat template: what a decoder wrote behind it is another turn. */
const END_OF_TURN =
  /<\|(?:im_end|endoftext|eot_id|end_of_text|eom_id|end)\|>|<\/s>|<end_of_turn>|<eos>|<eod>|<｜end▁of▁sentence｜>/;
/** Any token that a tokenizer writes for its own use. */
const SPECIAL =
  /<\|[^<>|\s]{1,40}\|>|<｜[^<>｜\s]{1,40}｜>|<\/?s>|<(?:pad|unk|bos|eos|eod|start_of_turn|end_of_turn)>|\[\/?INST\]/g;
const THOUGHT = "think|thinking|thought|reasoning|reflection";
const ANSWER_TAG = /<\s*(\/?)\s*(?:answer|ans|final[_-]?answer)\b[^<>]*(?:>|$)/gi;

/** The last turn of the assistant, without the tokens around it. */
const assistantTurn = (completion: string): string => {
  let text = completion;
  // A decoder that was given the whole sequence repeats the prompt in front of the answer.
  if (/^\s*(?:<s>|<\|begin_of_text\|>)?\s*<\|im_start\|>(?:system|user)/.test(text)) {
    const at = text.indexOf("<|im_start|>assistant");
    text = at < 0 ? "" : text.slice(at);
  }
  const leading = /^(?:\s|<\|im_start\|>(?:assistant)?|<s>|<\|[^<>|\s]{1,40}\|>)+/.exec(text);
  if (leading !== null) text = text.slice(leading[0].length);
  const end = END_OF_TURN.exec(text);
  if (end !== null) text = text.slice(0, end.index);
  text = text.replace(SPECIAL, " ");
  const role = [...text.matchAll(/(?:^|\n)[ \t]*(?:assistant|model)[ \t]*(?:\n|:)/gi)].at(-1);
  return role === undefined ? text : text.slice(role.index + role[0].length);
};

/** The contents of answer tags, different ones under each other; null without a tag. A tag that never closes counts. */
const taggedAnswers = (text: string): string | null => {
  const tags = [...text.matchAll(ANSWER_TAG)];
  if (tags.length === 0) return null;
  if (tags.every((tag) => tag[1] === "/")) return text.slice(0, tags.at(-1)!.index).replace(ANSWER_TAG, " ");
  const contents = tags.flatMap((tag, i) =>
    tag[1] === "/" ? [] : [text.slice(tag.index + tag[0].length, tags[i + 1]?.index).trim()],
  );
  return [...new Set(contents.filter((content) => content !== ""))].join("\n");
};

/**
 * What is left of a completion when everything but the answer is cut away: special tokens, what follows the end of the
 * turn, reasoning (the text after the last `</think>`; nothing when a `<think>` never closes: the answer was never
 * reached), and, where there is an `<answer>`, what stands outside it. Two different answers stay, one a line.
 */
export const answerPart = (completion: string): string => {
  let text = assistantTurn(completion).replace(new RegExp(`<(${THOUGHT})>[\\s\\S]*?</\\1>`, "gi"), " ");
  const open = text.search(new RegExp(`<(?:${THOUGHT})>`, "i"));
  if (open >= 0) text = text.slice(0, open);
  const close = [...text.matchAll(new RegExp(`</(?:${THOUGHT})>`, "gi"))].at(-1);
  if (close !== undefined) text = text.slice(close.index + close[0].length);
  return (taggedAnswers(text) ?? text).trim();
};
