// Attributes that Gradio can't give to its elements: a live region for the conversation,
// keyboard access to the parts that scroll, names for buttons that are pictures.
const attributes = {
  "#nq-chat": { role: "log", "aria-label": "Conversation", tabindex: "0" },
  "#nq-sources": { role: "region", "aria-label": "Sources", tabindex: "0" },
  "#nq-added": { role: "status" },
  "#nq-from input": { "aria-label": "Published from" },
  "#nq-from .calendar": { "aria-label": "Choose the first day" },
  "#nq-to input": { "aria-label": "Published to" },
  "#nq-to .calendar": { "aria-label": "Choose the last day" },
};

function complete() {
  for (const [selector, wanted] of Object.entries(attributes)) {
    const element = document.querySelector(selector);
    for (const [name, value] of Object.entries(element ? wanted : {})) {
      if (!element.hasAttribute(name)) element.setAttribute(name, value);
    }
  }
}

new MutationObserver(complete).observe(document.documentElement, { childList: true, subtree: true });
