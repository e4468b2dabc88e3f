/* A twin of Razorpay's checkout.js for the sandbox: the same window.Razorpay, no money.
 * Its markup lives in a shadow root and its styles in a constructed sheet, so that neither the
 * page's CSS nor a strict style policy reaches it. */
(() => {
  "use strict";

  /**
   * @typedef {Record<string, any>} Options those of the vendor's checkout
   * @typedef {{host: HTMLElement, dialog: HTMLDialogElement, title: HTMLElement,
   *   amount: HTMLElement, pay: HTMLButtonElement, message: HTMLElement, left: HTMLElement}} View
   */

  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const ORIGIN = new URL(script.src, location.href).origin;
  const LOST_CONNECTION_SECONDS = 8;

  const CSS = `
:host { --scheme: light;
  --bg: #FAF8F4; --surface: #FFFFFF; --ink: #1A1720; --muted: #645F6E; --line: #E6E1D8;
  --accent: #4F2BEA; --on-accent: #FFFFFF; --warn: #9A5B00; --warn-soft: #FFF1D6; --bad: #B3261E; --bad-soft: #FDECEA; }
:host([data-theme=dark]) { --scheme: dark;
  --bg: #121017; --surface: #1B1822; --ink: #F5F2EC; --muted: #A8A2B4; --line: #2E2A38;
  --accent: #A996FF; --on-accent: #17121F; --warn: #F2B84B; --warn-soft: #33280F; --bad: #FF8A80; --bad-soft: #3A1C1B; }
* { box-sizing: border-box; }
dialog { position: fixed; inset: auto 0 0 0; width: 100%; max-width: none; max-height: 92dvh; margin: 0; padding: 0;
  border: 0; border-radius: 18px 18px 0 0; background: var(--surface); color: var(--ink); color-scheme: var(--scheme); overflow: auto; overscroll-behavior: contain;
  font: 16px/1.45 "Inter Variable", Inter, var(--scripts, sans-serif), system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; -webkit-text-size-adjust: 100%; }
dialog::backdrop { background: rgb(18 16 23 / .58); }
@media (min-width: 560px) { dialog { inset: 0; margin: auto; width: 424px; border-radius: 18px; height: fit-content; border: 1px solid var(--line); } }
@media (prefers-reduced-motion: no-preference) {
  dialog[open] { animation: rise .2s ease-out; } dialog[open]::backdrop { animation: fade .2s ease-out; }
  @keyframes rise { from { transform: translateY(24px); opacity: 0; } } @keyframes fade { from { opacity: 0; } }
  .busy .ring { animation: spin .9s linear infinite; } @keyframes spin { to { transform: rotate(1turn); } } }
.note { margin: 0; padding: 10px 20px; background: var(--warn-soft); color: var(--warn); font-size: 14px; font-weight: 600; text-align: center; }
.head { display: grid; grid-template-columns: minmax(0, 1fr) 48px; gap: 12px; align-items: start; padding: 20px 12px 0 20px; }
h2 { margin: 0; font: 700 22px/1.2 "Bricolage Grotesque Variable", "Bricolage Grotesque", Inter, var(--scripts, sans-serif), system-ui, sans-serif; letter-spacing: -.02em; overflow-wrap: anywhere; }
.what { margin: 4px 0 0; color: var(--muted); font-size: 15px; overflow-wrap: anywhere; }
.amount { margin: 14px 20px 0; font: 700 40px/1.1 "Bricolage Grotesque Variable", "Bricolage Grotesque", Inter, var(--scripts, sans-serif), system-ui, sans-serif; letter-spacing: -.03em; font-variant-numeric: tabular-nums; }
dl { margin: 16px 20px 0; padding: 14px 0 0; border-top: 1px solid var(--line); display: grid; grid-template-columns: auto minmax(0, 1fr); gap: 4px 16px; font-size: 15px; }
dl:empty { display: none; }
dt { color: var(--muted); } dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
.message { margin: 16px 20px 0; padding: 12px 14px; border-radius: 12px; font-size: 15px; background: var(--bg); color: var(--ink); }
.message:empty { display: none; } .message.bad { background: var(--bad-soft); color: var(--bad); }
.acts { display: grid; gap: 10px; padding: 18px 20px 8px; }
button { min-height: 48px; padding: 10px 18px; border-radius: 12px; border: 1px solid var(--line); background: var(--surface); color: var(--ink);
  font: inherit; font-weight: 600; cursor: pointer; touch-action: manipulation; }
button:hover { border-color: var(--muted); }
button:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
button:disabled { opacity: .55; cursor: default; }
.pay { min-height: 52px; background: var(--accent); border-color: var(--accent); color: var(--on-accent); font-size: 17px;
  display: flex; align-items: center; justify-content: center; gap: 10px; font-variant-numeric: tabular-nums; }
.pay:hover { border-color: var(--accent); filter: brightness(1.07); }
.ring { width: 18px; height: 18px; border-radius: 50%; border: 3px solid currentColor; border-right-color: transparent; display: none; }
.busy .ring { display: block; }
.x { display: grid; place-items: center; width: 48px; padding: 0; border-color: transparent; background: none; color: var(--muted); }
.x svg { width: 22px; height: 22px; }
details { margin: 0 20px 20px; } details .acts { padding: 6px 0 0; }
summary { min-height: 44px; display: flex; align-items: center; justify-content: center; color: var(--muted); font-size: 15px; text-decoration: underline; text-underline-offset: 3px; cursor: pointer; list-style: none; border-radius: 12px; }
summary::-webkit-details-marker { display: none; }
.left { margin: 0 20px 18px; text-align: center; color: var(--muted); font-size: 14px; font-variant-numeric: tabular-nums; } .left:empty { display: none; }
@media (forced-colors: active) { .pay { border-color: ButtonText; } }`;

  /**
   * @template {keyof HTMLElementTagNameMap} T
   * @param {T} tag
   * @param {Record<string, unknown>} props
   * @param {(Node | string)[]} children
   */
  function element(tag, props = {}, ...children) {
    const made = Object.assign(document.createElement(tag), props);
    made.append(...children);
    return made;
  }

  /**
   * @param {number} paise
   * @param {string} currency
   */
  function money(paise, currency) {
    const digits = paise % 100 ? 2 : 0;
    return new Intl.NumberFormat("en-IN", {
      style: "currency",
      currency,
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    }).format(paise / 100);
  }

  function isDark() {
    const marks = document.documentElement;
    const themes = [marks.dataset.theme, marks.style.colorScheme, ...marks.classList];
    if (themes.includes("dark")) return true;
    return !themes.includes("light") && matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function cross() {
    const box = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    box.setAttribute("viewBox", "0 0 24 24");
    box.setAttribute("aria-hidden", "true");
    path.setAttribute("d", "M6 6l12 12M18 6 6 18");
    path.setAttribute("stroke", "currentColor");
    path.setAttribute("stroke-width", "2.2");
    path.setAttribute("stroke-linecap", "round");
    box.append(path);
    return box;
  }

  /**
   * @param {string} path
   * @param {unknown} [body]
   */
  async function call(path, body) {
    const answer = await fetch(
      `${ORIGIN}/sandbox/razorpay/orders/${path}`,
      body
        ? {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(body),
          }
        : {},
    );
    const found = await answer.json();
    if (!answer.ok && !found.error) throw new Error(`HTTP ${answer.status}`);
    return found;
  }

  /**
   * @param {string} url
   * @param {Record<string, unknown>} fields
   */
  function postForm(url, fields) {
    const form = element("form", { method: "post", action: url, hidden: true });
    for (const [name, value] of Object.entries(fields)) {
      form.append(element("input", { type: "hidden", name, value: String(value ?? "") }));
    }
    document.body.append(form);
    form.submit();
  }

  class Razorpay {
    /** @type {Options} */
    #options;
    /** @type {Map<string, ((event: unknown) => void)[]>} */
    #listeners = new Map();
    /** @type {View | null} */
    #ui = null;
    /** @type {Options | null} */
    #order = null;
    /** @type {ReturnType<typeof setTimeout>[]} */
    #timers = [];
    #settled = false;
    #overflow = "";

    /** @param {Options} options */
    constructor(options) {
      if (!options?.key) throw new Error("No key passed");
      this.#options = options;
    }

    /**
     * @param {string} name
     * @param {(event: unknown) => void} listener
     */
    on(name, listener) {
      this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener]);
      return this;
    }

    open() {
      if (this.#ui) return;
      this.#settled = false;
      const view = this.#build();
      this.#overflow = document.documentElement.style.overflow;
      document.documentElement.style.overflow = "hidden";
      view.dialog.showModal();
      view.title.focus();
      this.#countDown();
      this.#load();
    }

    close() {
      this.#dismiss();
    }

    /** The open modal. */
    get #view() {
      if (!this.#ui) throw new Error("not open");
      return this.#ui;
    }

    get #modal() {
      return this.#options.modal ?? {};
    }

    #build() {
      const { name = "Payment", description = "", prefill = {} } = this.#options;
      const host = element("div");
      // A page's rules for "*" would beat :host, and what they set is inherited.
      host.style.setProperty("all", "initial", "important");
      host.dataset.theme = isDark() ? "dark" : "light";
      const root = host.attachShadow({ mode: "open" });
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(CSS);
      root.adoptedStyleSheets = [sheet];

      /**
       * @param {string} text
       * @param {() => unknown} act
       * @param {string} [className]
       */
      const button = (text, act, className = "") =>
        element("button", { type: "button", className, textContent: text, onclick: act });
      const title = element("h2", { id: "title", tabIndex: -1, textContent: name });
      title.style.outline = "none";
      const close = button("", () => this.#dismiss(), "x");
      close.setAttribute("aria-label", "Close");
      close.append(cross());
      const pay = button("", () => this.#succeed(), "pay");
      const ring = element("span", { className: "ring" });
      ring.setAttribute("aria-hidden", "true");
      pay.append(ring, element("span", { className: "label", textContent: "Pay" }));
      const amount = element("p", { className: "amount" });
      const message = element("p", { className: "message" });
      message.setAttribute("role", "status");
      const left = element("p", { className: "left" });
      const people = element("dl");
      for (const [label, value] of [
        ["Name", prefill.name],
        ["Email", prefill.email],
        ["Mobile", prefill.contact],
      ]) {
        if (value)
          people.append(
            element("dt", { textContent: label }),
            element("dd", { textContent: value }),
          );
      }
      const acts = element(
        "div",
        { className: "acts" },
        pay,
        button("Fail this payment", () => this.#fail()),
      );
      const more = element(
        "details",
        {},
        element("summary", { textContent: "Other things that happen" }),
        element(
          "div",
          { className: "acts" },
          button("Fail first, then succeed", () => this.#failThenSucceed()),
          button("Succeed, but lose the connection", () => this.#loseConnection()),
        ),
      );
      const dialog = element(
        "dialog",
        {},
        element("p", { className: "note", textContent: "Sandbox – no money moves" }),
        element(
          "div",
          { className: "head" },
          element("div", {}, title, element("p", { className: "what", textContent: description })),
          close,
        ),
        amount,
        people,
        message,
        acts,
        more,
        left,
      );
      dialog.setAttribute("role", "dialog");
      dialog.setAttribute("aria-modal", "true");
      dialog.setAttribute("aria-labelledby", "title");
      dialog.addEventListener("keydown", (event) => this.#onKey(event));
      dialog.addEventListener("cancel", (event) => {
        event.preventDefault();
        this.#onEscape();
      });
      dialog.addEventListener("close", () => {
        if (this.#ui?.dialog === dialog) this.#dismiss();
      });
      dialog.addEventListener("click", (event) => {
        if (event.target === dialog && this.#modal.backdropclose === true && !this.#isInside(event))
          this.#dismiss();
      });
      root.append(dialog);
      document.body.append(host);
      const view = { host, dialog, title, amount, pay, message, left };
      this.#ui = view;
      this.#showAmount(this.#options.amount, this.#options.currency ?? "INR");
      this.#busy(true);
      return view;
    }

    /** @param {MouseEvent} event */
    #isInside(event) {
      const box = this.#view.dialog.getBoundingClientRect();
      return (
        event.clientX >= box.left &&
        event.clientX <= box.right &&
        event.clientY >= box.top &&
        event.clientY <= box.bottom
      );
    }

    /** @param {KeyboardEvent} event */
    #onKey(event) {
      if (event.key === "Escape") {
        event.preventDefault();
        this.#onEscape();
      } else if (event.key === "Tab") {
        /** @type {NodeListOf<HTMLElement>} */
        const all = this.#view.dialog.querySelectorAll("button:not(:disabled), summary");
        const stops = [...all].filter((stop) => stop.checkVisibility());
        const [first, last] = [stops[0], stops[stops.length - 1]];
        const active = /** @type {HTMLElement} */ (this.#view.host.shadowRoot?.activeElement);
        if (event.shiftKey ? active === first || !stops.includes(active) : active === last) {
          event.preventDefault();
          (event.shiftKey ? last : first).focus();
        }
      }
    }

    #onEscape() {
      if (this.#modal.escape !== false) this.#dismiss();
    }

    // What is owed is the order's amount, whatever the page says.
    async #load() {
      try {
        const order = await call(encodeURIComponent(this.#options.order_id ?? ""));
        if (!this.#ui) return;
        if (order.error) return this.#tell(order.error.description, true);
        if (order.key !== this.#options.key)
          return this.#tell("This order was made with another key.", true);
        this.#order = order;
        this.#showAmount(order.amount, order.currency);
        if (order.status === "paid") return this.#tell("This order is already paid.");
        this.#busy(false);
      } catch {
        this.#tell("The sandbox does not answer. Close this and try again.", true);
      }
    }

    /**
     * @param {number} paise
     * @param {string} currency
     */
    #showAmount(paise, currency) {
      if (!Number.isFinite(Number(paise))) return;
      const text = money(Number(paise), currency);
      const label = this.#view.pay.querySelector(".label");
      this.#view.amount.textContent = text;
      if (label) label.textContent = `Pay ${text}`;
    }

    /**
     * @param {boolean} isBusy
     * @param {boolean} [isSpinning]
     */
    #busy(isBusy, isSpinning = false) {
      /** @type {NodeListOf<HTMLButtonElement>} */
      const buttons = this.#view.dialog.querySelectorAll("button:not(.x)");
      for (const button of buttons) button.disabled = isBusy;
      this.#view.pay.classList.toggle("busy", isSpinning);
    }

    /**
     * @param {string} text
     * @param {boolean} [isBad]
     */
    #tell(text, isBad = false) {
      if (!this.#ui) return;
      this.#ui.message.textContent = text;
      this.#ui.message.classList.toggle("bad", isBad);
    }

    /**
     * @param {"captured" | "failed"} outcome
     * @param {Options} [extra]
     * @returns {Promise<Options | null>}
     */
    async #attempt(outcome, extra = {}) {
      const { prefill = {}, description = "" } = this.#options;
      this.#busy(true, true);
      this.#tell("");
      try {
        return await call(`${this.#order?.id}/attempts`, {
          outcome,
          email: prefill.email ?? "",
          contact: prefill.contact ?? "",
          description,
          ...extra,
        });
      } catch {
        this.#tell("The sandbox does not answer. Try again.", true);
        return null;
      } finally {
        if (this.#ui) this.#busy(false);
      }
    }

    async #succeed() {
      const answer = await this.#attempt("captured");
      // Closed meanwhile: the page was told so, and learns of the money by webhook only.
      if (!answer || !this.#ui) return;
      if (answer.error) return this.#failed(answer.error);
      this.#finish(answer);
    }

    async #fail() {
      const answer = await this.#attempt("failed");
      if (answer?.error) this.#failed(answer.error);
      return answer;
    }

    async #failThenSucceed() {
      const answer = await this.#fail();
      if (answer && this.#ui) this.#timers.push(setTimeout(() => this.#succeed(), 1500));
    }

    async #loseConnection() {
      const answer = await this.#attempt("captured", {
        webhook: "delayed",
        delay_seconds: LOST_CONNECTION_SECONDS,
      });
      if (!answer) return;
      if (answer.error) return this.#failed(answer.error);
      this.#dismiss();
    }

    /** @param {Options} error */
    #failed(error) {
      const { callback_url: url, redirect, retry } = this.#options;
      for (const listener of this.#listeners.get("payment.failed") ?? []) listener({ error });
      if (url && redirect) {
        const { metadata, ...rest } = error;
        const fields = Object.entries(rest).map(([name, value]) => [`error[${name}]`, value]);
        this.#tearDown();
        return postForm(url, {
          ...Object.fromEntries(fields),
          "error[metadata]": JSON.stringify(metadata ?? {}),
        });
      }
      this.#tell(error.description, true);
      if (retry === false || retry?.enabled === false) this.#dismiss();
      else this.#ui?.pay.focus();
    }

    /** @param {Options} answer */
    #finish(answer) {
      const { handler, callback_url: url, redirect } = this.#options;
      this.#settled = true;
      this.#tearDown();
      if (url && (redirect || !handler)) postForm(url, answer);
      else handler?.(answer);
    }

    #dismiss() {
      if (!this.#ui || this.#settled) return;
      this.#settled = true;
      this.#tearDown();
      this.#modal.ondismiss?.();
    }

    #tearDown() {
      if (!this.#ui) return;
      const { host, dialog } = this.#ui;
      this.#ui = null;
      for (const timer of this.#timers) {
        clearTimeout(timer);
        clearInterval(timer);
      }
      this.#timers = [];
      if (dialog.open) dialog.close();
      host.remove();
      document.documentElement.style.overflow = this.#overflow;
    }

    #countDown() {
      const seconds = Number(this.#options.timeout);
      if (!(seconds > 0)) return;
      const end = Date.now() + seconds * 1000;
      const show = () => {
        const rest = Math.max(0, Math.ceil((end - Date.now()) / 1000));
        if (rest === 0) return this.#dismiss();
        const seconds = String(rest % 60).padStart(2, "0");
        this.#view.left.textContent = `You have ${Math.floor(rest / 60)}:${seconds} to pay`;
      };
      show();
      this.#timers.push(setInterval(show, 1000));
    }
  }

  Object.assign(window, { Razorpay });
})();
