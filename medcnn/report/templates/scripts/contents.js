// The contents stay at hand while one reads, and say where one is.

function follow(contents) {
  const links = new Map([...contents.querySelectorAll("a")].map((link) => [link.hash.slice(1), link]));
  const mark = (id) => {
    for (const [of, link] of links) {
      if (of === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    const link = links.get(id);
    const list = contents.querySelector("ol");
    list.scrollLeft = link.offsetLeft - list.offsetLeft - (list.clientWidth - link.offsetWidth) / 2;
  };
  const watcher = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => mark(entry.target.id)),
    { rootMargin: "-20% 0px -75% 0px" },
  );
  for (const id of links.keys()) watcher.observe(document.getElementById(id));
}

document.querySelectorAll(".contents").forEach(follow);

// A region that scrolls can be reached by key; one that does not would only be a stop more.
function reach() {
  for (const region of document.querySelectorAll(".wide, pre")) {
    const scrolls = region.scrollWidth > region.clientWidth + 1;
    region.classList.toggle("scrolls", scrolls);
    if (scrolls) region.tabIndex = 0;
    else region.removeAttribute("tabindex");
  }
}

const sizes = new ResizeObserver(reach);
for (const region of document.querySelectorAll(".wide, pre")) sizes.observe(region);
