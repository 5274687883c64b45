/** Forms, dialogs and short messages. */

import { button, fill, h } from "./dom.js";

let ids = 0;

/**
 * An input with its label.
 * @param {object} options the input's attributes, and `label`, `hint`, `choices` (of a select), `rows` (of a text area)
 */
export function field({ label, hint, choices, rows, class: name = "", ...attributes }) {
  const id = attributes.id ?? `field-${++ids}`;
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  const shared = { ...attributes, ...described, id };
  const input = choices
    ? select(shared, choices)
    : rows
      ? h("textarea", { rows, ...shared })
      : h("input", { autocomplete: "off", ...shared });
  return h(
    "div",
    { class: `field ${name}` },
    h("label", { for: id }, label),
    input,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
  );
}

function select({ value, ...attributes }, choices) {
  const option = (choice) => {
    const [key, text] = Array.isArray(choice) ? choice : [choice, choice];
    return h("option", { value: key, selected: String(key) === String(value ?? "") }, text);
  };
  return h("select", attributes, choices.map(option));
}

export function checkbox({ label, ...attributes }) {
  const id = attributes.id ?? `field-${++ids}`;
  return h(
    "div",
    { class: "check" },
    h("input", { type: "checkbox", ...attributes, id }),
    h("label", { for: id }, label),
  );
}

/**
 * A form that shows what went wrong beside the button that was pressed.
 * @param {object} options
 * @param {any} options.fields
 * @param {string} options.action the button's text
 * @param {(data: FormData) => Promise<any>} options.submit
 */
export function form({ fields, action, submit, class: name = "", danger = false, more }) {
  const message = h("p", { class: "form-message", role: "alert" });
  const button = h("button", { type: "submit", class: danger ? "danger" : "primary" }, action);
  const onsubmit = async (event) => {
    event.preventDefault();
    fill(message);
    button.disabled = true;
    try {
      await submit(new FormData(event.target), event.target);
    } catch (error) {
      fill(
        message,
        error.status === 412
          ? "Somebody else has changed this in the meantime. Close it and open it again."
          : error.message,
      );
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "form",
    { class: `form ${name}`, onsubmit, novalidate: false },
    fields,
    message,
    h("div", { class: "actions" }, button, more),
  );
}

/**
 * A dialog over the page. Its content is built with a function that closes the dialog.
 * @param {string} title
 * @param {(close: () => void) => any} content
 */
export function dialog(title, content, { wide = false } = {}) {
  const close = () => box.close();
  const id = `dialog-${++ids}`;
  const box = h("dialog", { class: wide ? "wide" : null, "aria-labelledby": id });
  const shut = button("×", close, { class: "close", "aria-label": "Close" });
  box.append(h("header", null, h("h2", { id }, title), shut), h("div", { class: "dialog-body" }, content(close)));
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return close;
}

/** Asks for confirmation before something that cannot be undone. */
export function confirm({ title, text, action, run }) {
  dialog(title, (close) =>
    form({
      fields: h("p", null, text),
      action,
      danger: true,
      more: button("Cancel", close),
      submit: async () => {
        await run();
        close();
      },
    }),
  );
}

/** A message that disappears by itself. */
export function toast(text, tone = "good") {
  const place = document.getElementById("toasts");
  const note = h("div", { class: `toast ${tone}` }, text);
  place?.append(note);
  setTimeout(() => note.remove(), 6000);
}

/** A text to copy, such as a command. */
export function copyable(text, label = "Copy") {
  const button = h("button", { type: "button", class: "copy" }, label);
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = label), 2000);
  });
  return h(
    "div",
    { class: "copyable" },
    h("pre", { tabindex: 0, role: "region", "aria-label": "Text to copy" }, h("code", null, text)),
    button,
  );
}

/** The value of a form's text field, or null if it is empty. */
export function text(data, name) {
  return String(data.get(name) ?? "").trim() || null;
}

/** Saves text as a file. */
export function download(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const anchor = h("a", { href: url, download: name });
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
