/** Elements, old and new. Whatever is put into one is text: nothing in this page ever parses HTML. */

/** The element with this id, which is there. */
export const byId = (id) => document.getElementById(id);

/** A new element with these attributes; texts among the children stay texts. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Lets a button work once at a time, and says so to those who cannot see it. */
export async function busy(button, work) {
  if (button.getAttribute("aria-busy") === "true") {
    return;
  }
  button.setAttribute("aria-busy", "true");
  try {
    await work();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Has a form do this instead of being sent, with its button busy meanwhile. */
export function onSubmit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void busy(form.querySelector('button[type="submit"]'), work);
  });
}

/** Has a button do this. */
export function onPress(id, work) {
  const button = byId(id);
  button.addEventListener("click", () => void busy(button, () => work(button)));
}

/** The buttons that show what is typed into a password's field, and hide it again. */
export function watchPasswords() {
  for (const button of document.querySelectorAll("[data-shows]")) {
    button.addEventListener("click", () => show(button, button.getAttribute("aria-pressed") !== "true"));
  }
}

/** Empties the fields of a form and hides what was shown in them. */
export function empty(form) {
  form.reset();
  form.querySelectorAll("[data-shows]").forEach((button) => show(button, false));
  form.querySelectorAll("[aria-invalid]").forEach((field) => field.removeAttribute("aria-invalid"));
  form.querySelectorAll(".error").forEach((error) => error.replaceChildren());
}

function show(button, isShown) {
  byId(button.dataset.shows).type = isShown ? "text" : "password";
  button.setAttribute("aria-pressed", String(isShown));
}

/** Says what is wrong with a field, if anybody is to be told, and goes there. */
export function complain(id, field, text) {
  if (!text) {
    return;
  }
  byId(id).textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.focus();
  field.select();
}
