// Keeps every page working where its surroundings would break it. Evaluated before React renders.

import "./document_language.js";

// A hand moves a little while it presses.
const STILL_PX = 8;

/**
 * Reflex cuts a page's live connection when a document is requested. A link to a file, a mail
 * address or a phone requests one that never comes, and the page would be left without; where one
 * comes, `pagehide` cuts it. Only the first listener can prevent that.
 */
const keepConnection = () => {
  addEventListener("beforeunload", (event) => event.stopImmediatePropagation());
};

/**
 * A browser that blocks site data throws at any access to its storage, also in code above our
 * error boundary. Then values last as long as the page.
 * @param {"localStorage" | "sessionStorage"} name
 */
const provideStorage = (name) => {
  try {
    window[name].getItem("");
  } catch {
    /** @type {Map<string, string>} */
    const values = new Map();
    const storage = {
      getItem: (/** @type {string} */ key) => values.get(key) ?? null,
      setItem: (/** @type {string} */ key, /** @type {string} */ value) =>
        values.set(key, String(value)),
      removeItem: (/** @type {string} */ key) => values.delete(key),
      clear: () => values.clear(),
    };
    Object.defineProperty(window, name, { configurable: true, value: storage });
  }
};

/**
 * Translators put elements in the place of text nodes, around them or instead of them. React still
 * removes, updates and inserts beside the nodes it made, which throws or shows nothing
 * (https://github.com/facebook/react/issues/11538). This lets it find what stands there now.
 */
const tolerateTranslation = () => {
  const { removeChild, insertBefore } = Node.prototype;
  const nodeValue = Object.getOwnPropertyDescriptor(Node.prototype, "nodeValue");
  /** @type {WeakMap<Node, Element>} what a translator put instead of a text */
  const translations = new WeakMap();
  const isFont = (/** @type {Node | null} */ node) => node?.nodeName === "FONT";
  new MutationObserver((records) => {
    for (const { addedNodes, removedNodes, previousSibling, nextSibling } of records) {
      for (const node of removedNodes) {
        const near = [...addedNodes, previousSibling, nextSibling].find(isFont);
        if (near && node.nodeType === Node.TEXT_NODE && !node.parentNode) {
          translations.set(node, /** @type {Element} */ (near));
        }
      }
    }
  }).observe(document, { childList: true, subtree: true });
  /**
   * The child of `parent` that holds a node or its translation.
   * @param {Node} parent
   * @param {Node} node
   */
  const findIn = (parent, node) => {
    /** @type {Node | null | undefined} */
    let found = node.parentNode ? node : translations.get(node);
    while (found && found.parentNode !== parent) found = found.parentNode;
    return found ?? null;
  };
  Node.prototype.removeChild = function (child) {
    const found = findIn(this, child);
    if (found) removeChild.call(this, found);
    return child;
  };
  Node.prototype.insertBefore = function (node, before) {
    return /** @type {any} */ (insertBefore.call(this, node, before && findIn(this, before)));
  };
  Object.defineProperty(Text.prototype, "nodeValue", {
    configurable: true,
    get: nodeValue?.get,
    set(value) {
      nodeValue?.set?.call(this, value);
      const translation = translations.get(this);
      if (!this.parentNode && translation?.parentNode) translation.replaceWith(this);
    },
  });
};

/**
 * An answer may move the page between the press of a mouse and its release: it takes away what was
 * wrong with the field that the press has left. The browser then clicks what both places share,
 * which does nothing. A hand that stood still, within where the button was, has pressed it, if that
 * has moved and says the same still. A hand that slides off a button takes its press back.
 */
const keepPresses = () => {
  /**
   * @typedef {{button: HTMLElement, says: string | null, box: DOMRect, x: number, y: number}} Press
   * @type {Press | undefined}
   */
  let pressed;
  const onPress = (/** @type {PointerEvent} */ { button: key, target, clientX: x, clientY: y }) => {
    const button = /** @type {HTMLElement | null} */ (
      target instanceof Element ? target.closest("button, summary, a[href]") : null
    );
    pressed =
      key === 0 && button
        ? { button, says: button.textContent, box: button.getBoundingClientRect(), x, y }
        : undefined;
  };
  const onClick = (/** @type {MouseEvent} */ event) => {
    const start = pressed;
    pressed = undefined;
    // Keys and scripts click without a press, and a second click answers nothing.
    if (!start || !event.isTrusted || event.detail !== 1) return;
    // They open a link elsewhere, which `click()` does not.
    if (event.ctrlKey || event.shiftKey || event.metaKey || event.altKey) return;
    const { button, says, box, x, y } = start;
    const { clientX, clientY } = event;
    const { left, top } = button.getBoundingClientRect();
    const hasMoved = left !== box.left || top !== box.top;
    const isStill = Math.hypot(clientX - x, clientY - y) <= STILL_PX;
    const isWithin =
      clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
    const isHit = button.contains(/** @type {Node} */ (event.target));
    if (!hasMoved || !isStill || !isWithin || isHit) return;
    if (!button.isConnected || button.textContent !== says) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    button.click();
  };
  addEventListener("pointerdown", onPress, { capture: true });
  addEventListener("click", onClick, { capture: true });
};

if (typeof window !== "undefined") {
  keepConnection();
  keepPresses();
  provideStorage("localStorage");
  provideStorage("sessionStorage");
  tolerateTranslation();
}

/**
 * Renders what it is given; placing it on a page loads this module.
 * @param {{children: import("react").ReactNode}} props
 */
export const PageGuards = ({ children }) => children;
