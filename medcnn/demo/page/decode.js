/** Image files as pixels, the same as Pillow's: no colour management, turned as EXIF says, transparency on black. */

/** In bytes, and in pixels: what python -m medcnn predict reads, and no more. */
const LARGEST_FILE = 256 * 2 ** 20;
const MOST_PIXELS = 50_000_000;
const ELSEWHERE = "which only python -m medcnn predict reads";

/** Formats by how their files begin; `problem` where browsers do not read them. */
const FORMATS = [
  { at: 0, begins: "\x89PNG\r\n\x1a\n" },
  { at: 0, begins: "\xff\xd8\xff" },
  { at: 0, begins: "GIF8" },
  { at: 0, begins: "BM" },
  { at: 8, begins: "WEBP" },
  { at: 0, begins: "II*\0", problem: "is a TIFF image" },
  { at: 0, begins: "MM\0*", problem: "is a TIFF image" },
  { at: 0, begins: "II+\0", problem: "is a TIFF image" },
  { at: 4, begins: "ftypavif", problem: "is an AVIF image" },
  { at: 4, begins: "jP  ", problem: "is a JPEG 2000 image" },
  { at: 0, begins: "\x93NUMPY", problem: "is a NumPy array" },
  { at: 128, begins: "DICM", problem: "is a DICOM file" },
  { at: 344, begins: "n+1\0", problem: "is a NIfTI volume" },
  { at: 0, begins: "\x1f\x8b", problem: "is packed by gzip" },
  { at: 0, begins: "PK\x03\x04", problem: "is a zip archive" },
];
const PNG = FORMATS[0];

/** A fault of what the user gave; its message is one line for the page. */
export class UnreadableImage extends Error {}

/**
 * The first frame of an image file as RGBA pixels, upright.
 *
 * @param {Blob} file
 * @param {string} name what the page calls it
 * @returns {Promise<ImageData>}
 * @throws {UnreadableImage} it is too large, or no image that a browser reads as Pillow does
 */
export async function decoded(file, name) {
  if (file.size > LARGEST_FILE) throw new UnreadableImage(`${name} is larger than 256 MiB`);
  const head = await beginning(file, name);
  checkFormat(head, name);
  const options = { imageOrientation: "from-image", premultiplyAlpha: "none", colorSpaceConversion: "none" };
  const bitmap = await createImageBitmap(file, options).catch(() => {
    throw new UnreadableImage(`${name} is damaged, or no image that this browser reads`);
  });
  checkSize(bitmap, name);
  try {
    // Without alpha the canvas is black, so that transparent parts become what Pillow's alpha_composite makes of them.
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    return context.getImageData(0, 0, bitmap.width, bitmap.height);
  } catch {
    throw new UnreadableImage(`${name} is too large for this browser`);
  } finally {
    bitmap.close();
  }
}

async function beginning(file, name) {
  try {
    return new Uint8Array(await file.slice(0, 352).arrayBuffer());
  } catch {
    throw new UnreadableImage(`${name} cannot be opened; is it a folder?`);
  }
}

function checkFormat(head, name) {
  const text = String.fromCharCode(...head);
  if (!text) throw new UnreadableImage(`${name} is empty`);
  const format = FORMATS.find(({ at, begins }) => text.startsWith(begins, at));
  if (!format) throw new UnreadableImage(`${name} is not an image`);
  if (format.problem) throw new UnreadableImage(`${name} ${format.problem}, ${ELSEWHERE}`);
  if (format === PNG) checkPng(head, name);
}

/** The header of a PNG tells before anything is unpacked how large the image is, and how deep. */
function checkPng(head, name) {
  if (head.length < 25) throw new UnreadableImage(`${name} is damaged: it ends within its header`);
  const header = new DataView(head.buffer);
  checkSize({ width: header.getUint32(16), height: header.getUint32(20) }, name);
  if (head[24] === 16) throw new UnreadableImage(`${name} has 16 bits a channel, ${ELSEWHERE}`);
}

function checkSize({ width, height }, name) {
  if (width * height > MOST_PIXELS) {
    throw new UnreadableImage(`${name} has ${width} x ${height} pixels, more than ${MOST_PIXELS} in all`);
  }
}
