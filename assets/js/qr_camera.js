// Reads QR codes with the camera.

import jsQR from "jsqr";
import { useEffect, useRef, useState } from "react";
import { useLatest } from "./use_latest.js";

const PAUSE_MS = 150;
const MAX_WIDTH = 640;

/**
 * Create a function that finds a code in a video's current picture: the browser's own detector,
 * or jsQR in browsers that have none.
 * @returns {(video: HTMLVideoElement) => Promise<string | undefined>}
 */
const createReader = () => {
  if ("BarcodeDetector" in window) {
    const detector = new /** @type {any} */ (window).BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video).catch(() => []))[0]?.rawValue;
  }
  const canvas = document.createElement("canvas");
  return async (video) => {
    const scale = Math.min(1, MAX_WIDTH / video.videoWidth);
    canvas.width = video.videoWidth * scale;
    canvas.height = video.videoHeight * scale;
    const pen = canvas.getContext("2d", { willReadFrequently: true });
    if (!pen) return undefined;
    pen.drawImage(video, 0, 0, canvas.width, canvas.height);
    const picture = pen.getImageData(0, 0, canvas.width, canvas.height);
    return jsQR(picture.data, picture.width, picture.height)?.data;
  };
};

/**
 * @param {(text: string) => void} onCode called with each code in view, again and again
 */
export const useQrCamera = (onCode) => {
  const [camera, setCamera] = useState("off");
  const video = useRef(/** @type {HTMLVideoElement | null} */ (null));
  const handler = useLatest(onCode);
  useEffect(() => {
    if (camera !== "on") return;
    if (!navigator.mediaDevices) return setCamera("refused");
    const readCode = createReader();
    /** @type {MediaStream | undefined} */
    let stream;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let isStopped = false;
    const read = async () => {
      const code = video.current?.videoWidth ? await readCode(video.current) : undefined;
      if (isStopped) return;
      if (code) handler.current(code);
      timer = setTimeout(read, PAUSE_MS);
    };
    /** @param {MediaStream} opened */
    const close = (opened) => {
      for (const track of opened.getTracks()) track.stop();
    };
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: "environment" } })
      .then((opened) => {
        if (isStopped || !video.current) return close(opened);
        stream = opened;
        video.current.srcObject = opened;
        video.current.play();
        read();
      })
      .catch(() => setCamera("refused"));
    return () => {
      isStopped = true;
      clearTimeout(timer);
      if (stream) close(stream);
    };
  }, [camera]);
  return { camera, setCamera, video };
};
