// Text with too little contrast to what is behind it. Two pixels are painted from the inside outwards, one with the text
// and one without it, so that alpha and opacity count as on the screen; the browser itself turns colours into numbers.
(() => {
  // What moves has come to its end.
  for (const each of document.getAnimations()) { try { each.finish(); } catch { /* one without an end */ } }

  const pen = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const known = new Map();
  // Red, green, blue from 0 to 255 and alpha from 0 to 1.
  const colour = (text) => {
    if (!known.has(text)) {
      pen.clearRect(0, 0, 1, 1);
      pen.fillStyle = '#000';
      pen.fillStyle = text;
      pen.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = pen.getImageData(0, 0, 1, 1).data;
      known.set(text, [red, green, blue, alpha / 255]);
    }
    return known.get(text);
  };
  const over = ([r, g, b, a], [red, green, blue, alpha]) => {
    const sum = a + alpha * (1 - a);
    const mix = (top, below) => (sum ? (top * a + below * alpha * (1 - a)) / sum : 0);
    return [mix(r, red), mix(g, green), mix(b, blue), sum];
  };
  const faded = ([red, green, blue, alpha], by) => [red, green, blue, alpha * by];
  const light = ([red, green, blue]) => {
    const part = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
    return 0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue);
  };
  const ratio = (one, other) => {
    const [dark, bright] = [light(one), light(other)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };

  // What the window is painted with where no element paints anything.
  const probe = document.createElement('div');
  probe.style.cssText = 'display: none; background-color: Canvas';
  document.documentElement.append(probe);
  const canvas = colour(getComputedStyle(probe).backgroundColor);
  probe.remove();

  // What an element may be painted with behind its text: one colour, or each one of a gradient.
  const paints = (style) => {
    const plain = colour(style.backgroundColor);
    const stops = style.backgroundImage.includes('gradient')
      ? style.backgroundImage.match(/(?:rgba?|hsla?|hwb|oklch|oklab|lch|lab|color)\([^()]*\)/g) ?? [] : [];
    return stops.length ? stops.map((stop) => over(colour(stop), plain)) : [plain];
  };
  // Shapes before this text in its drawing whose middle of it they lie under, the uppermost first.
  const shapes = (element, box) => {
    const drawing = element.closest('svg');
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    return [...drawing.querySelectorAll('rect, circle, ellipse')].filter((each) => {
      const at = each.getBoundingClientRect();
      return (each.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) && !each.closest('defs, clipPath, mask') &&
        at.left <= x && x <= at.right && at.top <= y && y <= at.bottom && getComputedStyle(each).fill !== 'none';
    }).reverse();
  };
  // The two pixels; `turn` chooses among the colours of gradients.
  const pixels = (element, text, box, turn) => {
    let [inked, bare] = [text, [0, 0, 0, 0]];
    if (element.closest('svg')) {
      for (const each of shapes(element, box)) {
        const style = getComputedStyle(each);
        const fill = faded(colour(style.fill), Number(style.fillOpacity) * Number(style.opacity));
        [inked, bare] = [over(inked, fill), over(bare, fill)];
      }
    }
    for (let at = element; at; at = at.parentElement) {
      const style = getComputedStyle(at);
      const choices = paints(style);
      const paint = choices[turn % choices.length];
      [inked, bare] = [inked, bare].map((pixel) => faded(over(pixel, paint), Number(style.opacity)));
    }
    return [over(inked, canvas), over(bare, canvas)];
  };
  const turns = (element) => {
    let most = 1;
    for (let at = element; at; at = at.parentElement) most = Math.max(most, paints(getComputedStyle(at)).length);
    return most;
  };

  const visible = (element, box) => {
    if (!box.width || !box.height || box.right + scrollX <= 0 || box.bottom + scrollY <= 0) return false;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true })) return false;
    if (element.closest('[aria-hidden=true], :disabled, [aria-disabled=true], script, style, noscript, template, option')) return false;
    // Cut down to nothing, for readers of screens only.
    for (let at = element; at && at.localName !== 'body'; at = at.parentElement) {
      const [size, style] = [at.getBoundingClientRect(), getComputedStyle(at)];
      if (size.width <= 1 && size.height <= 1 && style.overflow !== 'visible') return false;
      if (style.clipPath === 'inset(50%)' || style.clip === 'rect(0px, 0px, 0px, 0px)') return false;
    }
    return true;
  };

  const faults = new Set();
  const judge = (element, said, box, style) => {
    if (!said || !visible(element, box)) return;
    const drawn = element.closest('svg') && !element.closest('foreignObject');
    if (drawn && style.fill === 'none') return;
    const text = drawn ? faded(colour(style.fill), Number(style.fillOpacity)) : colour(style.color);
    const size = parseFloat(style.fontSize) * (drawn ? element.getScreenCTM?.()?.a ?? 1 : 1);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    let [worst, pair] = [Infinity, []];
    for (let turn = 0; turn < turns(element); turn += 1) {
      const found = pixels(element, text, box, turn);
      if (ratio(...found) < worst) [worst, pair] = [ratio(...found), found];
    }
    if (worst >= needed) return;
    const tag = element.cloneNode(false).outerHTML.replace(/<\/[^>]*>$/, '').slice(0, 120);
    const rgb = (pixel) => `rgb(${pixel.slice(0, 3).map(Math.round).join(' ')})`;
    faults.add(`"${said.slice(0, 40)}" in ${tag} has a contrast of ${(Math.floor(worst * 100) / 100).toFixed(2)} and needs ` +
      `${needed}: ${rgb(pair[0])} on ${rgb(pair[1])}`);
  };

  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const said = node.data.replace(/\s+/g, ' ').trim();
    if (!said) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    judge(node.parentElement, said, range.getBoundingClientRect(), getComputedStyle(node.parentElement));
  }
  // What fields show is no text of the document.
  for (const field of document.querySelectorAll('input:not([type=hidden], [type=checkbox], [type=radio], [type=range], [type=color]), textarea, select')) {
    const hint = !field.value && field.placeholder;
    const said = field.selectedOptions ? field.selectedOptions[0]?.text : hint || field.value;
    const style = getComputedStyle(field, hint ? '::placeholder' : null);
    judge(field, said, field.getBoundingClientRect(), style);
  }
  return [...faults];
})()
