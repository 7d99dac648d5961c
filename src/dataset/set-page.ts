import { readFileSync } from "node:fs";
import { html, trusted } from "../core/html.ts";
import { pageDocument } from "../pages/document.ts";
import type { DatasetDescription } from "./schema.ts";
import { LineFile } from "./write.ts";

/** Small pictures of a pair: a column of them in one JPEG, and which one each side shows when. */
export interface PreviewData {
  /** Base64. */
  readonly s: string;
  /** Pictures, and the size of one. */
  readonly n: number;
  readonly w: number;
  readonly h: number;
  /** Times of the steps; pictures of the complete and of the absent clip at them. */
  readonly t: readonly number[];
  readonly c: readonly number[];
  readonly a: readonly number[];
}

/** Rule and reason of a rejection. */
export type RejectionData = readonly [rule: string, reason: string];

/** A pair as the page has it; names are short because there are many. */
export interface PairData {
  readonly id: string;
  readonly clip?: string;
  readonly src?: string;
  readonly cap?: string;
  readonly kw?: readonly string[];
  readonly ev?: readonly (readonly [start: number, end: number, what: string])[];
  /** Share replaced, share of the events' frames gone, seconds, frames, relevance, builder. */
  readonly s?: number;
  readonly g?: number | null;
  readonly d?: number;
  readonly n?: number;
  readonly r?: string;
  readonly b?: string;
  /** Curve and key frames, by time. */
  readonly c?: readonly (readonly [number, number])[];
  readonly k?: readonly number[];
  readonly p?: PreviewData;
  readonly qs?: readonly {
    readonly id: string;
    readonly q: string;
    readonly a: string;
    readonly k: string;
    readonly o?: readonly string[];
    readonly x?: RejectionData;
  }[];
  /** Why it is no pair at all. */
  readonly x?: RejectionData;
}

const asset = (name: string): string => readFileSync(new URL(`./page/${name}`, import.meta.url), "utf8");

/** JSON that can stand in a script element. */
const inScript = (value: unknown): string => JSON.stringify(value).replaceAll("<", "\\u003c");

const rowsMark = "<!--rows-->";
const headMark = "<!--head-->";
/** Rows of one script element: the browser reads them one after the other. */
const rowsPerScript = 200;

const frame = (title: string): readonly string[] => {
  const select = (id: string, label: string, options: readonly (readonly [string, string])[] = []) =>
    html`<select id="${id}" aria-label="${label}">${options.map(([value, text]) => html`<option value="${value}">${text}</option>`)}</select>`;
  const body = html`<header class="head"><h1>${title}</h1><span class="muted small">${trusted(headMark)}</span></header>
<div class="bar"><input type="search" id="search" placeholder="search" aria-label="search captions, questions, names">
${select("state", "state", [
  ["", "every state"],
  ["in", "in the set"],
  ["undecided", "undecided"],
  ["accept", "accepted by you"],
  ["reject", "rejected by you"],
  ["noted", "with a note"],
  ["ruled", "rejected by a rule"],
])}${select("source", "source")}${select("builder", "builder")}${select("relevance", "relevance")}
<label>replaced <input type="number" id="low" min="0" max="100" placeholder="0" aria-label="least share replaced, per cent">to <input type="number" id="high" min="0" max="100" placeholder="100" aria-label="largest share replaced, per cent">%</label>
${select("sort", "order", [
  ["order", "in order"],
  ["share-down", "most replaced first"],
  ["share-up", "least replaced first"],
  ["gone-up", "events least gone first"],
  ["longest", "longest first"],
  ["shortest", "shortest first"],
])}<button id="save" class="main">save decisions</button><label class="load">load decisions<input type="file" id="load" class="hidden" accept=".json" aria-label="load decisions"></label></div>
<p class="count" id="count" role="status"></p>
<p class="keys"><kbd>arrows</kbd> move <kbd>a</kbd> accept <kbd>r</kbd> reject <kbd>n</kbd> note <kbd>enter</kbd> open <kbd>space</kbd> play or stop <kbd>/</kbd> search <kbd>s</kbd> save. Decisions are applied by the same build command with --decisions decisions.json.</p>
<div class="grid" id="grid"></div>
<dialog id="detail"><div id="detail-body" tabindex="-1"></div><div class="actions"><button id="accept">accept</button><button id="reject">reject</button><button id="before">before</button><button id="next">next</button><button id="close">close</button></div></dialog>
${trusted(rowsMark)}
<script>${trusted(asset("set-page.js"))}</script>`;
  const [before, rest] = pageDocument({ title, body, style: asset("set-page.css") }).split(headMark);
  const [middle, after] = rest!.split(rowsMark);
  return [before!, middle!, after!];
};

/** What the page says of its data set. */
export interface SetPageHead {
  readonly title: string;
  readonly description: DatasetDescription;
  readonly pairs: number;
  /** Schema of the file that the page saves. */
  readonly decisionsSchema: string;
}

/**
 * Writes the page over a whole data set, pair by pair, so that it needs no memory: rows first into a file beside it, and
 * in front of them, at the end, what only the finished data set knows.
 */
export class SetPage {
  readonly #rows: LineFile;
  #waiting: string[] = [];
  #without: PairData[] = [];
  /** Pairs so far. */
  count = 0;

  constructor(rowsFile: string) {
    this.#rows = new LineFile(rowsFile);
  }

  /** Adds a pair, or something that became none; the latter stand behind all pairs. */
  add(pair: PairData): void {
    if (pair.p === undefined) {
      this.#without.push(pair);
      return;
    }
    this.#put(pair);
  }

  #put(pair: PairData): void {
    this.#waiting.push(inScript(pair));
    this.count++;
    if (this.#waiting.length >= rowsPerScript) this.#flush();
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    this.#rows.add(`<script type="application/json" class="rows">[${this.#waiting.join(",\n")}]</script>`);
    this.#waiting = [];
  }

  /** Ends the rows; `write` then makes the page of them. */
  close(): void {
    for (const pair of this.#without) this.#put(pair);
    this.#without = [];
    this.#flush();
    this.#rows.close();
  }

  /** Writes the page, and takes the file of rows away. */
  write(file: string, { title, description, pairs, decisionsSchema }: SetPageHead): void {
    const [before, middle, after] = frame(title);
    const { clips, samples, rejected } = description.counts;
    const head = html`${clips} clips, ${pairs} pairs, ${samples} samples, ${rejected} rejected`.markup;
    const info = inScript({ hash: description.contentHash, decisions: decisionsSchema });
    const page = new LineFile(file);
    page.add(`${before}${head}${middle}<script type="application/json" id="set">${info}</script>`);
    page.addFile(this.#rows.file);
    page.add(after!);
    page.close();
  }
}
