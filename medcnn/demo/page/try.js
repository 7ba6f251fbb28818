/** The page: takes an image and a choice of model, shows the answer. All texts from outside go in as text, never as HTML. */

import { UnreadableImage, decoded } from "./decode.js";
import { guessed, invite, verdict } from "./guess.js";
import { MissingModel, opened } from "./model.js";
import { strangeness } from "./novelty.js";
import { resized } from "./resize.js";

const DEMO = new URL("./", import.meta.url);
const find = (id) => document.getElementById(id);
const choice = find("choice");
/** What is asked: the image file with its name, and of a test image its sample; or nothing yet. */
let asked = null;
/** The number of the latest question; an answer to an earlier one is dropped. */
let latest = 0;

const index = await (await fetch(new URL("index.json", DEMO))).json();
begin();

function begin() {
  options(choice.study, index.studies.map(({ name }) => [name, name]));
  showStudy();
  find("needed").hidden = true;
  find("trial").hidden = false;
  choice.addEventListener("change", (event) => {
    if (event.target === choice.study) showStudy();
    if (event.target === choice.model) showPrecisions();
    answer();
  });
  find("image").addEventListener("change", ({ target }) => {
    if (target.files.length) ask(target.files);
    // The same file chosen again is a question too.
    target.value = "";
  });
  document.addEventListener("paste", ({ clipboardData }) => ask(clipboardData.files));
  acceptDrops();
}

function acceptDrops() {
  const drop = find("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    ask(event.dataTransfer.files);
  });
}

function study() {
  return index.studies.find(({ name }) => name === choice.study.value);
}

function model() {
  return study().models.find(({ name }) => name === choice.model.value);
}

function showStudy() {
  const { title, models, samples, chosen } = study();
  find("title").textContent = title;
  options(choice.model, models.map(({ name }) => [name, name === chosen ? `${name} (chosen)` : name]));
  find("samples").hidden = !samples.length;
  find("samples").querySelector("ul").replaceChildren(...samples.map(sample));
  showPrecisions();
}

function showPrecisions() {
  for (const input of choice.precision) input.disabled = !(input.value in model().files);
  const enabled = [...choice.precision].filter((input) => !input.disabled);
  if (!enabled.some((input) => input.checked)) enabled[0].checked = true;
}

function options(select, pairs) {
  select.replaceChildren(...pairs.map(([value, text]) => new Option(text, value)));
}

function sample(taken, position) {
  const { file } = taken;
  const [item, button, picture] = ["li", "button", "img"].map((tag) => document.createElement(tag));
  Object.assign(button, { type: "button" });
  Object.assign(picture, { src: new URL(file, DEMO), alt: "" });
  button.append(picture, `Image ${position + 1}`);
  button.addEventListener("click", async () => {
    const response = await fetch(picture.src).catch(() => null);
    if (!response?.ok) return complain(`${file} is missing: run python -m medcnn demo make again`);
    await ask([new File([await response.blob()], `Test image ${position + 1}`)], taken);
    button.setAttribute("aria-pressed", "true");
  });
  item.append(button);
  return item;
}

function ask(files, taken = null) {
  for (const pressed of document.querySelectorAll("[aria-pressed]")) pressed.removeAttribute("aria-pressed");
  if (!files.length) return complain("That is not an image file: choose, drop or paste a PNG, JPEG, WebP, BMP or GIF");
  asked = { file: files[0], name: files[0].name || "the image", others: files.length - 1, taken };
  return answer();
}

async function answer() {
  if (!asked) return;
  latest += 1;
  const question = latest;
  const current = () => question === latest;
  const address = new URL(model().files[choice.precision.value], DEMO);
  const { taken } = asked;
  find("guess").hidden = true;
  if (taken && !guessed(taken)) {
    find("fault").hidden = true;
    find("result").hidden = true;
    tell("What do you see?");
    const classes = [...new Set(study().samples.map(({ label }) => label))];
    return invite(taken, new URL(taken.file, DEMO), classes, answer);
  }
  try {
    tell(`Asking ${model().name} …`);
    const network = await opened(address, (share) => current() && load(share));
    load(1);
    const started = performance.now();
    const pixels = seen(await decoded(asked.file, asked.name), network.card, asked.name);
    const prepared = performance.now();
    const probabilities = await network.probabilities(pixels);
    const done = performance.now();
    if (current()) show(network.card, pixels, probabilities, { prepare: prepared - started, run: done - prepared });
  } catch (fault) {
    if (!current()) return;
    if (!(fault instanceof UnreadableImage || fault instanceof MissingModel)) console.error(fault);
    complain(fault.message);
  }
}

function seen(image, { image_size: size, fit }, name) {
  try {
    return resized(image, size, fit);
  } catch {
    throw new UnreadableImage(`${name} is too narrow: ${image.width} x ${image.height} pixels`);
  }
}

