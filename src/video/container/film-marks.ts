/** A part of the stored picture. */
export interface Crop {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a container says about one of its video tracks beyond what FFmpeg hands on in every version. */
export interface FilmMarks {
  /** Part of the picture that players are asked to show; absent: all of it. */
  readonly crop?: Crop;
  /** Name of the encryption, e.g. "cenc"; absent: none. */
  readonly encryption?: string;
  /** An edit of length 0 among others: its place, from 1, and how many edits there are. */
  readonly emptyEdits?: { readonly at: number; readonly length: number };
}

/** The crop, or nothing when it is all of the picture or no part of it. */
export const cropWithin = (crop: Crop, width: number, height: number): Crop | undefined => {
  const { x, y } = crop;
  const whole = x <= 0 && y <= 0 && crop.width >= width && crop.height >= height;
  const inside = crop.width >= 1 && crop.height >= 1 && x >= 0 && y >= 0;
  return whole || !inside || x + crop.width > width || y + crop.height > height ? undefined : crop;
};
