import { type Html, html } from "../core/html.ts";

/**
 * Something that may be wider than the page, such as a table: it scrolls by itself, can be reached and scrolled with the
 * keyboard, and says so where it overflows ({@link scrollScript} finds out).
 *
 * @param label what it is, for people who hear the page
 */
export const scrollBox = (content: Html, label: string): Html =>
  html`<div class="scroll-box"><div class="scroll" tabindex="0" role="region" aria-label="${label}">${content}</div><p class="scroll-hint">more to the side: swipe, or focus and use ← →</p></div>`;

/**
 * Runs in the page: marks boxes whose content overflows, takes the tab stop from those that do not, and brings the first
 * replaced picture of a strip into view.
 */
export const scrollScript: string = `
for (const box of document.querySelectorAll(".scroll-box")) {
  const inner = box.querySelector(".scroll");
  const look = () => {
    const overflows = inner.scrollWidth > inner.clientWidth + 1;
    box.classList.toggle("overflows", overflows);
    box.classList.toggle("at-end", inner.scrollLeft + inner.clientWidth >= inner.scrollWidth - 2);
    inner.tabIndex = overflows ? 0 : -1;
  };
  const gone = inner.querySelector(".strip .gone");
  if (gone !== null) inner.scrollLeft = gone.offsetLeft - (inner.clientWidth - gone.clientWidth) / 2;
  new ResizeObserver(look).observe(inner);
  inner.addEventListener("scroll", look, { passive: true });
  look();
}
`;
