// The little that pages do by themselves: `/` goes to the search, the open page hears of changes on the disk, Tab indents in an editor
// until Escape was pressed, and what stands in the editor is not lost by leaving. Everything else is HTML and htmx.
"use strict";

document.addEventListener("keydown", (event) => {
  const target = event.target;
  const writes = target.matches("input, textarea, select");
  if (event.key === "/" && !writes && !event.ctrlKey && !event.metaKey && !event.altKey) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
  if (!target.matches("textarea.code")) return;
  if (event.key === "Escape") {
    target.dataset.leaves = "yes";
  } else if (event.key === "Tab" && !event.shiftKey && !target.dataset.leaves) {
    event.preventDefault();
    target.setRangeText("  ", target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
  } else if (event.key !== "Tab" && event.key !== "Shift") {
    delete target.dataset.leaves;
  }
});

// Nothing was written in the page as long as the text is the one it came with, and that is in the file.
const isWritten = (text) => text.value !== text.defaultValue || "unsaved" in text.dataset;
document.addEventListener("htmx:configRequest", (event) => {
  const text = event.target.querySelector("textarea.code");
  if (text && !isWritten(text)) event.detail.parameters.append("clean", "1");
});

// What is wrong is told beside the text, or above the page. What came of saving stays until it is saved again, whatever a preview finds
// meanwhile; what a preview found goes with the next answer.
const say = (what, of) => {
  let said = document.getElementById("said");
  if (!said) {
    said = document.createElement("div");
    said.id = "said";
    said.role = "alert";
    document.getElementById("main").prepend(said);
  }
  if (of !== "save" && said.dataset.of === "save" && said.childElementCount) return;
  const words = document.createElement("p");
  words.className = "alert stop";
  words.textContent = said.dataset[what] || document.body.dataset[what];
  said.dataset.of = of;
  said.replaceChildren(words);
};
const silence = (of) => {
  const said = document.getElementById("said");
  if (said && said.dataset.of === of) said.replaceChildren();
};
// It is saved only until something else stands there.
const unsay = () => {
  for (const good of document.querySelectorAll("#said > .good, [data-saved]")) good.remove();
};
// What is on the disk takes the place of the text as long as nothing was written, also not since that was asked for; else the next look
// says that the file was changed.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const text = document.querySelector("textarea.code");
  if (!text || !event.detail.fragment.querySelector("[data-anew]")) return;
  if (isWritten(text)) event.detail.shouldSwap = false;
  else unsay();
});
// An answer to what was asked before the text was saved takes that for somebody else's change; the next one is on its way.
document.addEventListener("htmx:beforeSwap", (event) => {
  const digest = document.getElementById("digest");
  const { target, requestConfig } = event.detail;
  if (digest && target.id === "trouble" && requestConfig.parameters.digest !== digest.value) event.detail.shouldSwap = false;
});
// It is not saved when another program has removed or changed the file, or when that cannot be seen any more.
document.addEventListener("htmx:afterSwap", (event) => {
  const { target, xhr } = event.detail;
  if (target.id !== "trouble") return;
  if (target.querySelector("[data-elsewhere]")) unsay();
  // What could not be saved since the file or its folder was away can be saved once a preview finds it.
  if (xhr.status === 200 && !target.querySelector(".stop[data-elsewhere]")) {
    for (const over of document.querySelectorAll("#said > [data-passes], #main > [data-passes]")) over.remove();
  }
});
const kindOf = (event) => (event.detail.elt.matches("button[hx-post]") ? "save" : "look");
// What is sent to be saved: more may be written before the answer comes.
let sent = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  const said = document.getElementById("said");
  const text = document.querySelector("textarea.code");
  if (!said || !text) return;
  const kind = kindOf(event);
  if (new Blob([text.value]).size > Number(said.dataset.most)) {
    event.preventDefault();
    say("tooLong", kind);
  } else if (kind === "save") {
    sent = text.value;
    said.dataset.of = "save";
    said.replaceChildren();
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.xhr.status > 0) silence("look");
  if (event.detail.xhr.status >= 400 && kindOf(event) === "look") unsay();
  const text = document.querySelector("textarea.code");
  if (!text || kindOf(event) !== "save" || event.detail.xhr.status !== 200) return;
  text.defaultValue = sent;
  delete text.dataset.unsaved;
  if (isWritten(text)) unsay();
  for (const old of document.querySelectorAll("#main > .alert")) old.remove();
  htmx.trigger(text.form, "look");
});
for (const failed of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(failed, (event) => say("gone", kindOf(event)));

// Who writes again has not saved that; and who opens the page again has not saved it again.
document.addEventListener("input", (event) => {
  if (event.target.matches("textarea.code")) unsay();
});
if (document.querySelector("[data-saved]")) {
  const here = new URL(location.href);
  here.searchParams.delete("saved");
  history.replaceState(history.state, "", here);
}
document.addEventListener("keydown", (event) => {
  const text = document.querySelector("textarea.code");
  if (!text || !(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
  event.preventDefault();
  // Where both versions of a file are shown, only a click puts one over the other, and that is said.
  const save = text.form.querySelector("button[data-save]");
  if (save) save.click();
  else say("choose", "look");
});

// A value is put where the cursor stands.
document.addEventListener("click", (event) => {
  const value = event.target.closest("[data-insert]");
  const text = document.querySelector("textarea.code");
  if (!value || !text) return;
  text.setRangeText(`{{ ${value.dataset.insert} }}`, text.selectionStart, text.selectionEnd, "end");
  text.focus();
  text.dispatchEvent(new Event("input", { bubbles: true }));
});

// Somebody else's mail of a text that is not saved: the page stays, and with it the text.
document.addEventListener("submit", (event) => {
  const editor = document.getElementById("editor");
  if (!editor || !event.target.matches("form.on") || !isWritten(document.querySelector("textarea.code"))) return;
  event.preventDefault();
  for (const name of ["customer", "campaign"]) editor.elements[name].value = event.target.elements[name].value;
  htmx.trigger(editor, "look");
});
document.addEventListener("click", (event) => {
  const form = document.querySelector("form.on");
  const one = event.target.closest("a[data-customer]");
  if (!one || !form || !isWritten(document.querySelector("textarea.code"))) return;
  event.preventDefault();
  for (const name of ["customer", "campaign"]) form.elements[name].value = one.dataset[name];
  form.requestSubmit();
});

let isSending = false;
document.addEventListener("submit", (event) => { isSending = event.target.querySelector("textarea.code") !== null; });
document.addEventListener("htmx:beforeOnLoad", (event) => { isSending = event.detail.xhr.getResponseHeader("HX-Redirect") !== null; });
addEventListener("beforeunload", (event) => {
  const text = document.querySelector("textarea.code");
  if (text && !isSending && isWritten(text)) event.preventDefault();
});

// A select that sends its form by itself; without JavaScript there is a button.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-auto]");
  if (form) form.requestSubmit();
});

// A browser has six connections to a server and no more, so that only the page that is looked at listens. One that is looked at again asks
// for what it has missed.
// A page that found no templates is opened again.
for (const wants of document.querySelectorAll("[data-listens]")) {
  let events = null;
  const look = () => (wants.dataset.listens === "page" ? location.reload() : htmx.trigger(wants, "changed-on-disk"));
  const listen = () => {
    events = new EventSource(document.body.dataset.events);
    events.addEventListener("changed", look);
    events.addEventListener("hello", (event) => {
      if (wants.dataset.news && wants.dataset.news !== event.data) look();
    });
  };
  const leave = () => {
    if (events) events.close();
    events = null;
  };
  document.addEventListener("visibilitychange", () => {
    leave();
    if (document.hidden) return;
    listen();
    look();
  });
  addEventListener("pagehide", leave);
  if (!document.hidden) listen();
}
