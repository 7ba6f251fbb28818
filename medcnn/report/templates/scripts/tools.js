// Addresses of tables, figures and folds, and what can be taken away: a table as CSV, a figure as it is drawn.

function slug(text) {
  return text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 48).replace(/-$/, "");
}

/** Give an element an address of its own, from its section and its words. */
function name(element, words) {
  if (element.id) return element.id;
  const place = element.closest("section")?.id ?? element.closest("article")?.id ?? "page";
  const wanted = `${place}-${slug(words)}`;
  let found = wanted;
  for (let count = 2; document.getElementById(found); count += 1) found = `${wanted}-${count}`;
  element.id = found;
  return found;
}

function linkTo(id, words) {
  const link = Object.assign(document.createElement("a"), { href: `#${id}`, textContent: "#" });
  link.setAttribute("aria-label", `Link to ${words}`);
  return link;
}

function tools(place, ...controls) {
  const box = Object.assign(document.createElement("span"), { className: "tools" });
  box.append(...controls);
  place.append(box);
}

function taker(kind, words, take) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: kind });
  button.setAttribute("aria-label", `Download ${words} as ${kind}`);
  button.addEventListener("click", take);
  return button;
}

function save(text, type, file) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  Object.assign(document.createElement("a"), { href: url, download: file }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// CSV ----------------------------------------------------------------------------------------------------------------

/** The cells of some rows by place, each in every row and column that it spans. */
function spread(rows) {
  const grid = rows.map(() => []);
  rows.forEach((row, down) => {
    for (const cell of row.cells) {
      let across = grid[down].findIndex((taken) => taken === undefined);
      if (across < 0) across = grid[down].length;
      for (let below = 0; below < cell.rowSpan && down + below < rows.length; below += 1) {
        for (let beside = 0; beside < cell.colSpan; beside += 1) grid[down + below][across + beside] = cell;
      }
    }
  });
  return grid;
}

function wordsOf(cell) {
  const copy = cell.cloneNode(true);
  for (const part of copy.querySelectorAll(".tag, .ticks, .ends, .place, .tools")) part.remove();
  return copy.textContent.replace(/\s+/g, " ").trim();
}

/** A cell's exact values, the figure before the ends of its interval, or else its words. */
function valuesOf(cell) {
  const values = cell.matches(".text") ? [] : [...cell.querySelectorAll("data")].map((datum) => datum.value);
  const nothing = cell.querySelector("abbr") && !values.length;
  return nothing ? [""] : values.length ? values : [wordsOf(cell)];
}

function quoted(value) {
  // A spreadsheet would run what begins like a formula.
  const safe = /^[=@\t]/.test(value) ? `'${value}` : value;
  return /[",\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function csvOf(table) {
  const heads = spread([...(table.tHead?.rows ?? [])]);
  const lines = [...table.tBodies].flatMap((body) => spread([...body.rows]));
  const columns = Math.max(0, ...lines.map((line) => line.length));
  const values = lines.map((line) => line.map((cell) => (cell ? valuesOf(cell) : [""])));
  const widths = Array.from({ length: columns }, (_, at) => Math.max(...values.map((line) => line[at]?.length ?? 0)));
  const ends = (width) => (width === 3 ? ["", " low", " high"] : Array.from({ length: width }, (_, at) => (at ? ` ${at + 1}` : "")));
  const title = (at) => [...new Set(heads.map((row) => row[at]).filter(Boolean).map(wordsOf))].filter(Boolean).join(", ");
  const header = widths.flatMap((width, at) => ends(width).map((end) => title(at) + end));
  const rows = values.map((line) => widths.flatMap((width, at) => Array.from({ length: width }, (_, end) => line[at]?.[end] ?? "")));
  const notes = lines.map((line) => line[0]?.querySelector(".tag")?.textContent.trim() ?? "");
  if (notes.some(Boolean)) {
    header.push("note");
    rows.forEach((row, at) => row.push(notes[at]));
  }
  return [header, ...rows].map((row) => row.map(quoted).join(",")).join("\n") + "\n";
}

// Figures ------------------------------------------------------------------------------------------------------------

const STYLES = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-family", "font-size", "font-weight", "opacity"];

/** A drawing of this page as a file of its own, with the colours that it has here. */
function svgOf(drawing) {
  const copy = drawing.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const [here, there] = [drawing, copy].map((root) => [root, ...root.querySelectorAll("*")]);
  here.forEach((element, at) => {
    const style = getComputedStyle(element);
    there[at].setAttribute("style", STYLES.map((key) => `${key}:${style.getPropertyValue(key)}`).join(";"));
  });
  return new XMLSerializer().serializeToString(copy);
}

function figureTaker(figure, words, file) {
  const drawing = figure.querySelector(":scope > svg");
  if (drawing) return taker("SVG", words, () => save(svgOf(drawing), "image/svg+xml", `${file}.svg`));
  const link = document.createElement("a");
  Object.assign(link, { href: figure.querySelector("img").src, download: `${file}.svg`, textContent: "SVG" });
  link.setAttribute("aria-label", `Download ${words} as SVG`);
  return link;
}

// Everything ---------------------------------------------------------------------------------------------------------

for (const heading of document.querySelectorAll("section h3")) {
  tools(heading, linkTo(heading.closest("section").id, heading.textContent.trim()));
}
for (const caption of document.querySelectorAll("article caption")) {
  const table = caption.closest("table");
  const words = wordsOf(caption);
  const id = name(table, table.dataset.name ?? words);
  tools(caption, linkTo(id, words), taker("CSV", words, () => save(csvOf(table), "text/csv", `${id}.csv`)));
}
for (const figure of document.querySelectorAll('article figure:has(> img[src^="data:image/svg"], > svg)')) {
  const caption = figure.querySelector("figcaption");
  const words = caption.firstChild.textContent.trim();
  const id = name(figure, `${words}-figure`);
  tools(caption, linkTo(id, words), figureTaker(figure, words, id));
}
for (const fold of document.querySelectorAll("article details")) {
  name(fold, fold.querySelector("summary").textContent);
  // A click, as printing opens folds too.
  fold.querySelector("summary").addEventListener("click", () => setTimeout(() => {
    const place = fold.closest("section")?.id ?? fold.closest("article").id;
    select(place, { open: [...document.querySelectorAll(`#${CSS.escape(place)} details[open]`)].map(({ id }) => id).join(" ") });
  }));
}
for (const id of selected().get("open")?.split(" ") ?? []) {
  const fold = document.getElementById(id);
  if (fold?.matches("details")) fold.open = true;
}
