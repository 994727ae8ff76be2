/** @file What the offline element and page say, in German. Words in braces are filled in. */
export default {
  lang: "de",
  off: "Diese Seiten und ihre Suche auf diesem Gerät behalten, um sie ohne Verbindung zu nutzen: {total}.",
  loading: "Die Seiten und ihre Suche werden geladen …",
  paused: "Die Offline-Kopie ist noch nicht vollständig: {loaded} von {total} sind da.",
  ready: "Offline verfügbar: {total} auf diesem Gerät.",
  updating: "Offline verfügbar. Eine neuere Fassung wird geladen …",
  damaged: "Teile der Offline-Kopie sind verloren gegangen: {loaded} von {total} sind da.",
  unsupported:
    "Dieses Browserfenster speichert keine Dateien, deshalb brauchen diese Seiten eine Verbindung. Private Fenster und gesperrte Cookies verbieten das Speichern.",
  unavailable: "Diese Seiten lassen sich nicht offline behalten.",
  progress: "{loaded} von {total}",
  keep: "Offline verfügbar machen",
  resume: "Fortsetzen",
  repair: "Reparieren",
  cancel: "Abbrechen",
  remove: "Entfernen",
  reload: "Neu laden",
  outdated: "Eine neuere Fassung ist da. Sie erscheint, wenn Sie die Seite neu laden.",
  noRoom:
    "Der Speicherplatz reicht nicht: {needed} werden gebraucht, {available} sind frei. Nichts Unvollständiges wurde behalten.",
  noConnection: "Es besteht keine Verbindung. Sobald es wieder eine gibt, geht es weiter.",
  pageTitle: "Diese Seite ist nicht auf Ihrem Gerät",
  pageText: "Es besteht keine Verbindung, und diese Seite gehört nicht zur Offline-Kopie.",
  pageSearch: "Durchsuchen, was auf diesem Gerät ist",
  pageRetry: "Erneut versuchen",
};
