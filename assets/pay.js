/* Opens the payment modal and reports how it closed. The one script of the checkout.

   window.surgePay(checkout, callbackUrl, closed)
     checkout     what the server answered to "pay": key_id, order_id, amount_paise, …
     callbackUrl  where the three signed fields go; the server alone decides what they mean
     closed       called once with "dismissed", "failed", "late" or "error"; it means "go and look",
                  never "paid" and never "not paid"

   The vendor's script is loaded from the vendor (it updates itself, so it can have no
   integrity hash) and only when somebody pays. */
(() => {
  "use strict";

  const TRIES = 5;
  const loading = new Map();

  const load = (src) => {
    if (window.Razorpay) return Promise.resolve();
    if (!loading.has(src)) {
      loading.set(
        src,
        new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = src;
          script.async = true;
          script.onload = resolve;
          script.onerror = () => {
            // A failed load must not be remembered: the next press tries again.
            loading.delete(src);
            script.remove();
            reject(new Error("checkout script did not load"));
          };
          document.head.append(script);
        }),
      );
    }
    return loading.get(src);
  };

  /* Browsers inside other apps block or lose the modal's windows: there the whole page goes to
     the gateway, and comes back by a form to the callback. */
  const insideAnApp = () =>
    /\b(FBAN|FBAV|FB_IAB|Instagram|Snapchat|LinkedInApp|Twitter|Line\/|MicroMessenger)|; wv\)/.test(
      navigator.userAgent,
    );

  const pause = (ms) => new Promise((done) => setTimeout(done, ms));

  /* The money may have moved: a lost answer is asked for again before anyone is told of it. */
  const settle = async (url, fields) => {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
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
      await pause(500 * 2 ** attempt);
    }
    return {};
  };

  window.surgePay = async (checkout, callbackUrl, closed) => {
    let over = false;
    let failed = false;
    // The modal closes itself when its time is over; nobody is told then that they closed it.
    const end = Date.now() + (checkout.timeout_seconds - 1) * 1000;
    const close = (outcome) => {
      if (over) return;
      over = true;
      closed(outcome);
    };
    try {
      await load(checkout.script_url);
      const modal = new window.Razorpay({
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
        ...(insideAnApp() ? { callback_url: callbackUrl, redirect: true } : {}),
        modal: {
          ondismiss: () => close(Date.now() >= end ? "late" : failed ? "failed" : "dismissed"),
          escape: false,
          backdropclose: false,
          confirm_close: true,
          handleback: true,
        },
        handler: async (fields) => {
          // From here the modal closes by itself; its dismissal is no news any more.
          over = true;
          const answer = await settle(callbackUrl, {
            razorpay_payment_id: fields.razorpay_payment_id,
            razorpay_order_id: fields.razorpay_order_id,
            razorpay_signature: fields.razorpay_signature,
          });
          if (answer.booking_ref) {
            window.location.assign(`/bookings/${encodeURIComponent(answer.booking_ref)}`);
            return;
          }
          closed("error");
        },
      });
      modal.on("payment.failed", () => {
        failed = true;
      });
      modal.open();
    } catch {
      close("error");
    }
  };
})();
