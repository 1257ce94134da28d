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

// What is too long for a template is not sent, and where nobody answers the text stays on the page: either is told beside it.
const say = (what) => {
  const said = document.getElementById("said");
  if (!said) return;
  const words = document.createElement("p");
  words.className = "alert stop";
  words.textContent = said.dataset[what];
  said.replaceChildren(words);
};
document.addEventListener("htmx:beforeRequest", (event) => {
  const said = document.getElementById("said");
  const text = document.querySelector("textarea.code");
  if (!said || !text) return;
  if (new Blob([text.value]).size > Number(said.dataset.most)) {
    event.preventDefault();
    say("tooLong");
  } else if (said.textContent) {
    said.replaceChildren();
  }
});
for (const failed of ["htmx:sendError", "htmx:timeout"]) document.addEventListener(failed, () => say("gone"));

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
for (const wants of document.querySelectorAll("[data-listens]")) {
  let events = null;
  const listen = () => {
    events = new EventSource(document.body.dataset.events);
    events.addEventListener("changed", () => htmx.trigger(wants, "changed-on-disk"));
  };
  const leave = () => {
    if (events) events.close();
    events = null;
  };
  document.addEventListener("visibilitychange", () => {
    leave();
    if (document.hidden) return;
    listen();
    htmx.trigger(wants, "changed-on-disk");
  });
  addEventListener("pagehide", leave);
  if (!document.hidden) listen();
}
