// What is out of order in the document.
(() => {
  const faults = [];
  const all = (css, within = document) => [...within.querySelectorAll(css)];
  const shown = (each) => each.cloneNode(false).outerHTML.replace(/<\/[^>]*>$/, '').slice(0, 160);
  const said = (each) => each.textContent.replace(/\s+/g, ' ').trim().slice(0, 60);
  const visible = (each) => each.checkVisibility({ visibilityProperty: true });
  const leads = (id) => document.getElementById(id) !== null;

  if (!document.documentElement.lang.trim()) faults.push('the document has no language');
  if (!document.title.trim()) faults.push('the document has no title');

  const headings = all('h1, h2, h3, h4, h5, h6').filter(visible);
  const firsts = headings.filter((each) => each.localName === 'h1').length;
  if (firsts !== 1) faults.push(`there are ${firsts} h1, and there must be one`);
  let level = 0;
  for (const each of headings) {
    const own = Number(each.localName[1]);
    if (own > level + 1) faults.push(`the heading "${said(each)}" is h${own} after ${level ? 'h' + level : 'none'}`);
    level = own;
  }
  const mains = all('main, [role=main]').filter(visible).length;
  if (mains !== 1) faults.push(`there are ${mains} main, and there must be one`);

  const first = all('a[href], button, input, select, textarea, summary, [tabindex]').find((each) =>
    visible(each) && !each.disabled && each.type !== 'hidden' && each.tabIndex >= 0);
  const to = first?.matches('a[href^="#"]') ? decodeURIComponent(first.hash.slice(1)) : '';
  if (!first) faults.push('nothing can have the focus, so there is no skip link');
  // What is first in the content itself has nothing before it to be skipped.
  else if (!to && !first.closest('main, [role=main], dialog[open]')) faults.push(`the first that can have the focus is ${shown(first)}, and no skip link`);
  else if (to && !leads(to)) faults.push(`the skip link leads to #${to}, which is not there`);

  const count = new Map();
  for (const { id } of all('[id]')) count.set(id, (count.get(id) ?? 0) + 1);
  for (const [id, times] of count) if (times > 1) faults.push(`the id "${id}" is there ${times} times`);
  for (const each of all('label')) if (!each.control) faults.push(`the label "${said(each)}" is of no control`);
  for (const name of ['aria-labelledby', 'aria-describedby']) {
    for (const each of all(`[${name}]`)) {
      for (const id of each.getAttribute(name).split(/\s+/).filter((part) => part && !leads(part))) {
        faults.push(`${name} of ${shown(each)} leads to #${id}, which is not there`);
      }
    }
  }

  for (const each of all('table')) {
    const named = each.caption?.textContent.trim() || each.getAttribute('aria-label')?.trim() ||
      each.getAttribute('aria-labelledby')?.split(/\s+/).some(leads);
    if (!named) faults.push(`${shown(each)} has neither a caption nor a label`);
  }
  for (const each of all('th:not([scope])')) faults.push(`the header "${said(each)}" of a table has no scope`);
  return faults;
})()
