// What the page can do beyond being read: search, filter, sort, links to a view, copying, keys.
// Without this script everything is there and shown. Nothing is fetched and nothing is stored
// but whether single keys are wanted, for this tab.
"use strict";
(() => {
  const finder = document.getElementById("finder");
  const list = document.querySelector(".checks");
  const said = document.getElementById("said");

  // Copying -----------------------------------------------------------------------------------

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea");
      area.value = text;
      area.className = "away";
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      await copy(document.getElementById(button.dataset.copy).textContent);
      said.textContent = said.dataset.copied;
    });
  }

  // Links into folded parts, and paper --------------------------------------------------------

  const unfold = (element) => {
    for (let part = element; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") part.open = true;
      if (part.hidden && part !== finder) part.hidden = false;
    }
  };
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });

  // The finder --------------------------------------------------------------------------------

  const target = () => decodeURIComponent(location.hash.slice(1));
  const isView = () => location.hash.startsWith("#?");
  const goTo = () => {
    const element = isView() ? null : document.getElementById(target());
    if (element) {
      unfold(element);
      element.scrollIntoView();
    }
  };

  if (!finder || !list) {
    addEventListener("hashchange", goTo);
    if (location.hash) goTo();
    return;
  }

  const fields = [...finder.elements].filter((field) => field.matches("input, select"));
  const checks = [...list.children].map((element, order) => ({
    element,
    order,
    name: element.dataset.name,
    count: Number(element.dataset.count),
    scope: element.dataset.scope,
    words: "",
    parts: [...element.querySelectorAll(".entry")].map((part) => ({
      element: part,
      outcome: part.dataset.outcome,
      kind: part.dataset.kind,
      level: part.dataset.level,
      words: "",
      nodes: "",
    })),
  }));
  const lower = (text) => text.toLocaleLowerCase();
  const wordsOf = (check, part) => {
    part.words ||= lower(`${check.name}\n${part.element.textContent}`);
    return part.words;
  };
  const nodesOf = (part) => {
    part.nodes ||= lower(
      [...part.element.querySelectorAll("[data-node]")].map((node) => node.textContent).join("\n"),
    ) || " ";
    return part.nodes;
  };

  const chosen = () => {
    const view = {};
    for (const field of fields) {
      if (field.type === "checkbox") {
        view[field.name] ??= [];
        if (field.checked) view[field.name].push(field.value);
      } else if (field.value.trim()) {
        view[field.name] = field.value.trim();
      }
    }
    return view;
  };

  const fits = (view, check, part) =>
    (!view.outcome.length || view.outcome.includes(part.outcome)) &&
    (!view.kind || view.kind === part.kind) &&
    (!view.level || view.level === part.level) &&
    (!view.scope || view.scope === check.scope) &&
    (!view.node || nodesOf(part).includes(lower(view.node))) &&
    (!view.text || lower(view.text).split(/\s+/).every((word) => wordsOf(check, part).includes(word)));

  const ORDERS = {
    name: (a, b) => a.name.localeCompare(b.name) || a.order - b.order,
    count: (a, b) => b.count - a.count || a.order - b.order,
  };
  let sorted = "";

  const show = () => {
    const view = chosen();
    const narrow = Object.entries(view).some(([name, value]) => name !== "sort" && value.length);
    let shown = 0;
    for (const check of checks) {
      let some = false;
      for (const part of check.parts) {
        const fit = !narrow || fits(view, check, part);
        part.element.hidden = !fit;
        some ||= fit;
      }
      check.element.hidden = !some;
      shown += some;
    }
    if ((view.sort ?? "") !== sorted) {
      sorted = view.sort ?? "";
      const order = ORDERS[sorted] ?? ((a, b) => a.order - b.order);
      list.append(...[...checks].sort(order).map((check) => check.element));
    }
    finder.elements.found.textContent = finder.dataset.found
      .replace("{shown}", shown.toLocaleString())
      .replace("{all}", checks.length.toLocaleString());
    finder.querySelector("[data-do=clear]").disabled = !narrow && !sorted;
    return view;
  };

  const remember = () => {
    const view = show();
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(view)) {
      if (value.length) query.set(name, Array.isArray(value) ? value.join(",") : value);
    }
    const hash = query.size ? `#?${query}` : "#findings";
    history.replaceState(null, "", hash);
  };

  const recall = () => {
    if (location.hash && !isView()) {
      goTo();
      return;
    }
    const query = new URLSearchParams(location.hash.slice(2));
    for (const field of fields) {
      const value = query.get(field.name) ?? "";
      if (field.type === "checkbox") field.checked = value.split(",").includes(field.value);
      else field.value = value;
    }
    show();
    if (isView()) finder.scrollIntoView();
  };

  const does = {
    clear: () => {
      finder.reset();
      remember();
    },
    link: async () => {
      await copy(location.href);
      said.textContent = said.dataset.copied;
    },
    open: () => {
      for (const check of checks) check.element.querySelector("details").open = true;
    },
    close: () => {
      for (const check of checks) check.element.querySelector("details").open = false;
    },
    keys: () => document.getElementById("keys").showModal(),
  };
  finder.addEventListener("submit", (event) => event.preventDefault());
  finder.addEventListener("input", remember);
  finder.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-do]");
    if (button) does[button.dataset.do]();
  });
  addEventListener("hashchange", recall);

  // Keys --------------------------------------------------------------------------------------

  const wanted = document.getElementById("keys-wanted");
  const store = (value) => {
    try {
      if (value === undefined) return sessionStorage.getItem("keys");
      sessionStorage.setItem("keys", value);
    } catch {
      // A browser that keeps nothing for a file: keys stay on.
    }
    return null;
  };
  wanted.checked = store() !== "off";
  wanted.addEventListener("change", () => store(wanted.checked ? "on" : "off"));
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, select, textarea, dialog, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !wanted.checked) return;
    if (event.key === "/") {
      event.preventDefault();
      finder.elements.text.focus();
    } else if (event.key === "?") {
      does.keys();
    }
  });

  finder.hidden = false;
  recall();
})();
