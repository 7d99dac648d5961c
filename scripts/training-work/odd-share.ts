/** The share of a text's characters whose code is odd, in [0, 1]; 0 of no text. Nearly every other text has another one. */
export const oddShare = (text: string): number => {
  let odd = 0;
  for (let i = 0; i < text.length; i++) odd += text.charCodeAt(i) & 1;
  return text.length === 0 ? 0 : odd / text.length;
};
