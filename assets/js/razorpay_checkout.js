// Opens the payment modal and reports how it closed.
//
// The vendor's script is loaded from the vendor (it updates itself, so it can have no integrity
// hash) and only when a buyer pays.

import { useEffect, useRef } from "react";
import { backendUrl } from "./backend.js";
import { useLatest } from "./use_latest.js";

/**
 * @typedef {"dismissed" | "failed" | "late" | "error"} Outcome it means "go and look", never
 *   "paid" and never "not paid"
 * @typedef {{key_id: string, order_id: string, amount_paise: number, currency: string,
 *   name: string, description: string, script_url: string, timeout_seconds: number,
 *   prefill: {name: string, email: string, phone: string}}} Checkout
 * @typedef {{razorpay_payment_id: string, razorpay_order_id: string,
 *   razorpay_signature: string}} SignedFields
 */

const MAX_ATTEMPTS = 5;
// Browsers inside other apps block or lose the modal's windows: there the whole page goes to the
// gateway, and comes back by a form to the callback.
// Those of an iPhone, such as WhatsApp's, name no browser; a page on the home screen does not
// either, and keeps the modal.
const IN_APP =
  /\b(FBAN|FBAV|FB_IAB|Instagram|Snapchat|LinkedInApp|Twitter|WhatsApp|Line\/|MicroMessenger)|; wv\)|\bMobile\/\w+$/;
const isInApp = () =>
  IN_APP.test(navigator.userAgent) &&
  !(/** @type {Navigator & {standalone?: boolean}} */ (navigator).standalone);
/** @type {Map<string, Promise<void>>} */
const loading = new Map();
const page = () => /** @type {Window & {Razorpay?: any}} */ (window);

/** @param {string} src */
const load = (src) => {
  if (page().Razorpay) return Promise.resolve();
  const known = loading.get(src);
  if (known) return known;
  /** @type {Promise<void>} */
  const started = new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = src;
    script.async = true;
    script.onload = () => resolve();
    script.onerror = () => {
      // A failed load must not be remembered: the next press tries again.
      loading.delete(src);
      script.remove();
      reject(new Error("checkout script did not load"));
    };
    document.head.append(script);
  });
  loading.set(src, started);
  return started;
};

/**
 * Send the signed fields. The money may have moved, so a lost answer is requested again before
 * the buyer is shown a failure.
 * @param {string} url
 * @param {SignedFields} fields
 * @returns {Promise<{booking_ref?: string}>}
 */
const confirm = async (url, fields) => {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      const answer = await fetch(url, {
        method: "POST",
        credentials: "include",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(fields),
      });
      if (answer.ok) return await answer.json();
      if (answer.status < 500 && answer.status !== 429) return {};
    } catch {
      // No connection: the same as a server that is away for a moment.
    }
    await new Promise((done) => setTimeout(done, 500 * 2 ** attempt));
  }
  return {};
};

/**
 * @param {Checkout} checkout what the server answered to "pay"
 * @param {(outcome: Outcome) => void} onClosed called once
 */
const openCheckout = async (checkout, onClosed) => {
  const callbackUrl = backendUrl("/api/payments/razorpay/callback");
  let isOver = false;
  let hasFailed = false;
  // The modal closes itself when its time is over; the buyer did not dismiss it then.
  const end = Date.now() + (checkout.timeout_seconds - 1) * 1000;
  /** @param {Outcome} outcome */
  const close = (outcome) => {
    if (isOver) return;
    isOver = true;
    onClosed(outcome);
  };
  try {
    await load(checkout.script_url);
    const modal = new (page().Razorpay)({
      key: checkout.key_id,
      order_id: checkout.order_id,
      amount: checkout.amount_paise,
      currency: checkout.currency,
      name: checkout.name,
      description: checkout.description,
      prefill: {
        name: checkout.prefill.name,
        email: checkout.prefill.email,
        contact: checkout.prefill.phone,
      },
      readonly: { email: true, contact: true },
      timeout: checkout.timeout_seconds,
      retry: { enabled: true },
      theme: { color: "#4f2bea" },
      ...(isInApp() ? { callback_url: callbackUrl, redirect: true } : {}),
      modal: {
        ondismiss: () => close(Date.now() >= end ? "late" : hasFailed ? "failed" : "dismissed"),
        escape: false,
        backdropclose: false,
        confirm_close: true,
        handleback: true,
      },
      handler: async (/** @type {SignedFields} */ fields) => {
        // From here the modal closes itself; its dismissal no longer counts.
        isOver = true;
        const answer = await confirm(callbackUrl, {
          razorpay_payment_id: fields.razorpay_payment_id,
          razorpay_order_id: fields.razorpay_order_id,
          razorpay_signature: fields.razorpay_signature,
        });
        if (answer.booking_ref) {
          window.location.assign(`/bookings/${encodeURIComponent(answer.booking_ref)}`);
        } else {
          onClosed("error");
        }
      },
    });
    modal.on("payment.failed", () => {
      hasFailed = true;
    });
    modal.open();
  } catch {
    close("error");
  }
};

/**
 * Open the modal once each time `attempt` grows.
 * @param {{checkout: Checkout, attempt: number, onClosed?: (outcome: Outcome) => void}} props
 */
export function PaymentModal({ checkout, attempt, onClosed }) {
  const handler = useLatest(onClosed);
  const opened = useRef(attempt);
  const isOpen = useRef(false);
  useEffect(() => {
    // Once for each press: a repeated render or a reconnect must not open a second modal.
    const isNew = attempt > opened.current;
    opened.current = attempt;
    // Nor may a second press while the first one's modal is still up.
    if (!isNew || isOpen.current) return;
    isOpen.current = true;
    openCheckout(checkout, (outcome) => {
      isOpen.current = false;
      handler.current?.(outcome);
    });
  }, [attempt]);
  return null;
}
