// Put into every document before its own scripts: a dialog becomes a line in the browser's log, which outlives the page.
(() => {
  const say = console.debug.bind(console);
  const record = (kind, answer) => (text) => {
    say('dialog opened: ' + kind + ' ' + String(text));
    return answer;
  };
  window.alert = record('alert', undefined);
  window.confirm = record('confirm', false);
  window.prompt = record('prompt', null);
})()
