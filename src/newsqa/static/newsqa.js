// What Gradio's elements and its sanitizer leave out: names and roles, keyboard access to the parts that
// scroll, the browser's own way to choose a date; and what only a browser can do: copy, move the focus,
// keep conversations, show an address.

const attributes = {
  "#nq-chat": { role: "log", "aria-label": "Conversation", tabindex: "0" },
  "#nq-sources": { role: "region", "aria-label": "Sources", tabindex: "0" },
  "#nq-added, #nq-heard": { role: "status" },
  "#nq-filters .nq-day input": { type: "date" },
  ".nq-line": { role: "group", "aria-label": "Articles by date" },
  ".nq-copy, .nq-copy-link, .nq-correct": { type: "button" },
};

function complete() {
  for (const [selector, wanted] of Object.entries(attributes)) {
    for (const element of document.querySelectorAll(selector)) {
      for (const [name, value] of Object.entries(wanted)) {
        if (element.getAttribute(name) !== value) element.setAttribute(name, value);
      }
    }
  }
}

function write(selector, value) {
  const field = document.querySelector(`${selector} textarea, ${selector} input`);
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  return field;
}

// What Gradio listens to: a field that is written into, and Enter.
function send(selector, value) {
  write(selector, value).dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true }));
}

// Following the conversation: a turn that is new, or further than it was, is brought into view from its start.

let shown = "";

function follow() {
  const last = [...document.querySelectorAll(".nq-turn")].at(-1);
  const now = last?.parentElement.textContent ?? "";
  if (now !== shown) {
    last?.scrollIntoView();
    const again = last?.querySelector(".nq-again")?.getAttribute("href");
    if (again) show(again); // done: from here on the address leads to this question
  }
  shown = now;
}

// The address: opened with a question, it is asked; a tab that is loaded again goes on with its conversation.

// Where a browser keeps nothing, which it tells by throwing, the page remembers until it is left.

class Memory {
  getItem(key) {
    return this[key] ?? null;
  }
  setItem(key, value) {
    this[key] = value;
  }
  removeItem(key) {
    delete this[key];
  }
}

function storage(name) {
  try {
    return window[name];
  } catch {
    return new Memory();
  }
}

const session = storage("sessionStorage");
const local = storage("localStorage");
const tab = { get: (name) => session.getItem(`newsqa:${name}`), set: (name, value) => session.setItem(`newsqa:${name}`, value) };

function show(query) {
  history.replaceState(history.state, "", query || location.pathname);
  tab.set("query", location.search);
}

let opened = false;

function open() {
  if (opened || !document.querySelector("#nq-opening textarea") || !document.querySelector(".nq-header p")?.textContent) return;
  opened = true;
  const asked = new URLSearchParams(location.search).has("q");
  const again = tab.get("query") === location.search;
  const kept = again || !asked ? chats.read(tab.get("chat")) : null;
  if (!kept) tab.set("chat", "");
  send("#nq-opening", kept?.turns ?? "");
  if (asked && !kept) whenReady(() => send("#nq-going", location.search));
}

function whenReady(then) {
  const ready = () => document.querySelector("#nq-question textarea:enabled");
  const waiting = new MutationObserver(() => {
    if (ready()) {
      waiting.disconnect();
      then();
    }
  });
  waiting.observe(document.documentElement, { attributes: true, childList: true, subtree: true });
}

// Conversations, each under a key of its own, so that tabs don't undo each other's. No text of an article is in them.

function leave() {
  tab.set("chat", "");
  show("");
}

const MOST = 30;
const chats = {
  key: "newsqa:chat:",
  read(id) {
    try {
      return JSON.parse(local.getItem(this.key + id));
    } catch {
      return null;
    }
  },
  all() {
    const ids = Object.keys(local).filter((key) => key.startsWith(this.key)).map((key) => key.slice(this.key.length));
    return ids.map((id) => ({ id, ...this.read(id) })).filter((chat) => chat.turns).sort((a, b) => b.at - a.at);
  },
  write(id, turns) {
    const title = JSON.parse(turns)[0].question;
    const chat = JSON.stringify({ title, turns, at: Date.now() });
    for (const old of this.all().filter((one) => one.id !== id).slice(MOST - 1)) this.remove(old.id);
    try {
      local.setItem(this.key + id, chat);
    } catch {
      // No room, or none is given: the conversation goes on without being kept.
    }
  },
  remove(id) {
    local.removeItem(this.key + id);
  },
  // Deleted while it is open, a conversation would be kept again with the next question.
  forget(id) {
    this.remove(id);
    if (id !== tab.get("chat")) return;
    leave();
    send("#nq-opening", "");
  },
};

