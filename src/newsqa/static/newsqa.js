// Attributes that Gradio can't give to its elements: a live region for the conversation,
// keyboard access to the parts that scroll, the browser's own way to choose a date.
const attributes = {
  "#nq-chat": { role: "log", "aria-label": "Conversation", tabindex: "0" },
  "#nq-sources": { role: "region", "aria-label": "Sources", tabindex: "0" },
  "#nq-added": { role: "status" },
  "#nq-from input": { type: "date" },
  "#nq-to input": { type: "date" },
};

function complete() {
  for (const [selector, wanted] of Object.entries(attributes)) {
    const element = document.querySelector(selector);
    for (const [name, value] of Object.entries(element ? wanted : {})) {
      if (element.getAttribute(name) !== value) element.setAttribute(name, value);
    }
  }
}

let shown = "";

// Follow the conversation: a turn that is new, or further than it was, is brought into view from its start.
function follow() {
  const last = [...document.querySelectorAll(".nq-turn")].at(-1);
  const now = last?.parentElement.textContent ?? "";
  if (now !== shown) last?.scrollIntoView();
  shown = now;
}

function update() {
  complete();
  follow();
}

new MutationObserver(update).observe(document.documentElement, { childList: true, subtree: true });
