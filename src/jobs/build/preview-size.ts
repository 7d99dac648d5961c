import type { PreviewSize } from "./preview.ts";

/** Sizes of previews: a page of many pairs holds smaller ones. */
export const previewFor = (rows: number): PreviewSize => {
  if (rows <= 500) return { frames: 16, pixels: 160, quality: 60 };
  if (rows <= 2000) return { frames: 12, pixels: 128, quality: 50 };
  return rows <= 10_000 ? { frames: 8, pixels: 96, quality: 45 } : { frames: 6, pixels: 80, quality: 40 };
};

/** How much larger the previews of so many rows are than those of the measured ones; 1 where they are smaller. */
export const previewGrowth = (measuredRows: number, rows: number): number => {
  const size = ({ frames, pixels }: PreviewSize): number => frames * pixels ** 2;
  return Math.max(1, size(previewFor(rows)) / size(previewFor(measuredRows)));
};
