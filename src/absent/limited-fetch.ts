/** `fetch` whose answers end with an error after `mostBytes`, so that no server can fill the memory. */
export const limitedFetch =
  (mostBytes: number): typeof fetch =>
  async (input, init) => {
    const response = await fetch(input, init);
    if (response.body === null) return response;
    let bytes = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        bytes += piece.length;
        if (bytes > mostBytes) controller.error(new Error(`the answer is longer than ${mostBytes} bytes`));
        else controller.enqueue(piece);
      },
    });
    return new Response(response.body.pipeThrough(counted), response);
  };
