// What the page can do beyond being read: find responses, link to what was found, print what is short.
// Without this script everything is there and shown. Nothing is fetched and nothing is stored.
"use strict";
(() => {
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open]):not(.long)")];
    for (const part of folded) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });

  const finder = document.getElementById("finder");
  if (!finder) return;
  const query = document.getElementById("q");
  const found = document.getElementById("found");
  const narrowed = document.getElementById("narrowed");
  const only = document.getElementById("only");
  const boxes = [...finder.querySelectorAll("input[name=o]")];
  const section = finder.closest("section");
  const shapes = { fail: "fail", inconclusive: "unknown", pass: "pass" };
  const rows = [...section.querySelectorAll("tr[data-outcome]")].map((row) => ({
    row,
    shape: shapes[row.dataset.outcome],
    text: row.textContent.toLowerCase(),
    keys: new Set((row.dataset.only || "").split(" ")),
  }));
  const more = section.querySelector("details");
  finder.hidden = false;

  const NARROWED = /^#(?:q|o|only)=/;

  const show = () => {
    const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const choice = only && only.value ? only.selectedOptions[0] : null;
    const all = !words.length && !choice && wanted.size === boxes.length;
    let shown = 0;
    for (const part of rows) {
      const fits =
        wanted.has(part.shape) &&
        (!choice || part.keys.has(choice.value)) &&
        words.every((word) => part.text.includes(word));
      part.row.hidden = !fits;
      shown += fits;
    }
    if (more && !all) more.open = true;
    let said = found.dataset.said;
    let [there, count] = [rows.length, rows.length];
    if (choice) {
      // What is chosen is all here, or the page says how many there are beside it.
      there = rows.filter((part) => part.keys.has(choice.value)).length;
      count = Number(choice.dataset.count);
      said = there < count ? choice.parentNode.dataset.missing : said.split(";")[0];
    }
    found.textContent = said
      .replace("{shown}", shown.toLocaleString("en"))
      .replace("{all}", rows.length.toLocaleString("en"))
      .replace("{there}", there.toLocaleString("en"))
      .replace("{count}", count.toLocaleString("en"));
    // A printed list says that it is not the whole.
    const by = boxes.filter((box) => box.checked).map((box) => box.parentNode.textContent.trim());
    if (choice) by.unshift(choice.textContent);
    if (words.length) by.unshift(`“${query.value.trim()}”`);
    narrowed.hidden = all;
    narrowed.textContent = narrowed.dataset.said
      .replace("{found}", () => found.textContent)
      .replace("{by}", () => by.join(", "));
    const state = new URLSearchParams();
    if (words.length) state.set("q", query.value.trim());
    if (choice) state.set("only", choice.textContent);
    if (wanted.size < boxes.length) state.set("o", [...wanted].join(" "));
    const hash = state.toString();
    if (hash || NARROWED.test(location.hash)) {
      history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
    }
  };

  const restore = () => {
    if (!NARROWED.test(location.hash)) return;
    const state = new URLSearchParams(location.hash.slice(1));
    query.value = state.get("q") || "";
    if (only) {
      // By name, as keys are another page's own.
      const name = state.get("only");
      const choice = name && [...only.options].find((part) => part.value && part.textContent === name);
      only.value = choice ? choice.value : "";
    }
    const wanted = state.get("o");
    for (const box of boxes) box.checked = !wanted || wanted.split(" ").includes(box.value);
    section.scrollIntoView();
  };

  finder.addEventListener("submit", (event) => event.preventDefault());
  finder.addEventListener("input", show);
  finder.addEventListener("reset", () => setTimeout(show));
  addEventListener("hashchange", () => {
    restore();
    show();
  });
  for (const link of document.querySelectorAll("a[data-only]")) {
    link.addEventListener("click", () => {
      query.value = "";
      only.value = link.dataset.only;
      for (const box of boxes) box.checked = true;
      setTimeout(show);
    });
  }
  restore();
  show();
})();
