import { ConfigError } from "./errors.ts";

/** A piece of finished HTML; only `html` and `trusted` make one, so text cannot slip in unescaped. */
export class Html {
  readonly markup: string;
  constructor(markup: string) {
    this.markup = markup;
  }
}

/** What may stand in a template: text and numbers are escaped, lists are joined, null and false leave nothing. */
export type HtmlValue = Html | string | number | null | false | readonly HtmlValue[];

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text safe inside elements and inside quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (mark) => ESCAPES[mark]!);

const render = (value: HtmlValue): string => {
  if (value === null || value === false) return "";
  if (value instanceof Html) return value.markup;
  if (typeof value === "object") return value.map(render).join("");
  return escapeHtml(String(value));
};

/** HTML from a template; every value is escaped unless it is HTML already. Attributes must be quoted in the template. */
export const html = (parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html =>
  new Html(parts.map((part, i) => part + (i < values.length ? render(values[i]!) : "")).join(""));

/** Our own style sheets and scripts, which must not be escaped. Never for text from outside. */
export const trusted = (markup: string): Html => new Html(markup);

/** A picture's data URI as it is. @throws {ConfigError} for anything that a browser would have to load */
export const pictureUri = (uri: string): string => {
  if (!/^data:image\/(png|jpeg|webp);base64,[A-Za-z0-9+/]+=*$/.test(uri))
    throw new ConfigError("a report's pictures must be inside it", {
      expected: "data:image/png;base64,...",
      got: uri.slice(0, 40),
    });
  return uri;
};
