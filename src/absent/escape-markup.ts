/** Text as it may stand in HTML, SVG and their attributes. */
export const escapeMarkup = (text: string): string =>
  text.replace(/[&<>"']/g, (mark) => `&#${mark.charCodeAt(0)};`);
