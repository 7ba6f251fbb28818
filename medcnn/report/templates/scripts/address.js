"use strict";
// Everything here adds to a page that can be read without it. The address says where on the page one is, and after a
// question mark what is selected there: #phantom-tradeoff?model=lite0&class=nodule.

/** What follows the question mark. */
function selected() {
  return new URLSearchParams(location.hash.split("?")[1] ?? "");
}

/** The element that the address names. */
function addressed() {
  return document.getElementById(decodeURIComponent(location.hash.slice(1).split("?")[0]));
}

/** Write what is selected into the address, so that it can be sent on; an empty value takes a key out. */
function select(place, values) {
  const known = selected();
  for (const [key, value] of Object.entries(values)) {
    if (value === "" || value === null) known.delete(key);
    else known.set(key, value);
  }
  const query = known.toString();
  history.replaceState(history.state, "", `#${encodeURIComponent(place)}${query ? `?${query}` : ""}`);
}

/** Open every fold around an element, so that it can be seen. */
function unfold(element) {
  for (let fold = element?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}
