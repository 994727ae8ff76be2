/** @file What the offline element and page say, in English. Words in braces are filled in. */
export default {
  lang: "en",
  off: "Keep these pages and their search on this device, to use them without a connection: {total}.",
  loading: "Fetching the pages and their search …",
  paused: "The offline copy is not complete yet: {loaded} of {total} are here.",
  ready: "Available offline: {total} on this device.",
  updating: "Available offline. A newer version is being fetched …",
  damaged: "Parts of the offline copy got lost: {loaded} of {total} are here.",
  unsupported:
    "This browser window keeps no files, so these pages need a connection. Private windows and blocked cookies forbid storage.",
  unavailable: "These pages cannot be kept offline.",
  progress: "{loaded} of {total}",
  keep: "Make available offline",
  resume: "Continue",
  repair: "Repair",
  cancel: "Cancel",
  remove: "Remove",
  reload: "Reload",
  outdated: "A newer version is here. You see it when you reload the page.",
  noRoom:
    "There is not enough storage: {needed} are needed, {available} are free. Nothing was kept that is not complete.",
  noConnection: "There is no connection. It goes on when there is one again.",
  pageTitle: "This page is not on your device",
  pageText: "There is no connection, and this page does not belong to the offline copy.",
  pageSearch: "Search what is on this device",
  pageRetry: "Try again",
};
