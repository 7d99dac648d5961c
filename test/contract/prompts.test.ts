import { expect, test } from "vitest";
import { benchmarkRegistry } from "../../src/evaluation/benchmarks.ts";
import { standardPrompt } from "../../src/evaluation/prompt.ts";

/** Prompts of a benchmark in one file: the first question of every kind of answer and of every skill. */
const promptsOf = async (name: string): Promise<string> => {
  const { value } = await benchmarkRegistry.make(name);
  const file = new URL(`./benchmark-data/${name}.jsonl`, import.meta.url).pathname;
  const prompt = value.prompt ?? standardPrompt;
  const seen = new Set<string>();
  const parts: string[] = [];
  for (const sample of await value.samples(file)) {
    const { answerKind, skill = "all", options = [] } = sample;
    const kind = `${answerKind}, ${skill}, ${options.length} options`;
    if (seen.has(kind)) continue;
    seen.add(kind);
    const { system, text, prefill, textFirst, maxNewTokens } = prompt(sample);
    parts.push(
      `=== ${kind}${textFirst ? ", text in front of the pictures" : ""}${maxNewTokens ? `, at most ${maxNewTokens} tokens` : ""}`,
      ...(system === undefined ? [] : [`--- system\n${system}`]),
      `--- user\n${text}`,
      ...(prefill === undefined ? [] : [`--- answer begins\n${prefill}`]),
    );
  }
  return `${parts.join("\n")}\n`;
};

test.each(benchmarkRegistry.names())(
  "the prompts of %s are frozen: another wording is another benchmark",
  async (name) => {
    await expect(await promptsOf(name)).toMatchFileSnapshot(`prompts/${name}.txt`);
  },
);
