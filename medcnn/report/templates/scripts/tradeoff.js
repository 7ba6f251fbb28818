// The errors at every threshold.

const counted = (value) => value.toLocaleString("en-US");
const percent = (value) => `${(100 * value).toFixed(1)} %`;

/** A probability, never surer than the images that calibrated it can support; see medcnn/inference/certainty.py. */
function sure(chance, most) {
  if (chance > most) return `> ${percent(most)}`;
  return chance < 1 - most ? `< ${percent(1 - most)}` : percent(chance);
}

// As the metrics round, so that equal figures have equal values.
function share(part, whole) {
  return whole ? Math.round((1e6 * part) / whole) / 1e6 : null;
}

function figuresAt(images, curve, stop) {
  const [positives, negatives] = images;
  const missed = curve.false_negatives[stop];
  const alarms = curve.false_positives[stop];
  const [hits, rejections] = [positives - missed, negatives - alarms];
  return {
    threshold: [curve.thresholds[stop], curve.thresholds[stop].toFixed(3)],
    true_positives: [hits, counted(hits)],
    false_negatives: [missed, counted(missed)],
    false_positives: [alarms, counted(alarms)],
    true_negatives: [rejections, counted(rejections)],
    sensitivity: [share(hits, positives), percent],
    specificity: [share(rejections, negatives), percent],
    ppv: [share(hits, hits + alarms), percent],
    npv: [share(rejections, rejections + missed), percent],
  };
}

function display(slot, [value, shown]) {
  if (value === null) {
    const dash = Object.assign(document.createElement("abbr"), { title: "not defined", textContent: "\u2013" });
    slot.replaceChildren(dash);
    return;
  }
  const text = typeof shown === "function" ? shown(value) : shown;
  slot.replaceChildren(Object.assign(document.createElement("data"), { value, textContent: text }));
}

// The chart's axes are square roots; see tradeoff.py.
function placed(chart, axis, errors) {
  const [start, length, most] = chart.dataset[axis].split(" ").map(Number);
  return start + length * Math.sqrt(errors / most);
}

function drawChart(chart, model, curve, stop) {
  for (const mark of chart.querySelectorAll("[data-model]")) {
    mark.classList.toggle("chosen", mark.dataset.model === model);
  }
  // Drawn last of all lines, it lies above them.
  chart.querySelector("circle").before(chart.querySelector("polyline.chosen"));
  const here = chart.querySelector(".here");
  here.setAttribute("cx", placed(chart, "across", curve.false_positives[stop]));
  here.setAttribute("cy", placed(chart, "up", curve.false_negatives[stop]));
  here.setAttribute("visibility", "visible");
}

function explore(root) {
  const errors = JSON.parse(document.getElementById(root.dataset.source).textContent);
  const form = root.querySelector("form");
  const { model, name, stop, shown } = form.elements;
  const place = root.closest("section").id;
  const remember = () => select(place, { model: model.value, class: name.value, threshold: shown.value });

  const draw = () => {
    const { images, models } = errors[name.value];
    const curve = models[model.value];
    const figures = figuresAt(images, curve, stop.valueAsNumber);
    for (const slot of root.querySelectorAll("[data-show]")) {
      const key = slot.dataset.show;
      if (key in figures) display(slot, figures[key]);
      else slot.textContent = form.elements[key].value;
    }
    const [missed, alarms] = [figures.false_negatives[1], figures.false_positives[1]];
    shown.value = figures.threshold[1];
    stop.setAttribute("aria-valuetext", `${shown.value}: ${missed} false negatives, ${alarms} false positives`);
    for (const chart of root.querySelectorAll(".chart")) {
      chart.hidden = chart.dataset.class !== name.value;
      if (!chart.hidden) drawChart(chart, model.value, curve, stop.valueAsNumber);
    }
  };
  const restart = () => {
    const curve = errors[name.value].models[model.value];
    stop.max = curve.thresholds.length - 1;
    stop.value = curve.fitted ?? Math.floor(stop.max / 2);
    draw();
  };
  const recall = () => {
    const known = selected();
    if (!root.closest("article").contains(addressed()) || !(known.get("class") in errors)) return;
    name.value = known.get("class");
    if (known.get("model") in errors[name.value].models) model.value = known.get("model");
    restart();
    const { thresholds } = errors[name.value].models[model.value];
    const nearest = thresholds.findIndex((threshold) => threshold.toFixed(3) === known.get("threshold"));
    if (nearest >= 0) stop.value = nearest;
    draw();
  };
  stop.addEventListener("input", draw);
  for (const choice of [model, name]) choice.addEventListener("change", restart);
  form.querySelector("button").addEventListener("click", restart);
  // After each of these has drawn.
  for (const event of ["input", "change", "click"]) form.addEventListener(event, () => setTimeout(remember));
  addEventListener("hashchange", recall);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  restart();
  recall();
}

document.querySelectorAll(".explorer").forEach(explore);
