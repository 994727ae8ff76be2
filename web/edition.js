/**
 * @file One edition of an index: a manifest as it was at some moment, and the lexical index that it names. A
 * site that is published anew has another one; numbers of sections mean something within one edition only.
 */

import { checkStatus, unreachable } from "./http.js";
import { Lexical } from "./lexical.js";
import { initialParts, parseManifest } from "./manifest.js";
import { LatefindError, fromWire, toWire } from "./protocol.js";

/** @typedef {import("./manifest.js").Manifest} Manifest */

export class Edition {
  /** The words of the index; `null` where it has none, or where they could not be opened. @type {Lexical | null} */
  lexical = null;
  /** Why the words could not be opened. @type {LatefindError | null} */
  lexicalError = null;

  /**
   * @param {string} manifestUrl
   * @param {string} text
   */
  constructor(manifestUrl, text) {
    this.manifestUrl = manifestUrl;
    this.text = text;
    this.manifest = parseManifest(text);
    this.siteUrl = new URL(this.manifest.base, manifestUrl).href;
    this.semanticBytes = initialParts(this.manifest).reduce((sum, part) => sum + part.bytes, 0);
  }

  /** Whether the index has words at all. */
  get hasLexical() {
    return this.manifest.parts.some(({ role }) => role === "lexical");
  }

  /**
   * Fetch the manifest anew.
   * @param {string} manifestUrl
   * @param {Promise<Response>} [coming]  where it is on its way already
   * @returns {Promise<Edition>}
   * @throws {LatefindError} `network`, `format` or `version`
   */
  static async fetch(manifestUrl, coming = fetch(manifestUrl, { cache: "no-cache" })) {
    Lexical.prepare(); // What it needs comes beside the manifest.
    const response = await coming.catch((error) => {
      throw unreachable(manifestUrl, "the manifest of an index", error);
    });
    checkStatus(response, manifestUrl);
    return new Edition(manifestUrl, await response.text());
  }

  /**
   * Fetch the manifest and open the words; of the site's newest edition where those of this one are gone.
   * @param {string} manifestUrl
   * @param {Promise<Response>} coming  a page may name a copy that is older than the site
   * @returns {Promise<Edition>}
   * @throws {LatefindError} `network`, `format` or `version`
   */
  static async open(manifestUrl, coming) {
    const edition = await Edition.fetch(manifestUrl, coming);
    await edition.openLexical();
    if (!edition.lexicalError) return edition;
    const fresh = await edition.successor().catch(() => null);
    await fresh?.openLexical();
    return fresh ?? edition;
  }

  /**
   * The edition that the site has by now, if it is another.
   * @returns {Promise<Edition | null>}
   * @throws {LatefindError} `outdated`: there is one, but not for the code of this page
   */
  async successor() {
    try {
      const fresh = await Edition.fetch(this.manifestUrl);
      if (fresh.text === this.text) return null;
      if (fresh.manifest.generator === this.manifest.generator) return fresh;
      throw outdatedError(`one by ${fresh.manifest.generator}`);
    } catch (error) {
      // What cannot be fetched explains nothing: the error that made us look is the one to tell.
      if (coded(error).code === "network") return null;
      throw coded(error).code === "outdated" ? error : outdatedError("one that it cannot read", coded(error).message);
    }
  }

  /** Open the words; never rejects. */
  async openLexical() {
    this.lexicalError = null;
    if (!this.hasLexical) return;
    try {
      this.lexical = await Lexical.open(this.manifest, this.manifestUrl);
    } catch (error) {
      this.lexicalError = coded(error);
    }
  }
}

/**
 * @param {unknown} error
 * @returns {LatefindError}
 */
export function coded(error) {
  return error instanceof LatefindError ? error : fromWire(toWire(error));
}

/**
 * @param {string} got
 * @param {string} [detail]
 */
function outdatedError(got, detail) {
  const advice = "The site was published anew: reload the page.";
  return LatefindError.expected("outdated", "index", "the one that this page opened", got, advice, detail);
}
