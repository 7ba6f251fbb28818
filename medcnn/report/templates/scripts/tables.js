// Tables that sort.

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

document.querySelectorAll("table.sortable").forEach(makeSortable);
