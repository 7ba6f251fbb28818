/** How unlike the training images an image is: the score that `medcnn/inference/novelty.py` describes, in the same order. */

const CELLS = 5;
const SHADES = 8;

/**
 * The score of an image; above `novelty.threshold` it is unlike the training images.
 *
 * @param {Uint8Array} pixels (size, size, 3)
 * @param {number} size
 * @param {{mean: number[], whitening: number[][]}} novelty the whitening's rows end at the diagonal
 * @returns {number} 0 or more
 */
export function strangeness(pixels, size, { mean, whitening }) {
  const apart = features(pixels, size).map((value, index) => value - mean[index]);
  const whitened = whitening.map((row) => row.reduce((sum, weight, index) => sum + weight * apart[index], 0));
  return Math.sqrt(average(whitened, (value) => value ** 2));
}

function features(pixels, size) {
  const image = Array.from({ length: size * size }, (_, index) => pixels.subarray(index * 3, index * 3 + 3));
  const totals = image.map(([red, green, blue]) => red + green + blue);
  const grey = totals.map((total) => total / 765);
  const inner = size - 1;
  const across = picture(inner, (x, y) => Math.abs(grey[y * size + x + 1] - grey[y * size + x]));
  const down = picture(inner, (x, y) => Math.abs(grey[(y + 1) * size + x] - grey[y * size + x]));
  const shades = new Array(SHADES).fill(0);
  for (const total of totals) shades[Math.floor((SHADES * total) / 766)] += 1 / totals.length;
  const middle = average(grey);
  return [
    ...cells(grey, size),
    ...cells(across, inner).map(Math.sqrt),
    ...cells(down, inner).map(Math.sqrt),
    ...shades.map(Math.sqrt),
    average(image, (pixel) => Math.max(...pixel) - Math.min(...pixel)) / 255,
    average(image, ([red, green]) => red - green) / 255,
    average(image, ([, green, blue]) => blue - green) / 255,
    Math.sqrt(average(grey, (value) => (value - middle) ** 2)),
    Math.sqrt(average(curvature(grey, size))),
  ];
}

function curvature(grey, size) {
  return picture(size - 2, (x, y) => {
    const at = (y + 1) * size + x + 1;
    return Math.abs(4 * grey[at] - grey[at - 1] - grey[at + 1] - grey[at - size] - grey[at + size]);
  });
}

/** A picture of `side` by `side`, row by row. */
function picture(side, value) {
  return Array.from({ length: side * side }, (_, index) => value(index % side, Math.floor(index / side)));
}

/** The mean of each cell of a picture that is cut in CELLS by CELLS, row by row. */
function cells(values, side) {
  const sums = new Array(CELLS * CELLS).fill(0);
  const counts = new Array(CELLS * CELLS).fill(0);
  values.forEach((value, index) => {
    const cell = part(Math.floor(index / side), side) * CELLS + part(index % side, side);
    sums[cell] += value;
    counts[cell] += 1;
  });
  return sums.map((sum, cell) => sum / counts[cell]);
}

/** Part i begins at pixel ceil(i side / CELLS), so that a pixel is of the part floor(pixel CELLS / side). */
function part(pixel, side) {
  return Math.floor((pixel * CELLS) / side);
}

function average(values, of = (value) => value) {
  return values.reduce((sum, value) => sum + of(value), 0) / values.length;
}
