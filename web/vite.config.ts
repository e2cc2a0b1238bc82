import { defineConfig } from "vitest/config";

/** The service that answers during `npm run dev`; the built client is served by the service itself. */
const SERVICE = "http://127.0.0.1:8080";

export default defineConfig({
  base: "/",
  build: {
    outDir: "../camctl/api/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // no data: addresses, so that the content security policy stays 'self'
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: { host: "127.0.0.1", proxy: { "/api": { target: SERVICE, ws: true } } },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