let kept = null;

function keep() {
  const turns = document.querySelector("#nq-kept .nq-words")?.textContent;
  if (turns === undefined || !document.querySelector(".nq-chats")) return;
  if (turns === kept) return;
  kept = turns;
  if (turns) {
    if (!tab.get("chat")) tab.set("chat", crypto.getRandomValues(new Uint32Array(2)).join("-"));
    chats.write(tab.get("chat"), turns);
  }
  list();
}

function list() {
  const place = document.querySelector(".nq-chats");
  const all = chats.all();
  place.closest("#nq-history").hidden = all.length === 0;
  place.replaceChildren(...all.map(item));
  if (all.length > 1) place.append(line(button("Delete all", () => all.forEach((chat) => chats.forget(chat.id)))));
}

function line(...parts) {
  const made = document.createElement("li");
  made.append(...parts);
  return made;
}

function item(chat) {
  const open = button(chat.title, () => {
    tab.set("chat", chat.id);
    show("");
    send("#nq-opening", chat.turns);
  });
  open.dir = "auto";
  const when = document.createElement("time");
  when.textContent = new Date(chat.at).toLocaleString([], { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
  const remove = button("Delete", () => chats.forget(chat.id));
  remove.setAttribute("aria-label", `Delete: ${chat.title}`);
  return line(open, when, remove);
}

function button(label, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = label;
  made.addEventListener("click", () => {
    act();
    list();
  });
  return made;
}

// Saving

let saved = "";

function save() {
  const file = document.querySelector("#nq-saved .nq-words");
  const name = file?.title ?? "";
  if (name && name !== saved) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([file.textContent], { type: "application/jsonl" }));
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
  saved = name;
}

// Copying

async function copy(words, from) {
  let done = true;
  try {
    await navigator.clipboard.writeText(words);
  } catch {
    done = copySelected(words); // a page that came without TLS has no clipboard
  }
  say(done ? "Copied" : "Your browser didn't let newsqa copy");
  const label = from.textContent;
  if (label === "Copied") return;
  from.textContent = done ? "Copied" : label;
  setTimeout(() => (from.textContent = label), 1500);
}

function copySelected(words) {
  const field = document.body.appendChild(document.createElement("textarea"));
  field.value = words;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}

function say(words) {
  let status = document.querySelector("#nq-said");
  if (!status) {
    status = document.body.appendChild(document.createElement("div"));
    status.id = "nq-said";
    status.setAttribute("role", "status");
  }
  status.textContent = words;
}

// Clicks on what the server rendered

function focus(id) {
  const target = document.getElementById(id);
  target?.focus();
  target?.scrollIntoView({ block: "nearest" });
}

const clicks = {
  ".nq-copy": (button) => copy(button.nextElementSibling.textContent, button),
  ".nq-copy-link": (button) => copy(button.closest(".nq-card, .nq-meta, .nq-foot").querySelector("a").href, button),
  ".nq-correct": (button) => write("#nq-question", button.parentElement.querySelector(".nq-asked").textContent).focus(),
  ".nq-go": (link) => {
    send("#nq-going", link.getAttribute("href"));
    focus("nq-chat"); // the link itself is shown anew, and would take the focus with it
  },
  'a[href^="#nq-"]': (link) => focus(link.getAttribute("href").slice(1)),
  "#nq-new": () => leave(),
  "#nq-stop": () => document.querySelector("#nq-question textarea").focus(),
};

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  for (const [selector, act] of Object.entries(clicks)) {
    const found = event.target.closest?.(selector);
    if (found) {
      if (found.matches("a")) event.preventDefault();
      act(found);
      return;
    }
  }
});

function update() {
  complete();
  open();
  follow();
  keep();
  save();
}

new MutationObserver(update).observe(document.documentElement, { childList: true, subtree: true });
