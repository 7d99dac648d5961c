import type { ErrorDetail } from "../core/errors.ts";

/** What `--json` prints where there is no result: the line a person sees, and its parts. */
export interface ErrorDocument {
  readonly error: { readonly code: string; readonly message: string } & Omit<ErrorDetail, "cause">;
}

/** The document of an error; `code` is the stable name of its kind. */
export const errorDocument = (
  code: string,
  message: string,
  { where, expected, got, hint }: ErrorDetail = {},
): ErrorDocument => ({
  error: {
    code,
    message,
    ...(where === undefined ? {} : { where }),
    ...(expected === undefined ? {} : { expected }),
    ...(got === undefined ? {} : { got }),
    ...(hint === undefined ? {} : { hint }),
  },
});
