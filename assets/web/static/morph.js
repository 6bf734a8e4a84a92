// @ts-check
/**
 * Puts a new state of a page into the one that is shown, and changes nothing else: the focus, what is typed, what is selected, scrolled and
 * opened stays.
 *
 * @module
 */

/** Attributes that are the reader's: whether a part is open, and what is typed into fields. */
const OWN = new Set(["open"]);

/**
 * Makes an element like another one.
 * @param {Element} shown
 * @param {Element} wanted
 */
export function morph(shown, wanted) {
  if (shown.hasAttribute("data-keep")) return;
  attributes(shown, wanted);
  if (isField(shown)) return;
  children(shown, wanted);
}

/** @param {Element} element */
function isField(element) {
  return ["INPUT", "SELECT", "TEXTAREA"].includes(element.tagName);
}

/** @param {Element} shown @param {Element} wanted */
function attributes(shown, wanted) {
  for (const { name, value } of [...wanted.attributes]) {
    if (!OWN.has(name) && shown.getAttribute(name) !== value) shown.setAttribute(name, value);
  }
  for (const { name } of [...shown.attributes]) {
    if (!OWN.has(name) && !wanted.hasAttribute(name)) shown.removeAttribute(name);
  }
}

/** @param {Node} shown @param {Node} wanted */
function children(shown, wanted) {
  /** @type {Map<string, Element>} */
  const known = new Map();
  for (const child of shown.childNodes) {
    const key = keyOf(child);
    if (key) known.set(key, /** @type {Element} */ (child));
  }
  let next = shown.firstChild;
  for (const child of [...wanted.childNodes]) {
    const key = keyOf(child);
    const same = key ? known.get(key) : next && !keyOf(next) && isAlike(next, child) ? next : undefined;
    if (!same) {
      shown.insertBefore(document.importNode(child, true), next);
      continue;
    }
    if (same === next) next = next.nextSibling;
    else shown.insertBefore(same, next);
    update(same, child);
  }
  while (next) {
    const rest = next.nextSibling;
    shown.removeChild(next);
    next = rest;
  }
}

/** @param {Node} shown @param {Node} wanted */
function update(shown, wanted) {
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.nodeValue !== wanted.nodeValue) shown.nodeValue = wanted.nodeValue;
  } else if (!shown.isEqualNode(wanted)) {
    morph(/** @type {Element} */ (shown), /** @type {Element} */ (wanted));
  }
}

/** Returns the name by which an element is known wherever it stands. @param {Node} node */
function keyOf(node) {
  return node.nodeType === Node.ELEMENT_NODE ? /** @type {Element} */ (node).id : "";
}

/** @param {Node} one @param {Node} other */
function isAlike(one, other) {
  return one.nodeType === other.nodeType && one.nodeName === other.nodeName;
}
