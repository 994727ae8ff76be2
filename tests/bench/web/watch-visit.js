/**
 * @file Notes when a visitor has what: put into every page before its own scripts. Looks at the element from
 * outside; only the search behind it is wrapped, to learn of what kind an answer is.
 */

(() => {
  const noted = (globalThis.noted = {});
  const note = (stage) => {
    if (noted[stage]) return;
    noted[stage] = performance.now();
    globalThis.reached(stage, noted[stage]);
  };
  const wrapped = new WeakSet();

  function wrap(search) {
    wrapped.add(search);
    const query = search.query.bind(search);
    const see = (answer, last) => {
      const whole = answer.query.trim() === noted.question;
      if (answer.mode === "hybrid" && whole) requestAnimationFrame(() => note("refined"));
      if (answer.mode === "hybrid" && whole && last) requestAnimationFrame(() => note("highlights"));
    };
    search.query = async (text, options) => {
      const onUpdate = (answer) => {
        options.onUpdate?.(answer);
        see(answer, false);
      };
      const answer = await query(text, { ...options, onUpdate });
      setTimeout(() => see(answer, true));
      return answer;
    };
  }

  addEventListener("keydown", () => (noted.key ??= performance.now()), { capture: true, once: true });
  const look = () => {
    const element = document.querySelector("latefind-search");
    const root = element?.shadowRoot?.querySelector(".root");
    if (root && !root.hidden) note("usable");
    const search = element?.search;
    if (search && !wrapped.has(search)) wrap(search);
    if (search?.status.semantic === "ready") note("semantic");
    if (root?.querySelector(".results .title")) note("lexical");
    if (!noted.highlights) setTimeout(look, 4);
  };
  look();
})();
