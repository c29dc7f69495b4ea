// The first visible element that matches `css` and says `text`; one that says nothing else comes before one that says more.
(([css, text]) => {
  const flat = (said) => (said ?? '').replace(/\s+/g, ' ').trim();
  const says = (each) => [each.innerText, each.textContent, each.value].filter((said) => typeof said === 'string').map(flat);
  const seen = [...document.querySelectorAll(css)].filter((each) =>
    each.checkVisibility({ visibilityProperty: true, opacityProperty: true }));
  return seen.find((each) => says(each).includes(text)) ??
    seen.find((each) => says(each).some((said) => said.includes(text))) ?? null;
})
