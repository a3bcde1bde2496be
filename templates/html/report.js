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
  const copied = async (text) => {
    await copy(text);
    said.textContent = said.dataset.copied;
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copied(document.getElementById(button.dataset.copy).textContent));
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

  // The packed record (docs/packed-record.md), line by line, so that nothing stands still
  // meanwhile. Columns of numbers are differences; columns of texts follow patterns, in which 0
  // is a word of the text's own and 1, 2, 3 are the node's id and name and the message.
  const sums = (differences) => {
    let sum = 0;
    return differences.map((number) => (number === null ? null : (sum += number)));
  };
  const unpacked = (words) => {
    if (typeof words === "string") return words.split(" ");
    if (Array.isArray(words)) return sums(words);
    const { width, text } = words;
    return Array.from({ length: text.length / width }, (_, at) => text.slice(at * width, (at + 1) * width));
  };
  const texts = (packed, known) => {
    const words = packed.words.map((columns) => columns.map(unpacked));
    const used = words.map(() => 0);
    return packed.follows.map((index, row) => {
      if (index < 0) return null;
      const number = used[index]++;
      let next = 0;
      return packed.patterns[index]
        .map((part) => (typeof part === "string" ? part : part ? known[row][part] : words[index][next++][number]))
        .join("");
    });
  };
  const spelled = (text) => JSON.stringify(text).slice(1, -1);
  const entriesOf = async (nodes, take) => {
    // Never at work for longer than a keystroke may wait.
    let since = performance.now();
    const rested = async () => {
      if (performance.now() - since < 25) return;
      await new Promise((go) => setTimeout(go));
      since = performance.now();
    };
    await new Promise((go) => setTimeout(go));
    const link = document.querySelector("a[data-role=packed-record]").getAttribute("href");
    const bytes = [];
    const STEP = 1 << 20; // base64: four signs are three bytes
    for (let at = link.indexOf(",") + 1; at < link.length; at += STEP) {
      const signs = atob(link.slice(at, at + STEP));
      const part = new Uint8Array(signs.length);
      for (let index = 0; index < signs.length; index++) part[index] = signs.charCodeAt(index);
      bytes.push(part);
      await rested();
    }
    let stream = new Blob(bytes).stream();
    if (link.startsWith("data:application/gzip")) stream = stream.pipeThrough(new DecompressionStream("gzip"));
    const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
    const parsed = new Map();
    let checks = null;
    const read = (text) => {
      const part = JSON.parse(text);
      if (!checks) {
        checks = part.record.checks;
        return;
      }
      const uids = texts(part.nodes.uid);
      const names = texts(part.nodes.name);
      uids.forEach((uid, index) => nodes.push({ uid, name: names[index] }));
      const pointers = texts(part.pointer);
      const lines = sums(part.line);
      const columns = sums(part.column);
      const at = sums(part.node);
      let place = 0;
      let node = 0;
      const placed = part.places.map((count) => {
        const first = place;
        const start = node;
        for (; place < first + count; place++) node += part.nodes_at[place];
        return { first, nodes: at.slice(start, node).map((number) => nodes[number]) };
      });
      const known = placed.map((one) => [null, one.nodes[0]?.uid ?? "", one.nodes[0]?.name ?? ""]);
      const messages = texts(part.message, known);
      const told = known.map(([, uid, name], row) =>
        [null, spelled(uid), spelled(name), spelled(messages[row] ?? "")]);
      take(texts(part.rest, told).map((rest, row) => {
        // What many entries share is written alike: read it once.
        if (!parsed.has(rest)) {
          const { outcome, kind, level } = JSON.parse(rest);
          parsed.set(rest, { outcome, kind, level });
        }
        const { first, nodes: found } = placed[row];
        return {
          check: checks[part.check],
          entry: parsed.get(rest),
          message: messages[row],
          place: [pointers[first], lines[first], columns[first]],
          nodes: found,
          stub: () => texts(part.waiver_stub, known)[row],
        };
      }));
    };
    let left = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const pieces = (left + value).split("\n");
      left = pieces.pop();
      for (const piece of pieces) {
        read(piece);
        await rested();
      }
    }
  };

  const lower = (text) => text.toLocaleLowerCase();
  const rest = document.getElementById("rest");
  const pager = rest && (() => {
    const list = rest.querySelector("ol");
    const output = rest.querySelector("output");
    const row = rest.querySelector("template").content.firstElementChild;
    const button = (name) => rest.querySelector(`[data-rest=${name}]`);
    let blocks = null;
    let whole = false;
    let fitting = [];
    let start = 0;
    let last = {};

    // What is searched, of many entries in one text: a line for each, and where each line ends.
    const searchable = (entries) => {
      const lines = entries.map((one) => `${lower(one.message ?? "").replaceAll("\n", " ")}\n`);
      let end = 0;
      return { entries, text: lines.join(""), ends: lines.map((line) => (end += line.length)) };
    };
    const mark = ({ text, ends }, word, bit, found) => {
      let row = 0;
      for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, ends[row])) {
        while (ends[row] <= at) row++;
        found[row] |= bit;
      }
    };
    const nodes = [];
    const read = async () => {
      blocks = [];
      await entriesOf(nodes, (entries) => blocks.push(searchable(entries)));
      whole = true;
    };
    const fits = (view, { check, entry }) =>
      (!view.outcome?.length || view.outcome.includes(entry.outcome)) &&
      (!view.kind || view.kind === (entry.kind ?? rest.dataset.noKind)) &&
      (!view.level || view.level === (entry.level ?? rest.dataset.noLevel)) &&
      (!view.scope || view.scope === check.scope);
    // Each word is a bit; an entry fits when its check, its nodes and its message have them all.
    const find = (view) => {
      const words = lower(view.text ?? "").split(/\s+/).filter(Boolean).slice(0, 30);
      const ofNode = view.node ? 1 << words.length : 0;
      const all = (1 << words.length) - 1 + ofNode;
      const bits = (text) => words.reduce((sum, word, index) => sum | (text.includes(word) ? 1 << index : 0), 0);
      for (const node of nodes) {
        const name = lower(`${node.name ?? ""} ${node.uid ?? ""}`);
        node.bits = bits(name) | (ofNode && name.includes(lower(view.node)) ? ofNode : 0);
      }
      const found = new Map(WORST_FIRST.map((outcome) => [outcome, []]));
      for (const block of blocks) {
        const ofCheck = bits(lower(block.entries[0].check.name ?? ""));
        const own = new Int32Array(block.entries.length).fill(ofCheck);
        words.forEach((word, index) => {
          if (!(ofCheck & (1 << index))) mark(block, word, 1 << index, own);
        });
        block.entries.forEach((one, row) => {
          let sum = own[row];
          for (const node of one.nodes) sum |= node.bits;
          if (sum === all && fits(view, one)) found.get(one.entry.outcome)?.push(one);
        });
      }
      return [...found.values()].flat();
    };
    const draw = () => {
      const shown = fitting.slice(start, start + PAGE);
      list.replaceChildren(...shown.map(({ check, entry, message, place, nodes, stub }) => {
        const element = row.cloneNode(true);
        const [name, tag, where, kind] = element.querySelector(".entry-head").children;
        name.textContent = clean(check.name ?? "–");
        const label = rest.querySelector(`[data-outcome=${CSS.escape(entry.outcome)}] .tag`);
        if (label) tag.replaceWith(label.cloneNode(true));
        where.textContent = clean(nodes.slice(0, 5).map((node) => node.name ?? node.uid ?? "–").join(", "))
          + (nodes.length > 5 ? ` +${nodes.length - 5}` : "");
        kind.textContent = clean(`${entry.kind ?? "–"} · ${entry.level ?? "–"}`);
        element.querySelector(".message").textContent = clean(message ?? "–");
        const waiver = stub();
        if (waiver) {
          element.querySelector("pre").textContent = clean(waiver);
          element.querySelector("button").addEventListener("click", () => copied(waiver));
        } else {
          element.querySelector("details").remove();
        }
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
    const narrow = (view) => {
      last = view;
      if (whole) {
        fitting = find(view);
        start = 0;
        draw();
      } else if (Object.values(view).some((value) => value.length)) {
        // What is asked for may stand among what did not fit.
        open();
      }
    };
    const open = async () => {
      if (blocks) return;
      button("open").disabled = true;
      output.textContent = output.dataset.wait;
      await read();
      for (const name of ["back", "on"]) button(name).hidden = false;
      button("open").hidden = true;
      narrow(last);
    };
    button("open").hidden = false;
    button("open").addEventListener("click", async () => {
      await open();
      list.tabIndex = -1;
      list.focus({ preventScroll: true });
    });
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
    link: () => copied(location.href),
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
