// The one script of ours: copy buttons, `/` for the search field, and regions that follow the stream.
(() => {
  const { body, documentElement: page } = document;
  page.classList.add('js');

  document.addEventListener('click', async ({ target }) => {
    const button = target.closest('[data-copy]');
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(from ? from.textContent : button.dataset.copy);
    button.classList.add('done');
    setTimeout(() => button.classList.remove('done'), 1200);
  });

  document.addEventListener('keydown', (event) => {
    const typing = event.target.closest('input, select, textarea');
    const find = document.getElementById('q');
    if (event.key !== '/' || typing || !find || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    find.focus();
  });

  // A region that somebody types into is left as it is.
  body.addEventListener('htmx:beforeSwap', (event) => {
    const busy = document.activeElement;
    if (event.target.contains(busy) && busy.matches('input, select')) event.detail.shouldSwap = false;
  });

  const address = body.dataset.stream;
  if (!address) return;
  const foot = document.getElementById('live');
  let source = null;
  let last = '';

  const tell = (words) => words.forEach((word) => body.dispatchEvent(new Event(`on-${word}`)));
  const show = (live) => {
    foot.classList.toggle('off', !live);
    foot.lastElementChild.textContent = live ? `Live · ${location.host}` : 'Not live, reload';
  };
  const open = () => {
    source?.close();
    source = new EventSource(last ? `${address}?after=${last}` : address);
    source.onopen = () => show(true);
    source.onerror = () => show(false);
    source.onmessage = ({ data, lastEventId }) => {
      last = lastEventId;
      tell(data.split(' '));
    };
  };
  // Who leaves a page breaks off what it asked for; that is no error. A download leaves nothing.
  const asked = new Set();
  body.addEventListener('htmx:beforeRequest', ({ detail: { xhr } }) => {
    asked.add(xhr);
    xhr.addEventListener('loadend', () => asked.delete(xhr));
  });
  addEventListener('beforeunload', () => {
    source?.close();
    asked.forEach((xhr) => { xhr.onabort = xhr.onerror = null; });
    setTimeout(open, 3000);
  });
  // A tab that nobody looks at holds no connection: a browser has only six of them for one server.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      source?.close();
    } else {
      open();
      tell(['back']);
    }
  });
  if (!document.hidden) open();
})();
