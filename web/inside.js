/**
 * @file What is behind the button and the field, in one piece: all that the first answer needs. The shell
 * (`latefind-ui.js`) imports it when the browser is idle or somebody is about to search.
 */

export * from "./latefind.js";
export { Panel } from "./ui/panel.js";
export { Recent, Session } from "./ui/session.js";
export { buildView, labelView, tellExpanded } from "./ui/view.js";
