// Starts the app, and nothing else: the page has no other script. It
// 1. says in plain words what is missing, if something is;
// 2. sets the one Trusted Types policy of the page;
// 3. fetches the app's code, refuses it unless it has the hash that this page knows, and starts it.
// The words are English and stand here, because the app's catalogue is part of what is being loaded.
(function () {
  "use strict";

  var boot = document.getElementById("boot");

  function say(text) {
    var note = document.getElementById("starting") || document.body.appendChild(document.createElement("p"));
    note.id = "starting";
    note.setAttribute("role", "alert");
    note.textContent = text;
  }

  function missing() {
    var parts = [];
    if (typeof WebAssembly !== "object") parts.push("WebAssembly");
    if (typeof Worker !== "function") parts.push("web workers");
    if (typeof fetch !== "function") parts.push("fetch");
    // Some browsers throw instead of leaving it out, when a person has switched storage off.
    try {
      if (!indexedDB) parts.push("IndexedDB");
    } catch (_) {
      parts.push("IndexedDB");
    }
    return parts;
  }

  // Leptos builds fixed parts of the screens from HTML. Nothing a person wrote passes here (it is set as
  // text), so whatever could run or load something is a mistake or an attack.
  var FORBIDDEN = /<\s*\/?\s*(?:script|iframe|object|embed|base|link|meta|style|form)\b|[\s"'\/]on\w+\s*=|javascript:/i;

  function setPolicy() {
    if (!window.trustedTypes) return;
    var known = [boot.dataset.worker, "/sw.js"];
    trustedTypes.createPolicy("default", {
      createHTML: function (html) {
        if (FORBIDDEN.test(html)) throw new TypeError("HTML that could run or load something was refused.");
        return html;
      },
      createScriptURL: function (url) {
        if (known.indexOf(url) < 0) throw new TypeError("A script that is no part of this page was refused.");
        return url;
      },
    });
  }

  // Why a part could not be loaded: the line, or its bytes. (`fetch` tells nobody which.)
  function explain(url) {
    return fetch(url, { cache: "no-store" }).then(
      function (answer) {
        say(
          answer.ok
            ? "This copy of Komrade is damaged or was changed: a part of it is not what this page expects. " +
                "Nothing was started, and your vault was not touched. Reload the page; if this stays, ask " +
                "whoever runs this relay."
            : "A part of Komrade is missing at this address, so nothing was started. Your vault was not " +
                "touched. Reload the page; if this stays, ask whoever runs this relay."
        );
      },
      function () {
        say(
          "This relay does not answer, so Komrade could not be loaded. Your vault was not touched. Reload " +
            "the page when you are online again."
        );
      }
    );
  }

  var parts = missing();
  if (parts.length > 0) {
    say(
      "Komrade cannot run here: this browser lacks " + parts.join(" and ") + ", or it is switched off. " +
        "A current Firefox, Chromium or Safari, outside a private window, has what is needed."
    );
    return;
  }
  setPolicy();
  // Deferred scripts run when the styles are there, or were refused: without them a screen could mislead.
  var style = document.querySelector("link[rel=stylesheet]");
  if (style && !style.sheet) {
    explain(style.href);
    return;
  }
  var app = boot.dataset.app;
  var wasm = boot.dataset.wasm;
  var code = fetch(wasm, { integrity: boot.dataset.wasmIntegrity }).then(function (answer) {
    if (!answer.ok) throw new TypeError("missing");
    return answer;
  });
  // The glue's hash stands at its `modulepreload`.
  Promise.all([
    import(app).catch(function () { return explain(app); }),
    code.catch(function () { return explain(wasm); }),
  ]).then(function (loaded) {
    if (!loaded[0] || !loaded[1]) return;
    return loaded[0].default({ module_or_path: loaded[1] }).then(function () {
      var note = document.getElementById("starting");
      if (note) note.remove();
    });
  }).catch(function () {
    say(
      "Komrade met an error while starting, so nothing was started. Your vault was not touched. Reload the " +
        "page; if this stays, this browser may be too old."
    );
  });
})();
