// Which lists of one's own this browser has seen. It alone knows: their addresses are keys.

const KNOWN = 'lists';
const KEY = /^r?[0-9a-f]{32}$/;

function known(change) {
  try {
    const lists = [JSON.parse(localStorage.getItem(KNOWN) ?? '[]')].flat().filter((list) => KEY.test(list?.key));
    if (change) localStorage.setItem(KNOWN, JSON.stringify(change(lists)));
    return lists;
  } catch {
    return [];
  }
}

const forget = (key) => known((lists) => lists.filter((list) => list.key !== key));

function remember(list) {
  known((lists) => {
    const old = lists.find((other) => other.key === list.key);
    return old ? lists.map((other) => (other === old ? { ...old, ...list } : other)) : [...lists, list];
  });
}

// Puts a list before the one that it stands behind; says whether there is one.
function raise(of) {
  const lists = known();
  const at = lists.findIndex((list) => list.key === of);
  if (at > 0) known(() => lists.toSpliced(at - 1, 2, lists[at], lists[at - 1]));
  return at > 0;
}

const title = document.querySelector('.list-name');
const home = document.querySelector('h1 a').pathname;
const key = decodeURIComponent(location.pathname).match(/\/lists\/(r?[0-9a-f]{32})(\/|$)/)?.[1];
if (title && key) remember({ key, name: title.textContent, colour: title.dataset.colour });

// A list that is gone, or has another key since: the page leads elsewhere. Where a todo is gone, it leads to its list.
if (document.querySelector('.failure[data-status="404"]') && !home.includes(key)) forget(key);

// The page that comes after new keys are made has one of them.
const REKEYED = 'rekeyed';
const settings = document.querySelector('.settings-page');
const old = sessionStorage.getItem(REKEYED);
sessionStorage.removeItem(REKEYED);
if (settings && old && old !== key) known((lists) => lists.map((list) => (list.key === old ? { ...list, key } : list)));
settings?.addEventListener('submit', ({ target }) => {
  if (target.action.endsWith('/rekey')) sessionStorage.setItem(REKEYED, key);
});

const SETTLED = 600;   // ms in which a second click belongs to the first
let forgot = -SETTLED;

function show(list) {
  const { key: of, name, colour = 'none' } = list;
  const li = document.importNode(document.querySelector('#known').content.firstElementChild, true);
  const link = li.querySelector('a');
  link.href = `${home}lists/${of}`;
  link.className = `colour-${colour}`;
  link.textContent = name;
  link.dir = 'auto';
  const [up, button] = li.querySelectorAll('button');
  for (const either of [up, button]) either.ariaLabel = `${either.textContent} ${name}`;
  up.onclick = () => { if (raise(of)) li.previousElementSibling.before(li); up.focus(); takeAlong(); };
  button.onclick = ({ detail, timeStamp }) => {
    if (detail > 0 && timeStamp - forgot < SETTLED) return;   // meant for the one that stood here
    forgot = timeStamp;
    forget(of);
    li.remove();
    takeAlong();
  };
  document.querySelector('.known-lists').append(li);
}

// What follows a # is not sent to any server.
function takeAlong() {
  const lists = known();
  const line = document.querySelector('.take-along');
  line.hidden = lists.length === 0;
  const carried = lists.map(({ key: of, name, colour }) => [of, name, colour]);
  line.firstElementChild.hash = encodeURIComponent(JSON.stringify(carried));
}

// What was brought along in the address, as far as it is lists that are not known yet.
function brought() {
  try {
    const lists = [JSON.parse(decodeURIComponent(location.hash.slice(1)))].flat();
    const told = lists.filter((list) => Array.isArray(list) && list.every((part) => typeof part === 'string'));
    return told.filter(([of, name, colour]) => KEY.test(of) && name && /^[a-z]+$/.test(colour ?? ''));
  } catch {
    return [];
  }
}

if (document.querySelector('.known-lists')) {
  for (const [of, name, colour] of brought()) {
    if (!known().some((list) => list.key === of)) remember({ key: of, name, colour });
  }
  if (location.hash) history.replaceState(null, '', location.pathname);
  known().forEach(show);
  takeAlong();
}
