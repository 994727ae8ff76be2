/**
 * @file The page that stands in for one that is not on the device: in the visitor's language, and gone as soon
 * as there is a connection again.
 */

import { offlineTexts } from "./offline-texts.js";

const texts = await offlineTexts([...navigator.languages, document.documentElement.lang]);
for (const node of document.querySelectorAll("[data-text]")) {
  const key = /** @type {keyof typeof texts} */ (node.getAttribute("data-text"));
  node.textContent = texts[key];
}
document.documentElement.lang = texts.lang;
document.title = texts.pageTitle;
document.querySelector("button")?.addEventListener("click", () => location.reload());
addEventListener("online", () => location.reload());
