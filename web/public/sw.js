// The loader: keeps one release of Komrade for use without the relay, and serves only that one.
//
// This file never changes between releases, so a browser that finds another one is an alarm, which the page
// sounds. A release is data: /assets.json, the SHA-256 of every file and how to serve them.
//
//   install    fetch the manifest and every file in it, each checked against its hash; keep them
//   fetch      a file of the kept release comes from there, the start page for every navigation
//   "check"    compare the relay's manifest with the kept one; fetch and check another release; offer it
//   "agree"    the person agreed to a release by name: keep that one from now on
//
// A release is named by the SHA-256 of its manifest. Its files lie in a cache of their own; which one is kept
// stands in the cache "komrade".
"use strict";

const MANIFEST = "/assets.json";
const POINTERS = "komrade";
const cacheName = (release) => "komrade-" + release;

const hex = (buffer) =>
  Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

const base64 = (digits) => btoa(String.fromCharCode(...digits.match(/../g).map((pair) => parseInt(pair, 16))));

/** The relay's manifest and the release it names. */
async function published() {
  const answer = await fetch(MANIFEST, { cache: "no-store", credentials: "omit" });
  if (!answer.ok) throw new Error("no manifest");
  const bytes = await answer.arrayBuffer();
  const release = hex(await crypto.subtle.digest("SHA-256", bytes)).slice(0, 16);
  return { bytes, release, manifest: JSON.parse(new TextDecoder().decode(bytes)) };
}

/** The kept release, or null. */
async function kept() {
  const found = await (await caches.open(POINTERS)).match("/kept");
  return found ? found.text() : null;
}

async function point(release) {
  await (await caches.open(POINTERS)).put("/kept", new Response(release));
}

/** Fetches and checks every file of a release. The manifest comes last: where it is, all is. */
async function fetchAll({ bytes, release, manifest }) {
  const cache = await caches.open(cacheName(release));
  if (await cache.match(MANIFEST)) return;
  await Promise.all(
    Object.entries(manifest.assets).map(async ([path, asset]) => {
      // `integrity` makes the browser refuse any other bytes. "no-cache": hashed names come from its cache.
      const answer = await fetch(path, { integrity: "sha256-" + base64(asset.sha256), cache: "no-cache", credentials: "omit" });
      if (!answer.ok) throw new Error("missing: " + path);
      await cache.put(path, answer);
    })
  );
  await cache.put(MANIFEST, new Response(bytes, { headers: { "content-type": "application/json" } }));
}

async function install() {
  const found = await published();
  await fetchAll(found);
  if ((await kept()) === null) await point(found.release);
}

/** Answers a page that asks whether the relay has something else. */
async function check() {
  const now = await kept();
  let found;
  try {
    found = await published();
  } catch (_) {
    return { say: "kept", kept: now };
  }
  if (now === null || found.release === now) {
    if (now === null) {
      await fetchAll(found);
      await point(found.release);
    }
    return { say: "kept", kept: found.release };
  }
  try {
    await fetchAll(found);
  } catch (_) {
    await caches.delete(cacheName(found.release));
    // A line that broke is no damage, and neither is a relay that moved on meanwhile.
    const still = await published().then((again) => again.release === found.release, () => false);
    return still ? { say: "damaged" } : { say: "kept", kept: now };
  }
  return { say: "offered", kept: now, offered: found.release };
}

/** Keeps `release` from now on. The one before stays for tabs that still run it, older ones go. */
async function agree(release) {
  const cache = await caches.open(cacheName(release));
  if (!(await cache.match(MANIFEST))) return { say: "damaged" };
  const before = await kept();
  await point(release);
  for (const name of await caches.keys()) {
    const stays = [POINTERS, cacheName(release), cacheName(before)];
    if (name.startsWith("komrade-") && !stays.includes(name)) await caches.delete(name);
  }
  return { say: "agreed" };
}

/** The kept file for a request, the one before's if only that has it, or what the relay says. */
async function serve(request, path) {
  const release = await kept();
  if (release !== null) {
    const cache = await caches.open(cacheName(release));
    const known = await cache.match(MANIFEST);
    if (known) {
      const manifest = await known.json();
      const network = manifest.network.some((prefix) => path === prefix || path.startsWith(prefix + "/"));
      const start = request.mode === "navigate" && !network && !manifest.assets[path];
      const name = start ? manifest.start : path;
      // Tabs that still run the release before this one ask for files that only that one had.
      const found = manifest.assets[name] ? await cache.match(name) : await caches.match(name);
      if (found) return found;
    }
  }
  return fetch(request);
}

self.addEventListener("install", (event) => event.waitUntil(install()));
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  // What is asked past every cache is asked of the relay: the manifest, and why a part is damaged.
  if (event.request.cache === "no-store") return;
  event.respondWith(serve(event.request, url.pathname));
});
self.addEventListener("message", (event) => {
  const { say, release } = event.data;
  const answer = say === "check" ? check() : say === "agree" ? agree(release) : Promise.resolve(null);
  event.waitUntil(answer.then((words) => words && event.source.postMessage(words)));
});
