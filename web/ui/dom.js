/**
 * @file Making nodes. Text goes in as text nodes and properties only: nothing here parses markup, so that
 * no title or snippet can become any.
 */

/** Only these become links: an index made from records may hold any URL, `javascript:` included. */
const LINKED = ["https:", "http:", "mailto:", "file:"];

const SVG = "http://www.w3.org/2000/svg";

/** Strokes on a grid of 20 by 20. */
const ICONS = {
  search: "M8.75 15a6.25 6.25 0 1 0 0-12.5 6.25 6.25 0 0 0 0 12.5ZM13.2 13.2l4.3 4.3",
  clear: "M5.5 5.5l9 9m0-9l-9 9",
  page: "M5.5 2.75h5.75l3.75 3.75v10.75h-9.5zM11 3v3.75h3.75",
  section: "M8.25 3.5l-1.5 13m6.5-13l-1.5 13M3.75 7.5h13m-13.5 5h13",
  recent: "M10 5.75V10l2.75 1.75M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
  go: "M7.5 4.5l5.5 5.5-5.5 5.5",
  filter: "M3 5.5h14M5.75 10h8.5M8.5 14.5h3",
};

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Partial<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function build(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

/**
 * @template {Element} Node
 * @param {Node} node
 * @param {Record<string, string>} attributes
 * @returns {Node}
 */
export function attach(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/** @param {keyof typeof ICONS} name */
export function icon(name) {
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  const image = document.createElementNS(SVG, "svg");
  attach(image, { viewBox: "0 0 20 20", "aria-hidden": "true", class: `icon icon-${name}` });
  image.append(path);
  return image;
}

/**
 * @param {string} url
 * @returns {URL | null} where `url` may be linked to
 */
export function linkable(url) {
  if (!URL.canParse(url)) return null;
  const parsed = new URL(url);
  return LINKED.includes(parsed.protocol) ? parsed : null;
}

/**
 * Bring the children of `parent` into the order of `nodes`, moving as few as possible: a node that stays
 * where it is keeps focus and pointer.
 * @param {Element} parent
 * @param {readonly Element[]} nodes
 */
export function arrange(parent, nodes) {
  const kept = new Set(nodes);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let at = parent.firstElementChild;
  for (const node of nodes) {
    if (node === at) at = at.nextElementSibling;
    else parent.insertBefore(node, at);
  }
}
