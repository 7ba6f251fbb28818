// The test images: filtered by a form and by links, and looked at one by one. The address says which.

const EVERY = { truth: "", said: "", group: "", right: "any", low: "", high: "", image: "" };

function browse(root) {
  const { classes, outcomes, images, models, order } = JSON.parse(document.getElementById(root.dataset.source).textContent);
  const { best } = root.dataset;
  const section = root.closest("section");
  const form = root.querySelector("form");
  const items = [...root.querySelectorAll(".thumbs > li")];
  const viewer = root.querySelector("dialog");
  const several = outcomes.length > classes.length;
  let state = {};
  let listed = [];

  const same = (one, other) => one.join() === other.join();
  const right = (model, index) => same(models[model].outcomes[index], images[index].truth);
  const named = (of) => {
    const names = of.map((outcome) => outcomes[outcome]).filter((name) => classes.includes(name));
    return names.join(", ") || "no finding";
  };

  const shows = (index) => {
    const { outcomes: said, probabilities } = models[state.model];
    const has = (of, name) => !name || of.includes(outcomes.indexOf(name));
    const percentage = 100 * Math.max(...probabilities[index]);
    return (
      has(images[index].truth, state.truth) &&
      has(said[index], state.said) &&
      (!state.group || images[index].group === state.group) &&
      (state.right === "any" || (state.right === "right") === right(state.model, index)) &&
      percentage >= Number(state.low || 0) &&
      percentage <= Number(state.high || 100)
    );
  };

  const list = () => {
    listed = [];
    items.forEach((item, index) => {
      const correct = right(state.model, index);
      item.hidden = !shows(index);
      item.className = correct ? "right" : "wrong";
      const answer = correct ? "" : `, read as ${named(models[state.model].outcomes[index])}`;
      item.querySelector("span").textContent = images[index].label + answer;
      if (!item.hidden) listed.push(index);
    });
    for (const [name, value] of Object.entries(state)) if (form.elements[name]) form.elements[name].value = value;
    form.querySelector("output").value = `${counted(listed.length)} of ${counted(images.length)} images`;
  };

  // The address ------------------------------------------------------------------------------------------------------

  const known = (name, value) => [...(form.elements[name]?.options ?? [])].some((option) => option.value === value);
  const read = (asked) => {
    const start = images.some((_, index) => !right(best, index)) && !Object.keys(asked).length;
    state = { ...EVERY, model: best, ...(start && { right: "wrong" }) };
    for (const [name, value] of Object.entries(asked)) {
      const isNumber = ["low", "high"].includes(name) && Number.isFinite(Number(value));
      const isImage = name === "image" && images.some((image) => image.id === value);
      if (isNumber || isImage || known(name, value)) state[name] = value;
    }
  };
  const write = (change, keep = "replaceState") => {
    state = { ...state, ...change };
    const plain = { ...EVERY, right: "", model: best };
    const given = Object.entries(state).filter(([name, value]) => value !== plain[name]);
    history[keep](null, "", `#${section.id}?${new URLSearchParams(given)}`);
  };

  // One image --------------------------------------------------------------------------------------------------------

  const line = (model, index) => {
    const { outcomes: said, probabilities, sets } = models[model];
    const row = document.createElement("tr");
    if (model === best) row.className = "best";
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: model });
    const asked = classes.map((name, column) => [name, probabilities[index][column]]);
    const matters = (name) => [...said[index], ...images[index].truth].some((outcome) => outcomes[outcome] === name);
    const share = (value) => sure(value, Number(root.dataset.most)).replaceAll(" ", "\u00a0");
    const listed = asked.filter(([name]) => matters(name)).sort((one, other) => other[1] - one[1]);
    const cells = [
      [named(said[index]), `text ${right(model, index) ? "right" : "wrong"}`],
      [listed.map(([name, value]) => (listed.length > 1 || several ? `${name} ${share(value)}` : share(value))).join("\n")],
      ...(sets ? [[sets[index].map((column) => classes[column]).join(", ") || "no answer: ask a reader", "text"]] : []),
    ];
    row.append(head, ...cells.map(([textContent, className = ""]) => Object.assign(document.createElement("td"), { textContent, className })));
    return row;
  };

  const hang = (figure, picture) => {
    figure.querySelector("img")?.remove();
    figure.prepend(picture.cloneNode());
  };
  const show = (index) => {
    const image = images[index];
    const among = listed.includes(index) ? listed : [...images.keys()];
    const [picture, explained] = viewer.querySelectorAll("figure");
    const source = section.parentElement.querySelector(`[data-explains="${CSS.escape(image.id)}"]`);
    hang(picture, items[index].querySelector("img"));
    explained.hidden = !source;
    if (source) {
      hang(explained, source);
      explained.querySelector("figcaption").textContent = source.dataset.caption;
    }
    for (const slot of viewer.querySelectorAll("[data-show]")) slot.textContent = image[slot.dataset.show];
    viewer.querySelector("tbody").replaceChildren(...order.map((model) => line(model, index)));
    viewer.querySelector("output").value = `${among.indexOf(index) + 1} of ${among.length}`;
    viewer.onkeydown = ({ key }) => {
      if (key === "ArrowLeft") step(among, index, -1);
      if (key === "ArrowRight") step(among, index, 1);
    };
    for (const button of viewer.querySelectorAll("button")) {
      button.onclick = () => (button.value === "close" ? viewer.close() : step(among, index, Number(button.value)));
    }
    if (!viewer.open) viewer.showModal();
  };
  const step = (among, index, by) => {
    const next = among[(among.indexOf(index) + by + among.length) % among.length];
    write({ image: images[next].id });
    show(next);
  };

  // All of it --------------------------------------------------------------------------------------------------------

  const follow = () => {
    const here = addressed() === section;
    if (here || !state.model) read(here ? Object.fromEntries(selected()) : {});
    else state.image = "";
    list();
    const index = images.findIndex((image) => image.id === state.image);
    if (index >= 0) show(index);
    else if (viewer.open) viewer.close();
  };
  viewer.addEventListener("close", () => {
    const index = images.findIndex((image) => image.id === state.image);
    if (index < 0) return;
    write({ image: "" });
    items[index].hidden = false;
    items[index].querySelector("a").focus();
  });
  items.forEach((item, index) => {
    item.querySelector("a").addEventListener("click", (event) => {
      event.preventDefault();
      write({ image: images[index].id }, "pushState");
      show(index);
    });
  });
  form.addEventListener("input", () => {
    write(Object.fromEntries(new FormData(form)));
    list();
  });
  form.querySelector("button").addEventListener("click", () => {
    write({ ...EVERY, model: state.model });
    list();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", follow);
  form.hidden = false;
  follow();
}

document.querySelectorAll(".browse").forEach(browse);
