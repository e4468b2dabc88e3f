"""The browser's half of the call: how someone learns that the turn has come without watching."""

from __future__ import annotations

# A timer that a hidden tab keeps, in a worker of our own. Where there is none, the browser's
# own timers do, which a hidden tab slows down.
TIMER = """
const surgeTimer = () => {
  const planned = new Map();
  let worker = null;
  let last = 0;
  const fire = (id) => {
    const then = planned.get(id)?.then;
    planned.delete(id);
    then?.();
  };
  const byItself = (id, ms) => {
    const entry = planned.get(id);
    if (entry) entry.timer = setTimeout(() => fire(id), ms);
  };
  try {
    worker = new Worker("/pulse.js");
    worker.onmessage = ({ data }) => fire(data);
    worker.onerror = () => {
      worker = null;
      for (const [id, { due }] of planned) byItself(id, Math.max(0, due - Date.now()));
    };
  } catch {
    worker = null;
  }
  const after = (ms, then) => {
    const id = (last += 1);
    planned.set(id, { then, due: Date.now() + ms });
    if (worker) worker.postMessage({ id, ms });
    else byItself(id, ms);
    return () => {
      clearTimeout(planned.get(id)?.timer);
      planned.delete(id);
      worker?.postMessage({ id, ms: -1 });
    };
  };
  return { after, end: () => worker?.terminate() };
};
"""

# Sound, notification and vibration for whoever asked for them; asked again of nobody. The
# permission of the browser is requested on the press alone. Sound needs a press too, so after a
# reload the first touch of the page wakes it.
CALL = """
const surgeCaller = (slug) => {
  const key = `surge-tell-${slug}`;
  let sound = null;
  let wanted = false;
  try {
    wanted = localStorage.getItem(key) === "1";
  } catch {
    // Then it is not remembered.
  }
  const wake = () => {
    try {
      sound ??= new AudioContext();
      sound.resume().catch(() => {});
    } catch {
      sound = null;
    }
  };
  const tone = (pitch, start) => {
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
  const chime = () => {
    if (sound) [659.3, 784, 1046.5].forEach((pitch, index) => tone(pitch, 0.05 + index * 0.18));
  };
  const may = () => "Notification" in window && Notification.permission === "granted";
  const notify = async (title, body) => {
    if (!may()) return;
    const address = window.location.pathname;
    const options = { body, tag: key, icon: "/favicon.svg", data: { address } };
    try {
      const registration = await navigator.serviceWorker.register("/turn.js");
      await registration.showNotification(title, options);
    } catch {
      try {
        new Notification(title, options).onclick = () => window.focus();
      } catch {
        // Sound and title remain.
      }
    }
  };
  const mode = () => (!wanted ? "off" : may() ? "on" : "sound");
  const toggle = async () => {
    wanted = !wanted;
    try {
      localStorage.setItem(key, wanted ? "1" : "0");
    } catch {
      // As above.
    }
    if (wanted) {
      wake();
      chime();
      if ("Notification" in window && Notification.permission === "default") {
        await Notification.requestPermission();
      }
      // The worker is ready before it is needed.
      if (may()) navigator.serviceWorker?.register("/turn.js").catch(() => {});
    }
    return mode();
  };
  if (wanted) addEventListener("pointerdown", wake, { once: true });
  const call = (title, body) => {
    if (!wanted) return;
    chime();
    navigator.vibrate?.([200, 100, 200, 100, 400]);
    notify(title, body);
  };
  return { mode, toggle, call };
};
"""
