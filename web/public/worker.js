// Starts the engine in a worker: the one script that runs there besides the code it loads. It
// 1. sets the worker's own Trusted Types policy (a worker has its own);
// 2. fetches glue and code, and refuses them unless they have the hashes that this script knows;
// 3. starts the engine.
// Started as `…#stretch` by the engine itself, it gets the code with its first message, already checked and
// compiled, and stretches one passphrase with it: that worker is then thrown away, memory and all.
// Words to the page: see web/worker/src/page.rs.
(function () {
  "use strict";

  var GLUE = "/komrade-worker.js";
  var GLUE_INTEGRITY = "integrity:/komrade-worker.js";
  var CODE = "/komrade-worker_bg.wasm";
  var CODE_INTEGRITY = "integrity:/komrade-worker_bg.wasm";

  var STRETCH = "#stretch";

  if (self.trustedTypes) {
    var known = [GLUE, self.location.pathname + STRETCH];
    trustedTypes.createPolicy("default", {
      createScriptURL: function (url) {
        if (known.indexOf(url) < 0) throw new TypeError("A script that is no part of Komrade was refused.");
        return url;
      },
    });
  }

  function checked(url, integrity) {
    return fetch(url, { integrity: integrity }).then(function (answer) {
      if (!answer.ok) throw new TypeError("missing");
      return answer;
    });
  }

  // The first message of a worker that stretches: the code and the job.
  function order() {
    return new Promise(function (resolve) {
      self.addEventListener("message", function (event) { resolve(event.data); }, { once: true });
    });
  }

  var stretches = self.location.hash === STRETCH;
  // The page sends nothing before it hears "ready".
  Promise.all([checked(GLUE, GLUE_INTEGRITY), stretches ? order() : checked(CODE, CODE_INTEGRITY)])
    .then(function (parts) {
      importScripts(GLUE);
      return wasm_bindgen({ module_or_path: stretches ? parts[1].module : parts[1] }).then(function () {
        if (stretches) wasm_bindgen.stretch(parts[1].job);
        else wasm_bindgen.run();
      });
    })
    .catch(function () {
      self.postMessage("refused");
    });
})();
