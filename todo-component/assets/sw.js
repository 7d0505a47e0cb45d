// The service worker: without a network, pages of the list are there as they were last seen. With
// one it changes nothing.

const CACHE = 'todoozle';
const MOST = 40;   // answers that are kept

const scope = new URL(registration.scope);

addEventListener('install', () => skipWaiting());
addEventListener('activate', (event) => event.waitUntil(clients.claim()));

addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== scope.origin) return;
  if (url.pathname === scope.pathname) event.respondWith(page(event));
  else if (url.pathname.startsWith(`${scope.pathname}assets/`)) event.respondWith(asset(event));
});

async function kept(url) {
  return (await caches.open(CACHE)).match(url, { ignoreVary: true });
}

async function keep(url, response) {
  const cache = await caches.open(CACHE);
  await cache.put(url, response);
  const all = await cache.keys();
  for (const old of all.slice(0, Math.max(0, all.length - MOST))) await cache.delete(old);
}

// What somebody may see again: no problem, and no message of the moment.
const lasts = (response) => response.ok && response.headers.get('cache-control') !== 'no-store';

async function page(event) {
  const { request } = event;
  try {
    const response = await fetch(request);
    if (lasts(response)) event.waitUntil(keep(request.url, response.clone()));
    return response;
  } catch (failure) {
    const old = request.mode === 'navigate' && (await kept(request.url) ?? await kept(scope.href));
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
