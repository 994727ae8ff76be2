/**
 * @file The modal's dialog. The `<dialog>` element makes the page behind it inert and gives the focus back
 * when it closes; added here are closing by a click beside it, and a page that keeps its scroll position.
 */

export class Modal {
  #dialog;
  #restore = () => {};

  /**
   * @param {HTMLDialogElement} dialog
   * @param {() => void} onClose
   */
  constructor(dialog, onClose) {
    this.#dialog = dialog;
    dialog.addEventListener("close", () => {
      this.#restore();
      onClose();
    });
    // Only a press that began beside the panel: one that selects text in it may end outside.
    dialog.addEventListener("pointerdown", (event) => {
      if (event.target === dialog && event.button === 0) {
        dialog.addEventListener("click", (click) => click.target === dialog && this.close(), { once: true });
      }
    });
  }

  get open() {
    return this.#dialog.open;
  }

  show() {
    if (this.#dialog.open) return;
    this.#restore = holdScroll();
    this.#dialog.showModal();
  }

  close() {
    // At once: the event comes later, and not at all where the dialog has left the page.
    this.#restore();
    this.#dialog.close();
  }
}

/** @returns {() => void} lets the page scroll again */
function holdScroll() {
  const { style, clientWidth } = document.documentElement;
  const { overflow, paddingInlineEnd } = style;
  const scrollbar = innerWidth - clientWidth;
  style.overflow = "hidden";
  if (scrollbar > 0) style.paddingInlineEnd = `${scrollbar}px`;
  let held = true;
  return () => {
    if (held) Object.assign(style, { overflow, paddingInlineEnd });
    held = false;
  };
}
