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

  // What did not fit the page: read from the record inside it, a screenful at a time ------------

  const PAGE = 50;
  const WORST_FIRST = ["fail", "unknown", "warn", "waived", "note"];
  // As reports clean texts: controls and invisible marks are seen, and do nothing.
  const clean = (text) =>
    text
      .replace(/\r\n?|[\u2028\u2029\u0085]/g, "\n")
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]/gu, "\ufffd")
      .replace(/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu,
        (mark) => `[U+${mark.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);

  // The packed record, line by line, so that nothing stands still meanwhile: what each entry has
  // of its own, and shapes and nodes that many share.
  const entriesOf = async (take) => {
    const link = document.querySelector("a[data-role=packed-record]").href;
    const bytes = Uint8Array.from(atob(link.slice(link.indexOf(",") + 1)), (sign) => sign.charCodeAt(0));
    let stream = new Blob([bytes]).stream();
    if (link.startsWith("data:application/gzip")) stream = stream.pipeThrough(new DecompressionStream("gzip"));
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    const nodes = [];
    const shapes = [];
    let checks = null;
    const line = (text) => {
      const part = JSON.parse(text);
      if (!checks) {
        checks = part.record.checks;
        return;
      }
      nodes.push(...part.nodes);
      shapes.push(...part.shapes);
      for (const [shape, message, , ...places] of part.rows) {
        const at = places.flatMap((place) => place.slice(3).map((node) => nodes[node]));
        take({ check: checks[part.check], entry: shapes[shape], message, place: places[0], nodes: at });
      }
    };
    let left = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const lines = (left + value).split("\n");
      left = lines.pop();
      for (const text of lines) line(text);
    }
  };

  const lower = (text) => text.toLocaleLowerCase();
  const rest = document.getElementById("rest");
  const pager = rest && (() => {
    const list = rest.querySelector("ol");
    const output = rest.querySelector("output");
    const row = rest.querySelector("template").content.firstElementChild;
    const button = (name) => rest.querySelector(`[data-rest=${name}]`);
    let all = null;
    let fitting = [];
    let start = 0;
    let last = null;

    const named = (node) => `${node.name ?? ""} ${node.uid ?? ""}`;
    const read = async () => {
      output.textContent = output.dataset.wait;
      all = [];
      await entriesOf((one) => {
        const names = lower(one.nodes.map(named).join("\n")) || " ";
        const words = `${lower(`${one.check.name ?? ""}\n${one.message ?? ""}`)}\n${names}`;
        all.push({ ...one, names, words });
      });
      const rank = (one) => WORST_FIRST.indexOf(one.entry.outcome);
      all.sort((a, b) => rank(a) - rank(b));
    };
    const fits = (view, one) => {
      const { check, entry } = one;
      if (view.outcome?.length && !view.outcome.includes(entry.outcome)) return false;
      if (view.kind && view.kind !== (entry.kind ?? rest.dataset.noKind)) return false;
      if (view.level && view.level !== (entry.level ?? rest.dataset.noLevel)) return false;
      if (view.scope && view.scope !== check.scope) return false;
      if (view.node && !one.names.includes(view.node)) return false;
      return view.words.every((word) => one.words.includes(word));
    };
    const draw = () => {
      const shown = fitting.slice(start, start + PAGE);
      list.replaceChildren(...shown.map(({ check, entry, message, place, nodes }) => {
        const element = row.cloneNode(true);
        const [name, tag, where, kind] = element.querySelector(".entry-head").children;
        name.textContent = clean(check.name ?? "–");
        const label = rest.querySelector(`[data-outcome=${CSS.escape(entry.outcome)}] .tag`);
        if (label) tag.replaceWith(label.cloneNode(true));
        where.textContent = clean(nodes.slice(0, 5).map((node) => node.name ?? node.uid ?? "–").join(", "))
          + (nodes.length > 5 ? ` +${nodes.length - 5}` : "");
        kind.textContent = clean(`${entry.kind ?? "–"} · ${entry.level ?? "–"}`);
        element.querySelector(".message").textContent = clean(message ?? "–");
        const [pointer, line, column] = place;
        element.querySelector(".pointer").textContent = clean(pointer)
          + (line ? ` (${line}:${column ?? 1})` : "");
        return element;
      }));
      output.textContent = fitting.length
        ? output.dataset.said
          .replace("{start}", (start + 1).toLocaleString())
          .replace("{end}", Math.min(start + PAGE, fitting.length).toLocaleString())
          .replace("{all}", fitting.length.toLocaleString())
        : output.dataset.none;
      button("back").disabled = start === 0;
      button("on").disabled = start + PAGE >= fitting.length;
    };
    const narrow = (chosen) => {
      const view = {
        ...chosen,
        node: lower(chosen.node ?? ""),
        words: lower(chosen.text ?? "").split(/\s+/).filter(Boolean),
      };
      last = chosen;
      if (!all) return;
      fitting = all.filter((one) => fits(view, one));
      start = 0;
      draw();
    };
    const open = async () => {
      button("open").disabled = true;
      await read();
      for (const name of ["back", "on"]) button(name).hidden = false;
      button("open").hidden = true;
      narrow(last ?? {});
      list.tabIndex = -1;
      list.focus({ preventScroll: true });
    };
    button("open").hidden = false;
    button("open").addEventListener("click", open);
    button("back").addEventListener("click", () => { start = Math.max(0, start - PAGE); draw(); });
    button("on").addEventListener("click", () => { start += PAGE; draw(); });
    return { narrow };
  })();

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
    (!view.outcome?.length || view.outcome.includes(part.outcome)) &&
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
    pager?.narrow(view);
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
