// One study at a time.

function switchStudies() {
  const links = [...document.querySelectorAll(".studies a")];
  const studies = [...document.querySelectorAll("main > article")];

  const show = () => {
    const target = addressed();
    const chosen = target?.closest("main > article") ?? studies[0];
    for (const study of studies) study.hidden = study !== chosen;
    for (const link of links) {
      if (link.hash === `#${chosen.id}`) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    if (!target) return;
    unfold(target);
    // What was hidden or folded could not be scrolled to when the link was followed.
    target.scrollIntoView();
    if (target === chosen) chosen.querySelector("h2").focus({ preventScroll: true });
  };
  addEventListener("hashchange", show);
  show();
}

switchStudies();
