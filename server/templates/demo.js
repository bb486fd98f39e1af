// New codes appear by themselves; operations copy at a press. The page works without this file.
"use strict";

const codes = document.getElementById("codes");

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch("/demo/codes");
    if (!answer.ok) return;
    const text = await answer.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").body;
    if (fresh.innerHTML.trim() !== codes.innerHTML.trim()) codes.replaceChildren(...fresh.childNodes);
  } catch {
    // The server is being started anew: the next look finds it.
  }
}
setInterval(look, 1500);

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.closest("h3").nextElementSibling.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 1500);
  });
}
