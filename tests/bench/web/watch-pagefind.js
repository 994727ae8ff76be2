/** @file Notes when a visitor of Pagefind's default interface has what, as `watch-visit.js` does for ours. */

(() => {
  const noted = (globalThis.noted = {});
  const note = (stage) => {
    if (noted[stage]) return;
    noted[stage] = performance.now();
    globalThis.reached(stage, noted[stage]);
  };
  const look = () => {
    if (document.querySelector(".pagefind-ui__search-input")) note("usable");
    if (document.querySelector(".pagefind-ui__result-link")) note("lexical");
    if (!noted.lexical) setTimeout(look, 4);
  };
  look();
})();
