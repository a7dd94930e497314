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

new MutationObserver(complete).observe(document.documentElement, { childList: true, subtree: true });
