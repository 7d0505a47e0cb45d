// Part 5 of the script: moving todos, with the keyboard or by the grip, which a mouse or a finger
// drags. The neighbours move around the todo: whoever is moved in the document loses the focus, and
// a finger its hold.

const EDGE = 64;    // px from the window's edge within which it scrolls
const SCROLL = 12;  // px that it scrolls at a time

// The ones in sight before and behind `li`; where the completed ones stand at the end, they stay there.
function neighbours(li) {
  const apart = filter() === 'unfolded';
  const all = visible().filter((other) => !apart || other.matches('.completed') === li.matches('.completed'));
  const at = all.indexOf(li);
  return [all[at - 1], all[at + 1]];
}

// Changes places with a neighbour; says whether there was one.
function swap(li, up) {
  const [above, below] = neighbours(li);
  if (up && above) list.insertBefore(above, li.nextSibling);
  else if (!up && below) list.insertBefore(below, li);
  return Boolean(up ? above : below);
}

// Sends where `li` stands now.
function moved(li) {
  const [above, below] = neighbours(li);
  const beside = above ?? below;
  if (!beside) return;
  const all = visible();
  const { shown } = items.get(li);
  announce([all.indexOf(li) + 1, all.length, shown.title].reduce((text, part) => text.replace('{}', () => part), texts.moved));
  change(li, shown, async (saved) => {
    await items.get(beside).queue;   // it may be on its way, too
    const other = items.get(beside).saved;
    if (!saved || !other) throw new Failure(409, texts.missing);
    return api('POST', `/todos/${saved.id}/move`, { [above ? 'behind' : 'before']: Number(other.id) });
  });
}

document.addEventListener('keydown', (event) => {
  const { target, key, altKey, ctrlKey, metaKey, shiftKey } = event;
  const li = target.closest('.todo-list > li');
  const asked = (altKey || target.matches('.grip')) && !ctrlKey && !metaKey && !shiftKey;
  if (!asked || !li || editing(li) || filter() === 'due' || !['ArrowUp', 'ArrowDown'].includes(key)) return;
  event.preventDefault();
  if (swap(li, key === 'ArrowUp')) moved(li);
});

list.addEventListener('pointerdown', (event) => {
  const grip = event.target.closest('.grip');
  if (!grip || event.button) return;
  const li = grip.closest('li');
  const before = [...list.children];
  const ends = new AbortController();
  const on = (name, act) => grip.addEventListener(name, act, { signal: ends.signal });
  const finish = () => {
    ends.abort();
    li.classList.remove('dragged');
    end();
  };
  grip.setPointerCapture(event.pointerId);
  li.classList.add('dragged');
  begin();   // the list is not read again meanwhile
  on('pointermove', ({ clientY }) => {
    for (const up of [true, false]) {
      for (;;) {
        const other = neighbours(li)[up ? 0 : 1]?.getBoundingClientRect();
        const middle = other && other.top + other.height / 2;
        if (!other || (up ? clientY > middle : clientY < middle)) break;
        swap(li, up);
      }
    }
    if (clientY < EDGE) scrollBy(0, -SCROLL);
    else if (clientY > innerHeight - EDGE) scrollBy(0, SCROLL);
  });
  on('pointerup', () => {
    finish();
    if (before.some((other, at) => other !== list.children[at])) moved(li);
  });
  const cancel = () => {
    list.append(...before);
    finish();
  };
  on('pointercancel', cancel);
  addEventListener('keydown', ({ key }) => { if (key === 'Escape') cancel(); }, { signal: ends.signal });
});
