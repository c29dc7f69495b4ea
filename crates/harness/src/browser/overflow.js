// The elements that make the document wider than its window: the innermost ones, at most ten.
(() => {
  const root = document.scrollingElement;
  const width = root.clientWidth;
  if (root.scrollWidth <= width) return [];
  // Whether something around it cuts it off or lets it be scrolled, so that it does not widen the document.
  const held = (each) => {
    for (let at = each.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== 'visible' && at.getBoundingClientRect().right <= width + 0.5) return true;
    }
    return false;
  };
  const end = (each) => each.getBoundingClientRect().right + window.scrollX;
  // What has no height widens nothing.
  const wide = [...document.body.querySelectorAll('*')].filter((each) =>
    end(each) > width + 0.5 && each.getBoundingClientRect().height > 0 && !held(each));
  const inner = wide.filter((each) => !wide.some((other) => other !== each && each.contains(other)));
  const shown = (each) => each.cloneNode(false).outerHTML.replace(/<\/[^>]*>$/, '').slice(0, 160);
  const culprits = inner.slice(0, 10).map((each) => `${shown(each)} ends at ${Math.round(end(each))} px of ${width} px`);
  return culprits.length ? culprits : [`the document is ${root.scrollWidth} px wide and the window ${width} px`];
})()
