/** The part of `preprocessor_config.json` that decides how a picture is resized. */
export interface ResizeConfig {
  readonly do_resize?: boolean;
  /** Pillow's number of the filter: 3 is bicubic. */
  readonly resample?: number;
  readonly size?: unknown;
}

const bicubic = 3;

/**
 * The size to which transformers' CLIP and SigLIP processors resize a picture with the bicubic filter: the shorter side
 * to `size.shortest_edge` (the longer one is cut down to a whole number), or exactly to `size`. Undefined for other
 * filters and rules, which are left to the library.
 *
 * @source transformers, `get_resize_output_image_size` with `default_to_square=False`
 */
export const fittedSize = (
  config: ResizeConfig,
  width: number,
  height: number,
): { width: number; height: number } | undefined => {
  if (config.do_resize === false || config.resample !== bicubic) return undefined;
  const size = (config.size ?? {}) as Readonly<Record<string, unknown>>;
  const { shortest_edge: edge } = size;
  if (typeof edge === "number" && size["longest_edge"] === undefined) {
    const longer = Math.trunc((edge * Math.max(width, height)) / Math.min(width, height));
    return width <= height ? { width: edge, height: longer } : { width: longer, height: edge };
  }
  if (typeof size["width"] === "number" && typeof size["height"] === "number")
    return { width: size["width"], height: size["height"] };
  return undefined;
};
