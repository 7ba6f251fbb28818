"use strict";
// Everything here adds to a page that can be read without it: one study at a time, tables that sort, and the slider.

// Studies ------------------------------------------------------------------------------------------------------------

function switchStudies() {
  const links = [...document.querySelectorAll(".studies a")];
  const studies = [...document.querySelectorAll("main > article")];
  if (links.length < 2) return;

  const show = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const chosen = target?.closest("main > article") ?? studies[0];
    for (const study of studies) study.hidden = study !== chosen;
    for (const link of links) {
      if (link.hash === `#${chosen.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!target) return;
    // A hidden study could not be scrolled to when the link was followed.
    target.scrollIntoView();
    if (target === chosen) chosen.querySelector("h2").focus({ preventScroll: true });
  };
  addEventListener("hashchange", show);
  show();
}

// Tables -------------------------------------------------------------------------------------------------------------

// What a cell is sorted by: its exact value, its text, or nothing where it is not defined.
function keyOf(cell) {
  const value = cell.querySelector("data")?.value;
  if (value !== undefined) return Number(value);
  return cell.querySelector("abbr") ? null : cell.textContent.trim();
}

function compared(first, second) {
  return typeof first === "number" ? first - second : first.localeCompare(second);
}

function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
  rows.sort((one, other) => {
    if (one.key === null || other.key === null) return (one.key === null) - (other.key === null);
    return sign * compared(one.key, other.key);
  });
  body.append(...rows.map(({ row }) => row));
}

function makeSortable(table) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const first = heading.dataset.first ?? (column === 0 ? "ascending" : "descending");
      const turned = { ascending: "descending", descending: "ascending" };
      const direction = turned[heading.getAttribute("aria-sort")] ?? first;
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", direction);
      sortBy(table, column, direction);
    });
  });
}

// Errors -------------------------------------------------------------------------------------------------------------

const counted = (value) => value.toLocaleString("en-US");
const percent = (value) => `${(100 * value).toFixed(1)} %`;

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
  stop.addEventListener("input", draw);
  for (const choice of [model, name]) choice.addEventListener("change", restart);
  form.querySelector("button").addEventListener("click", restart);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.hidden = false;
  restart();
}

function printWhole() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
  });
}

printWhole();
switchStudies();
document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll(".explorer").forEach(explore);
