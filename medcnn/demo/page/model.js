/** An exported model in onnxruntime-web, on the CPU, in a worker of its own so that the page stays awake. */

import * as ort from "./ort/ort.wasm.min.mjs";

ort.env.wasm.proxy = true;
/** Entries of a card that are text; all others are JSON, see `medcnn/inference/card.py`. */
const TEXTS = new Set(["fit", "format", "frames", "model", "positive", "precision", "study", "data_sha256"]);

/** A fault of the demo's files; its message is one line for the page. */
export class MissingModel extends Error {}

let current = { address: "", model: null };

/**
 * The model at an address, with its card: the same as last time, or another in its place.
 *
 * @param {URL} address
 * @param {(share: number) => void} progress how much of it is here, from 0 to 1
 * @returns {Promise<{card: object, probabilities: (pixels: Uint8Array) => Promise<Float32Array>}>}
 * @throws {MissingModel} its files are not there, or cannot be run
 */
export function opened({ href }, progress) {
  if (current.address !== href) {
    const before = current.model;
    current = { address: href, model: load(href, before, progress) };
    // A fault is not kept: the file may be there next time.
    current.model.catch(() => {
      if (current.address === href) current = { address: "", model: null };
    });
  }
  return current.model;
}

async function load(address, before, progress) {
  const former = await before?.catch(() => null);
  await former?.release();
  const [entries, content] = await Promise.all([
    fetched(`${address}.json`).then((response) => response.json()),
    fetched(address).then((response) => arrived(response, progress)),
  ]);
  const session = await ort.InferenceSession.create(content).catch((fault) => {
    throw new MissingModel(`onnxruntime-web cannot run ${name(address)}: ${String(fault.message).split("\n")[0]}`);
  });
  const card = parsed(entries);
  return { card, probabilities: (pixels) => run(session, pixels, card.image_size), release: () => session.release() };
}

async function arrived(response, progress) {
  // A server that compresses gives the compressed length, which what arrives here exceeds.
  const total = Number(response.headers.get("Content-Length"));
  const reader = response.body.getReader();
  const parts = [];
  let here = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    here += part.value.length;
    if (total) progress(Math.min(here / total, 1));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

async function fetched(address) {
  const response = await fetch(address).catch(() => null);
  if (!response) throw new MissingModel("The server does not answer: is make serve still running?");
  if (!response.ok) throw new MissingModel(`${name(address)} is missing: run python -m medcnn demo make again`);
  return response;
}

function parsed(entries) {
  return Object.fromEntries(
    Object.entries(entries).map(([key, text]) => [key, TEXTS.has(key) ? text : JSON.parse(text)]),
  );
}

async function run(session, pixels, size) {
  const image = new ort.Tensor("float32", Float32Array.from(pixels), [1, size, size, 3]);
  const { probabilities } = await session.run({ image });
  return probabilities.data;
}

function name(address) {
  return new URL(address).pathname.split("/").slice(-2).join("/");
}
