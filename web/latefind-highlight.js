/**
 * @file On a page that a result led to: marks the words that the search matched, from `?latefind=words` in the
 * page's address, and offers to remove the marks. Optional; without the parameter it does nothing.
 *
 *     <script type="module" src="/latefind/latefind-highlight.js"></script>
 *
 * Only text nodes are looked at. The CSS Custom Highlight API marks without touching the page; where there is
 * none, `<mark class="latefind-mark">` is put around the words. Style: `::highlight(latefind)` or that class.
 */

const PARAM = "latefind";
const NAME = "latefind";

/** At most this many words, each of at most so many characters: the address may be anybody's. */
const MOST_WORDS = 20;
const LONGEST = 60;

/** Places that are marked. */
const MOST_MARKS = 400;

const SKIPPED = "script, style, noscript, textarea, select, nav, header, footer, svg, latefind-search, [hidden]";

/**
 * @param {string} given
 * @returns {RegExp | null} any of the words, whole
 */
function patternOf(given) {
  const words = given.split(/\s+/).filter((word) => word && word.length <= LONGEST).slice(0, MOST_WORDS);
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  if (!escaped.length) return null;
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join("|")})(?![\\p{L}\\p{N}])`, "giu");
}

/**
 * @param {Element} root
 * @param {RegExp} pattern
 * @returns {Range[]}
 */
function rangesIn(root, pattern) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT, (node) => {
    return node.parentElement?.closest(SKIPPED) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT;
  });
  const ranges = [];
  while (walker.nextNode() && ranges.length < MOST_MARKS) {
    const node = /** @type {Text} */ (walker.currentNode);
    for (const { index, 0: word } of node.data.matchAll(pattern)) {
      const range = new Range();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      ranges.push(range);
    }
  }
  return ranges;
}

/**
 * @param {Range[]} ranges
 * @returns {() => void} removes the marks
 */
function mark(ranges) {
  if ("highlights" in CSS && typeof Highlight === "function") {
    CSS.highlights.set(NAME, new Highlight(...ranges));
    return () => CSS.highlights.delete(NAME);
  }
  // From the last to the first: splitting a text node leaves what is before it as it is.
  const marks = [...ranges].reverse().map((range) => {
    const node = document.createElement("mark");
    node.className = "latefind-mark";
    range.surroundContents(node);
    return node;
  });
  return () => {
    for (const node of marks) {
      const parent = node.parentNode;
      node.replaceWith(...node.childNodes);
      parent?.normalize();
    }
  };
}

function addStyle() {
  const colours = "background-color: light-dark(#ffe58a, #6b5412); color: inherit";
  const sheet = new CSSStyleSheet();
  // A rule with an unknown selector is dropped alone.
  sheet.insertRule(`.latefind-mark { ${colours}; border-radius: 2px }`);
  if ("highlights" in CSS) sheet.insertRule(`::highlight(${NAME}) { ${colours} }`);
  document.adoptedStyleSheets.push(sheet);
}

/** @param {() => void} remove */
async function offerRemoval(remove) {
  const { loadTexts } = await import("./latefind-ui.js"); // Here already: it is what led to this page.
  const texts = await loadTexts(document.documentElement.lang);
  const host = document.createElement("div");
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    button { position: fixed; z-index: 40;
      inset-block-end: calc(1rem + env(safe-area-inset-bottom)); inset-inline-end: 1rem;
      padding: .5rem .9rem; border: 1px solid light-dark(#8b919b, #6b7482); border-radius: .6rem; cursor: pointer;
      background: light-dark(#ffffff, #1d2128); color: light-dark(#1d2126, #e4e7ec);
      font: .9375rem/1.4 system-ui, sans-serif;
      box-shadow: 0 4px 16px rgb(0 0 0 / 18%) }
    button:focus-visible { outline: 2px solid light-dark(#0d5a68, #74c9d8); outline-offset: 2px }
    @media print { button { display: none } }`);
  const shadow = host.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  const button = document.createElement("button");
  button.type = "button";
  button.lang = texts.lang;
  button.textContent = texts.say("removeMarks");
  button.addEventListener("click", () => {
    remove();
    host.remove();
  });
  shadow.append(button);
  const main = document.querySelector("main") ?? document.body;
  main.append(host);
}

/** Mark what the address names, and take it out of the address: who copies that means the page. */
function begin() {
  const url = new URL(location.href);
  const given = url.searchParams.get(PARAM);
  if (given === null) return;
  url.searchParams.delete(PARAM);
  history.replaceState(history.state, "", url);
  const pattern = patternOf(given);
  const root = document.querySelector("[data-pagefind-body], main, [role=main], article") ?? document.body;
  const ranges = pattern ? rangesIn(root, pattern) : [];
  if (!ranges.length) return;
  addStyle();
  void offerRemoval(mark(ranges));
}

begin();
