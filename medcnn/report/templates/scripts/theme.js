// Light, dark, or as the system has it; remembered where the browser allows it.

function themed(choice) {
  const show = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  };
  const kept = (task) => {
    try {
      return task();
    } catch {
      return null;
    }
  };
  choice.value = kept(() => localStorage.getItem("medcnn-theme")) ?? "";
  show(choice.value);
  choice.addEventListener("change", () => {
    show(choice.value);
    kept(() => localStorage.setItem("medcnn-theme", choice.value));
  });
  choice.closest("label").hidden = false;
}

themed(document.querySelector(".theme select"));
