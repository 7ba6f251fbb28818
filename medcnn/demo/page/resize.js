/**
 * Images brought to a model's size as Pillow does it, pixel for pixel: its BILINEAR filter, which is a triangle as wide
 * as the reduction, with weights in fixed point and 8 bits between the two passes (Pillow, src/libImaging/Resample.c).
 */

const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/**
 * An image as pixels (size, size, 3), the same as `medcnn.reading.decode.resize` makes.
 *
 * @param {{width: number, height: number, data: Uint8ClampedArray}} image RGBA; alpha is passed over.
 * @param {number} size
 * @param {"stretch" | "pad" | "crop"} fit
 * @returns {Uint8Array}
 */
export function resized(image, size, fit) {
  const { box, width, height } = placed(image, size, fit);
  if (width < 1 || height < 1) throw new RangeError("no pixel of it is left");
  const columns = taps(image.width, box.left, box.right, width);
  const rows = taps(image.height, box.top, box.bottom, height);
  const small = turned(turned(image, columns), rows);
  return laid(small, size);
}

/** Which part of the image is taken, and how large it becomes; see `ImageOps.contain` and `ImageOps.fit`. */
function placed({ width, height }, size, fit) {
  const box = { left: 0, top: 0, right: width, bottom: height };
  if (fit === "crop") {
    const side = Math.min(width, height);
    const [left, top] = [(width - side) / 2, (height - side) / 2];
    return { box: { left, top, right: left + side, bottom: top + side }, width: size, height: size };
  }
  if (fit === "pad" && width > height) return { box, width: size, height: roundedToEven((height / width) * size) };
  if (fit === "pad") return { box, width: roundedToEven((width / height) * size), height: size };
  return { box, width: size, height: size };
}

/** For each of `count` pixels: where it begins to draw on a line of `length`, and its weights in fixed point. */
function taps(length, from, to, count) {
  const scale = (to - from) / count;
  const support = Math.max(scale, 1);
  const inverse = 1 / support;
  return Array.from({ length: count }, (_, index) => {
    const centre = from + (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const last = Math.min(Math.trunc(centre + support + 0.5), length);
    const shares = Array.from({ length: last - first }, (_, x) => triangle((x + first - centre + 0.5) * inverse));
    const total = shares.reduce((sum, share) => sum + share, 0);
    const weights = shares.map((share) => Math.trunc(0.5 + (share / total) * (1 << PRECISION_BITS)));
    return { first, weights: Int32Array.from(weights) };
  });
}

function triangle(x) {
  return Math.max(1 - Math.abs(x), 0);
}

/** The image with its rows resampled, and then turned over its diagonal: done twice, it is upright again. */
function turned({ width, height, data }, columns) {
  const out = new Uint8ClampedArray(columns.length * height * 4);
  for (let row = 0; row < height; row += 1) {
    columns.forEach(({ first, weights }, column) => {
      let [red, green, blue] = [HALF, HALF, HALF];
      let at = (row * width + first) * 4;
      for (const weight of weights) {
        red += data[at] * weight;
        green += data[at + 1] * weight;
        blue += data[at + 2] * weight;
        at += 4;
      }
      const to = (column * height + row) * 4;
      out[to] = red >> PRECISION_BITS;
      out[to + 1] = green >> PRECISION_BITS;
      out[to + 2] = blue >> PRECISION_BITS;
    });
  }
  return { width: height, height: columns.length, data: out };
}

/** The image in the middle of a black square, without alpha. */
function laid({ width, height, data }, size) {
  const out = new Uint8Array(size * size * 3);
  const [left, top] = [roundedToEven((size - width) / 2), roundedToEven((size - height) / 2)];
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      const from = (row * width + column) * 4;
      out.set(data.subarray(from, from + 3), ((top + row) * size + left + column) * 3);
    }
  }
  return out;
}

/** Python's `round`: a half goes to the even neighbour. */
function roundedToEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}
