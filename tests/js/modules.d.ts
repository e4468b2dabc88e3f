// What the build provides to assets/js: modules of Reflex, and of packages without types.

declare module "$/env.json" {
  const env: { PING: string };
  export default env;
}

declare module "$/utils/state" {
  export const getBackendURL: (url: string) => URL;
}

declare module "altcha/workers/pbkdf2?worker" {
  const SolverWorker: new () => Worker;
  export default SolverWorker;
}

declare module "jsqr" {
  const jsQR: (pixels: Uint8ClampedArray, width: number, height: number) => { data: string } | null;
  export default jsQR;
}

declare module "react-router" {
  export const useLocation: () => { pathname: string };
}
