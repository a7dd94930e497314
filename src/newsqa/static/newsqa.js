// Attributes that Gradio can't give to its elements: a live region for the conversation,
// and keyboard access to the parts that scroll.
const attributes = {
  "nq-chat": { role: "log", "aria-label": "Conversation", tabindex: "0" },
  "nq-sources": { role: "region", "aria-label": "Sources", tabindex: "0" },
  "nq-added": { role: "status", "aria-label": "Adding articles" },
};

function complete() {
  for (const [id, wanted] of Object.entries(attributes)) {
    const element = document.getElementById(id);
    if (!element || element.hasAttribute("role")) continue;
    for (const [name, value] of Object.entries(wanted)) element.setAttribute(name, value);
  }
}

new MutationObserver(complete).observe(document.documentElement, { childList: true, subtree: true });
