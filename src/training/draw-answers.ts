/** Draws completions of many prompts in pieces that memory allows, with the same result whatever their size. */
import type { DrawnUnder } from "../batch/token-batch.ts";
import type { Rollouts } from "../engine/rollouts.ts";
import type { Trainee } from "./loop.ts";
import type { ComparedPrompt, Drawn, PromptLayout, Shown } from "./prompt-layout.ts";

/** How completions are drawn. */
export interface DrawOptions {
  readonly completions: number;
  readonly maxNewTokens: number;
  readonly temperature: number;
  /** Positions of keys and values that are held at once, of all completions; left out: those of all prompts. */
  readonly positionsPerDraw?: number;
}

/** The distribution that completions are drawn from, and that they must be scored under. */
export const drawnUnder = ({ rules }: Pick<Trainee, "rules">, temperature: number): DrawnUnder => ({
  temperature,
  bannedTokens: rules.visualTokenIds,
});

/** A prompt, and the number that its draws depend on besides the seed. */
export interface NumberedPrompt<P extends ComparedPrompt> {
  readonly shown: Shown<P>;
  readonly number: number;
}

/** What draws need. */
export interface Drawing<P extends ComparedPrompt> {
  readonly trainee: Pick<Trainee, "engine" | "rules">;
  readonly layout: Pick<PromptLayout<P>, "prompts" | "promptLength">;
  /** How completions are read. */
  readonly judging: {
    readonly decode: (tokens: readonly number[]) => string;
    /** Ends a completion. */
    readonly endToken: number;
  };
  /** Draws instead of the engine; its log-probabilities are another program's. */
  readonly rollouts?: Pick<Rollouts, "sample"> | undefined;
}

/**
 * How many of some prompts are drawn at once: as many as the positions allow, in pieces of equal size, and never one
 * alone: the runtime may multiply a single row in another order.
 *
 * @param together prompts that stay in one piece
 */
export const drawnAtOnce = (
  count: number,
  together: number,
  length: number,
  { completions, maxNewTokens, positionsPerDraw = Number.POSITIVE_INFINITY }: DrawOptions,
): number => {
  const each = completions * (length + maxNewTokens);
  const least = Math.ceil(2 / together);
  const most = Math.max(least, Math.floor(positionsPerDraw / (each * together)));
  const units = Math.max(1, count / together);
  return together * Math.min(units, Math.ceil(units / Math.ceil(units / most)));
};

/**
 * Cuts prompts into pieces of one size, each in the order of its numbers.
 *
 * @param isFilled the last one is filled with the first ones, so that no other graph is needed
 */
const piecesOf = <T extends { readonly number: number }>(
  items: readonly T[],
  size: number,
  isFilled: boolean,
): T[][] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, piece) => {
    const length = isFilled ? size : Math.min(size, items.length - piece * size);
    const own = Array.from({ length }, (__, i) => items[(piece * size + i) % items.length]!);
    return own.sort((a, b) => a.number - b.number);
  });

/**
 * Draws completions of every prompt behind what it shows; steps that several of a piece show are encoded once.
 *
 * @param size of the pieces, as {@link drawnAtOnce} says
 * @param length positions of every prompt with its padding: that of the longest of all that one result is made of, so that
 * no piece is computed otherwise than another
 * @returns completions by the prompts' numbers
 */
export const drawAnswers = async <P extends ComparedPrompt>(
  { trainee, layout, judging, rollouts }: Drawing<P>,
  prompts: readonly NumberedPrompt<P>[],
  { size, length }: { readonly size: number; readonly length: number },
  options: DrawOptions,
  seed: string,
): Promise<ReadonlyMap<number, readonly Drawn[]>> => {
  const answers = new Map<number, readonly Drawn[]>();
  // A server has no graphs: what is drawn twice for them would only cost there.
  for (const piece of piecesOf(prompts, size, rollouts === undefined)) {
    const { batch, nextPositions } = layout.prompts(
      piece.map(({ shown }) => shown),
      length,
    );
    const drawn = await (rollouts ?? trainee.engine).sample({
      batch,
      nextPositions,
      numbers: piece.map(({ number }) => number),
      completions: options.completions,
      maxNewTokens: options.maxNewTokens,
      ...drawnUnder(trainee, options.temperature),
      stopTokens: [judging.endToken],
      seed,
    });
    drawn.forEach((group, row) => {
      const { shown, number } = piece[row]!;
      const { refed } = shown;
      answers.set(
        number,
        group.map((one) => ({ ...one, text: judging.decode(one.tokens), refed })),
      );
    });
  }
  return answers;
};
