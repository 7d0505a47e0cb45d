// Part 4 of the script: single keys that act on the list. None does while somebody types, and who
// speaks to the computer or hits keys by chance can turn them off.

const CHOICE = 'single-keys';

const help = $('.help');
const single = $('.help input');

function walk(step) {
  const shown = visible();
  const from = shown.indexOf(document.activeElement.closest('.todo-list > li'));
  const to = from < 0 && step < 0 ? shown.length - 1 : Math.max(0, from + step);
  const li = shown[Math.min(to, shown.length - 1)];
  if (li) $('.toggle', li).focus();
}

const anywhere = { n: () => input.focus(), '/': () => search.select(), j: () => walk(1), k: () => walk(-1), '?': () => help.showModal() };
const onTodo = { x: toggle, e: edit, '#': destroy };

// The character of a key; '' with a modifier that is not part of writing it.
function character(event) {
  const letter = /^Key[A-Z]$/.test(event.code);
  const writes = event.getModifierState('AltGraph');
  if (event.metaKey || (!writes && (event.ctrlKey || (event.altKey && letter)))) return '';
  return event.shiftKey ? event.key : latin(event);
}

document.addEventListener('keydown', (event) => {
  const { target, repeat, defaultPrevented } = event;
  const types = target.matches('input:not([type=checkbox]), textarea');
  if (types || defaultPrevented || help.open || !single.checked) return;
  const key = character(event);
  const li = target.closest('.todo-list > li');
  if (repeat && !['j', 'k'].includes(key)) return;
  if (anywhere[key]) anywhere[key]();
  else if (li && onTodo[key]) onTodo[key](li);
  else return;
  event.preventDefault();   // or the field that has the focus now would get the character
});

// What is typed stays; the keys are the list's until somebody comes back.
input.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !composes(event)) input.blur();
});

// A browser that may keep nothing forgets the choice with the page.
try {
  single.checked = localStorage.getItem(CHOICE) !== 'off';
} catch {}
single.addEventListener('change', () => {
  try {
    localStorage.setItem(CHOICE, single.checked ? 'on' : 'off');
  } catch {}
});

$('.hint button').addEventListener('click', () => help.showModal());
$('.help button').addEventListener('click', () => help.close());