/** Show an answer: first what a screen reader says of it, then what an eye finds. */
function show(card, pixels, probabilities, times) {
  const chances = card.class_names.map((name, position) => ({ name, chance: probabilities[position] }));
  const inside = ({ name, chance }) =>
    card.multi_label ? chance >= (card.operating_points[name] ?? 0.5) : 1 - chance <= card.conformal_threshold;
  const sure = certainty(card);
  const answer = card.multi_label ? findings(chances, sure) : likeliest(chances, sure);
  const unlike = strangeness(pixels, card.image_size, card.novelty);
  find("fault").hidden = true;
  find("result").hidden = false;
  find("source").textContent = asked.name + (asked.others ? ` (the first of ${asked.others + 1} files)` : "");
  find("called").textContent = answer.name;
  find("verdict").textContent = asked.taken ? verdict(asked.taken, answer.name, study().samples) : "";
  find("result").querySelector("tbody").replaceChildren(...chances.map((row) => chanceRow(row, inside(row), sure)));
  find("set").textContent = setSentence(chances.filter(inside), card);
  find("seen").textContent = `${card.image_size} x ${card.image_size} pixels, ${fitted[card.fit]}`;
  find("times").textContent = timeSentence(times, card);
  draw(pixels, card.image_size);
  showWarning(unlike, card.novelty.threshold);
  tell(`${answer.spoken}${find("unlike").hidden ? "" : "; but the image looks unlike the training images"}`);
  // For the ear alone: the eye finds it below.
  find("status").classList.add("unseen");
  find("result").scrollIntoView({ block: "nearest" });
}

/** A probability as text, never surer than the validation images can support; see `medcnn/inference/certainty.py`. */
function certainty({ metrics }) {
  const images = metrics?.validation?.images ?? 0;
  const most = images ? Math.max(1 - 3 / images, 0.5) : 0.5;
  return (chance) => {
    if (chance > most) return `> ${percent(most)}`;
    return chance < 1 - most ? `< ${percent(1 - most)}` : percent(chance);
  };
}

function likeliest(chances, sure) {
  const { name, chance } = chances.reduce((first, other) => (other.chance > first.chance ? other : first));
  return { name, spoken: `${name}, ${sure(chance)}` };
}

/** Of several findings an image has those above 0.5, or none. */
function findings(chances, sure) {
  const found = chances.filter(({ chance }) => chance > 0.5);
  const spoken = found.map(({ name, chance }) => `${name}, ${sure(chance)}`).join("; ");
  return { name: found.map(({ name }) => name).join(", ") || "no finding", spoken: spoken || "no finding" };
}

const fitted = { stretch: "stretched to a square", pad: "with black borders", crop: "its middle" };

function chanceRow({ name, chance }, inside, sure) {
  const row = document.createElement("tr");
  const head = document.createElement("th");
  Object.assign(head, { scope: "row", textContent: name });
  const [value, set] = [0, 1].map(() => document.createElement("td"));
  const bar = document.createElement("i");
  bar.style.setProperty("--share", chance);
  head.append(bar);
  const number = Object.assign(document.createElement("data"), { value: chance, textContent: sure(chance) });
  value.append(number);
  Object.assign(set, { className: "text", textContent: inside ? "yes" : "no" });
  row.className = inside ? "inside" : "outside";
  row.append(head, value, set);
  return row;
}

function setSentence(inside, { conformal_coverage: coverage, class_names: names, multi_label: several }) {
  if (several) {
    const listed = inside.map(({ name }) => name).join(", ") || "none";
    return `Findings that reach their operating point, fitted on validation: ${listed}.`;
  }
  const kept = `Sets are fitted to hold the true class of ${percent(coverage)} of images like those of validation.`;
  if (!inside.length) return `No answer: ask a reader. No class is likely enough for a prediction set. ${kept}`;
  if (inside.length === names.length) return `Prediction set: every class, so the model cannot tell. ${kept}`;
  return `Prediction set: ${inside.map(({ name }) => name).join(", ")}. ${kept}`;
}

function timeSentence({ prepare, run }, { model: name, precision, temperature }) {
  const total = `Answered in ${milliseconds(prepare + run)}: ${milliseconds(prepare)} to decode and resize, ${milliseconds(run)} in the model.`;
  return `${total} ${name}, ${precision}, temperature ${Number(temperature.toPrecision(3))}.`;
}

function showWarning(score, threshold) {
  const note = find("unlike");
  note.hidden = !(score > threshold);
  const title = Object.assign(document.createElement("strong"), { textContent: "Unlike the training images." });
  const scores = `its score is ${score.toFixed(1)}, above the limit of ${threshold.toFixed(1)} from validation`;
  note.replaceChildren(title, ` The answer may mean nothing: ${scores}.`);
}

function draw(pixels, size) {
  const view = find("view");
  Object.assign(view, { width: size, height: size });
  const image = new ImageData(size, size);
  for (let pixel = 0; pixel < size * size; pixel += 1) {
    image.data.set(pixels.subarray(pixel * 3, pixel * 3 + 3), pixel * 4);
    image.data[pixel * 4 + 3] = 255;
  }
  view.getContext("2d").putImageData(image, 0, 0);
}

function tell(text) {
  find("status").classList.remove("unseen");
  find("status").textContent = text;
}

/** How much of a model is here, from 0 to 1. */
function load(share) {
  Object.assign(find("loading"), { hidden: share === 1, value: share });
}

function complain(text) {
  // A late answer to what was asked before must not cover it.
  latest += 1;
  load(1);
  find("guess").hidden = true;
  find("result").hidden = true;
  Object.assign(find("fault"), { hidden: false, textContent: text });
  find("fault").scrollIntoView({ block: "nearest" });
  tell("");
}

function percent(share) {
  const rounded = (100 * share).toFixed(1);
  if (share > 0 && rounded === "0.0") return "below 0.1%";
  if (share < 1 && rounded === "100.0") return "above 99.9%";
  return `${rounded.replace(/\.0$/, "")}%`;
}

function milliseconds(time) {
  return time < 1000 ? `${Math.round(time)} ms` : `${(time / 1000).toFixed(1)} s`;
}
