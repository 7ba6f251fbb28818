// Terms of the glossary are defined where they are used, by pointing at them or by key.

function glossary() {
  const found = new Map();
  for (const entry of document.querySelectorAll("#glossary dl > div")) {
    const [terms, meaning] = [entry.querySelector("dt").textContent, entry.querySelector("dd").textContent];
    for (const term of terms.split(", ")) found.set(term.toLowerCase(), meaning);
  }
  return found;
}

/** The pieces of text of an element in which a term may be marked. */
function* texts(root) {
  const unread = "a, code, pre, script, style, svg, select, output, h2, h3, h4, summary, dialog, form, .tools, .term, .checks";
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) if (!walker.currentNode.parentElement.closest(unread)) yield walker.currentNode;
}

function markTerms(root, meanings, stops) {
  const longest = [...meanings.keys()].sort((one, other) => other.length - one.length);
  const pattern = new RegExp(`(?<![\\w-])(${longest.map((term) => RegExp.escape?.(term) ?? term).join("|")})(?![\\w-])`, "i");
  const seen = new Set();
  for (const text of [...texts(root)]) {
    const match = text.data.match(pattern);
    const term = match?.[1].toLowerCase();
    if (!match || seen.has(term)) continue;
    seen.add(term);
    const rest = text.splitText(match.index);
    rest.splitText(match[1].length);
    const mark = Object.assign(document.createElement("span"), { className: "term" });
    mark.dataset.term = term;
    rest.replaceWith(mark);
    mark.append(rest);
    // A button is a stop already, and one stop for each term of a study is enough.
    if (!mark.closest("button") && !stops.has(term)) mark.tabIndex = 0;
    stops.add(term);
  }
}

function define(meanings) {
  const tip = Object.assign(document.createElement("div"), { id: "tip", role: "tooltip", hidden: true });
  document.body.append(tip);
  let leaving = 0;
  const hide = () => {
    tip.hidden = true;
    document.querySelector("[aria-describedby=tip]")?.removeAttribute("aria-describedby");
  };
  const show = ({ target }) => {
    if (target.closest("#tip")) return clearTimeout(leaving);
    const mark = target.closest(".term") ?? (target.matches("button") ? target.querySelector(".term") : null);
    if (!mark) return undefined;
    clearTimeout(leaving);
    hide();
    tip.textContent = meanings.get(mark.dataset.term);
    tip.hidden = false;
    target.setAttribute("aria-describedby", "tip");
    const [box, size] = [mark.getBoundingClientRect(), tip.getBoundingClientRect()];
    const above = box.bottom + size.height + 8 > innerHeight;
    tip.style.left = `${scrollX + Math.max(8, Math.min(box.left, innerWidth - size.width - 8))}px`;
    tip.style.top = `${scrollY + (above ? box.top - size.height - 4 : box.bottom + 4)}px`;
    return undefined;
  };
  const leave = () => {
    clearTimeout(leaving);
    leaving = setTimeout(hide, 200);
  };
  for (const event of ["mouseover", "focusin"]) document.addEventListener(event, show);
  for (const event of ["mouseout", "focusout"]) document.addEventListener(event, leave);
  addEventListener("keydown", ({ key }) => key === "Escape" && hide());
}

const MEANINGS = glossary();
for (const study of MEANINGS.size ? document.querySelectorAll("article") : []) {
  const stops = new Set();
  for (const part of study.querySelectorAll(":scope > header, section")) markTerms(part, MEANINGS, stops);
}
if (MEANINGS.size) define(MEANINGS);
