/**
 * The same answer, whose body is watched while it is read.
 *
 * @param onPiece gets the length of every piece in bytes; what it throws ends the body with that error
 * @param onEnd called when the body has been read to its end; at once when there is none
 */
export const watchedResponse = (
  response: Response,
  onPiece: (bytes: number) => void,
  onEnd: () => void = () => {},
): Response => {
  const { body, status, statusText, headers, url } = response;
  if (body === null) {
    onEnd();
    return response;
  }
  const watched = body.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform: (piece, out) => {
        onPiece(piece.length);
        out.enqueue(piece);
      },
      flush: onEnd,
    }),
  );
  return Object.defineProperty(new Response(watched, { status, statusText, headers }), "url", { value: url });
};
