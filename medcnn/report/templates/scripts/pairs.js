// The matrices of pairs: what a cell says in full, by pointing, by click and by arrow keys.

const STEPS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

function readPairs(table) {
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => cell.querySelector("button")));
  const buttons = rows.flat().filter(Boolean);
  const shown = table.closest(".wide").nextElementSibling.querySelector("output");

  const tell = ({ target }) => {
    const button = target.closest("td")?.querySelector("button");
    if (button) shown.textContent = button.title;
  };
  const move = (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const row = rows.findIndex((of) => of.includes(event.target));
    let [down, across] = [row, rows[row].indexOf(event.target)];
    const [rise, step] = STEPS[event.key];
    do [down, across] = [down + rise, across + step];
    while (rows[down]?.[across] === null);
    rows[down]?.[across]?.focus();
  };
  // One stop of the Tab key; arrows do the rest.
  for (const button of buttons.slice(1)) button.tabIndex = -1;
  for (const event of ["focusin", "click", "mouseover"]) table.addEventListener(event, tell);
  table.addEventListener("keydown", move);
}

document.querySelectorAll("table.pairs").forEach(readPairs);
