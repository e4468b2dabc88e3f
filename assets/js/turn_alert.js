// Sound, notification and vibration when the visitor's turn comes, for those who asked for it.
// The permission of the browser is requested on the press alone. Sound needs a press too, so
// after a reload the first touch of the page wakes it.

import { load, save } from "./storage.js";

const WORKER = "/js/notification_worker.js";
const CHIME = [659.3, 784, 1046.5];

/**
 * @param {AudioContext} sound
 * @param {number} pitch
 * @param {number} start
 */
const playTone = (sound, pitch, start) => {
  const source = sound.createOscillator();
  const loudness = sound.createGain();
  const from = sound.currentTime + start;
  source.type = "sine";
  source.frequency.value = pitch;
  loudness.gain.setValueAtTime(0.0001, from);
  loudness.gain.exponentialRampToValueAtTime(0.25, from + 0.03);
  loudness.gain.exponentialRampToValueAtTime(0.0001, from + 0.6);
  source.connect(loudness).connect(sound.destination);
  source.start(from);
  source.stop(from + 0.65);
};

const mayNotify = () => "Notification" in window && Notification.permission === "granted";

/**
 * @param {string} title
 * @param {string} body
 * @param {string} tag
 */
const notify = async (title, body, tag) => {
  if (!mayNotify()) return;
  const address = window.location.pathname;
  const options = { body, tag, icon: "/icons/icon-192.png", data: { address } };
  try {
    const registration = await navigator.serviceWorker.register(WORKER);
    await registration.showNotification(title, options);
  } catch {
    try {
      new Notification(title, options).onclick = () => window.focus();
    } catch {
      // Sound and title remain.
    }
  }
};

/** @param {string} slug */
export const createTurnAlert = (slug) => {
  const key = `surge-tell-${slug}`;
  let isWanted = Boolean(load(key, /** @type {number} */ (0)));
  /** @type {AudioContext | null} */
  let sound = null;
  const wake = () => {
    try {
      sound ??= new AudioContext();
      sound.resume().catch(() => {});
    } catch {
      sound = null;
    }
  };
  const chime = () => {
    CHIME.forEach((pitch, index) => {
      if (sound) playTone(sound, pitch, 0.05 + index * 0.18);
    });
  };
  const mode = () => (!isWanted ? "off" : mayNotify() ? "on" : "sound");
  const toggle = async () => {
    isWanted = !isWanted;
    save(key, isWanted ? 1 : 0);
    if (isWanted) {
      wake();
      chime();
      if ("Notification" in window && Notification.permission === "default") {
        await Notification.requestPermission();
      }
      // The worker is ready before it is needed.
      if (mayNotify()) navigator.serviceWorker?.register(WORKER).catch(() => {});
    }
    return mode();
  };
  if (isWanted) addEventListener("pointerdown", wake, { once: true });
  /**
   * @param {string} title
   * @param {string} body
   */
  const call = (title, body) => {
    if (!isWanted) return;
    chime();
    navigator.vibrate?.([200, 100, 200, 100, 400]);
    notify(title, body, key);
  };
  return { mode, toggle, call };
};
