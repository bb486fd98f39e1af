// What the keyboard can do here. Every page works without it.
(() => {
  "use strict";

  const writes = (element) => element instanceof HTMLElement && (element.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(element.tagName));
  const field = () => document.getElementById("find");
  const links = () => [...document.querySelectorAll("#results a.to")];

  const step = (by) => {
    const all = links();
    const at = all.indexOf(document.activeElement);
    if (!all.length || (at < 0 && by < 0)) return false;
    const next = at + by;
    (next < 0 ? field() : all[Math.min(next, all.length - 1)])?.focus();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    const inSearch = event.target === field();
    if (event.key === "/" && field() && (!writes(event.target) || (inSearch && !field().value))) {
      event.preventDefault();
      field().focus();
      field().select();
    } else if (event.key === "Escape") {
      document.querySelectorAll("details.menu[open]").forEach((menu) => {
        menu.open = false;
        menu.querySelector("summary").focus();
      });
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && (inSearch || links().includes(event.target))) {
      if (step(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
    }
  });

  // One menu at a time, and none once something else is pressed.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    if (event.target instanceof Element && event.target.closest("[data-print]")) window.print();
  });

  document.querySelectorAll("[data-print]").forEach((button) => { button.hidden = false; });

  // A form is sent once, however often its button is pressed.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) event.preventDefault();
    else if (event.target.method === "post") event.target.dataset.sent = "yes";
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // Errors are read out and stand where the eye and the keyboard are.
  document.getElementById("errors")?.focus();
})();
