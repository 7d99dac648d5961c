import { type Html, html, trusted } from "../core/html.ts";
import { chartScript } from "./chart-script.ts";
import { scrollScript } from "./scroll-box.ts";
import { pageStyle } from "./style.ts";

/** A whole page. */
export interface PageDocument {
  readonly title: string;
  /** What stands in `main`. */
  readonly body: Html;
  /** Rules of this page besides {@link pageStyle}. Never from outside. */
  readonly style?: string;
  /** What runs in this page besides the scripts that every page has. Never from outside. */
  readonly script?: string;
}

/**
 * One HTML file that holds everything: style, script, charts and pictures. Its security policy forbids the browser to
 * load anything.
 */
export const pageDocument = ({ title, body, style = "", script = "" }: PageDocument): string =>
  html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<meta name="color-scheme" content="light dark"><title>${title}</title><style>${trusted(pageStyle + style)}</style></head>
<body><main>
${body}
</main><script>${trusted(chartScript + scrollScript + script)}</script></body></html>
`.markup;
