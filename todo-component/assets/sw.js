// The service worker: without a network, pages of the list are there as they were last seen. With
// one it changes nothing.

const CACHE = 'todoozle';
const MOST = 40;   // answers that are kept, pages and files together
const LIST = /^lists\/[^/]+\/?$/;

const scope = new URL(registration.scope);

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== scope.origin) return;
  if (!url.pathname.startsWith(scope.pathname)) return;
  const path = url.pathname.slice(scope.pathname.length);
  if (path === '' || LIST.test(path)) event.respondWith(page(event, url));
  else if (path.startsWith('assets/')) event.respondWith(asset(event));
});

async function kept(url) {
  return (await caches.open(CACHE)).match(url, { ignoreVary: true });
}

async function anyOf(urls) {
  for (const url of urls) {
    const old = await kept(url);
    if (old) return old;
  }
  return undefined;
}

async function keep(url, response) {
  const cache = await caches.open(CACHE);
  await cache.put(url, response);
  const all = await cache.keys();
  for (const old of all.slice(0, Math.max(0, all.length - MOST))) await cache.delete(old);
}

// What somebody may see again: no problem, and no message of the moment.
const lasts = (response) => response.ok && response.headers.get('cache-control') !== 'no-store';

// Whatever is shown of it, a list falls back on its own page and on no other.
async function page(event, { origin, pathname }) {
  const { request } = event;
  try {
    const response = await fetch(request);
    if (lasts(response)) event.waitUntil(keep(request.url, response.clone()));
    return response;
  } catch (failure) {
    const old = request.mode === 'navigate' && (await anyOf([request.url, origin + pathname, origin + pathname.replace(/(.)\/$/, '$1')]));
    if (!old) throw failure;
    return old;
  }
}

// Its name has the hash of what is in it.
async function asset(event) {
  const { request } = event;
  const old = await kept(request.url);
  if (old) return old;
  const response = await fetch(request);
  if (lasts(response) && response.headers.get('cache-control').includes('immutable')) {
    event.waitUntil(keep(request.url, response.clone()));
  }
  return response;
}
