// Sliders beside the number boxes of a what-if, and its answer without a new page.
// Without this file the same form is sent by its button, and all works as well.
"use strict";
(() => {
  const form = document.getElementById("knobs");
  const answer = document.getElementById("answer");
  if (!form || !answer) return;
  const places = (low, high) => {
    const step = 10 ** Math.floor(Math.log10((high - low) / 50));
    return Math.max(0, Math.min(6, -Math.floor(Math.log10(step))));
  };
  const read = (text) => Number(text.replace(/\s/g, "").replace(",", "."));
  const shown = (number, digits) => {
    const text = String(Number(number.toFixed(digits)));
    return document.documentElement.lang === "ru" ? text.replace(".", ",") : text;
  };
  let waiting = 0;
  let newest = 0;
  const ask = async () => {
    const mine = (newest += 1);
    const query = new URLSearchParams(new FormData(form));
    query.set("part", "answer");
    answer.setAttribute("aria-busy", "true");
    try {
      const got = await fetch(`${location.pathname}?${query}`);
      const html = await got.text();
      if (mine === newest && got.ok) answer.innerHTML = html;
    } finally {
      if (mine === newest) answer.removeAttribute("aria-busy");
    }
  };
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 200);
  };
  for (const box of form.querySelectorAll("input[data-high]")) {
    const low = Number(box.dataset.low);
    const high = Number(box.dataset.high);
    if (!(high > low)) continue;
    const digits = box.type === "number" ? 0 : places(low, high);
    const slider = document.createElement("input");
    Object.assign(slider, { type: "range", min: low, max: high });
    slider.step = 10 ** -digits;
    slider.value = box.value ? read(box.value) : (box.dataset.now ?? low);
    slider.setAttribute("aria-label", box.labels[0].querySelector("span").textContent.trim());
    slider.addEventListener("input", () => {
      const number = slider.valueAsNumber;
      box.value = box.type === "number" ? String(number) : shown(number, digits);
      soon();
    });
    box.addEventListener("input", () => {
      if (box.value && Number.isFinite(read(box.value))) slider.value = read(box.value);
    });
    const label = box.closest("label");
    const pair = document.createElement("div");
    label.replaceWith(pair);
    pair.append(label, slider);
  }
  form.addEventListener("change", soon);
  form.addEventListener("input", soon);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    ask();
  });
})();
