/** An image cannot be loaded; the message says what is wrong with it and where. */
export class ImageError extends Error {
  override readonly name = 'ImageError';
}
