import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

// The built files are committed (../dist) and embedded into the binary. The same sources give
// the same files: names hold a hash of the content and nothing holds a time or a path.
export default defineConfig({
  base: "/console/",
  plugins: [svelte()],
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // data: URLs would need holes in the content security policy
    modulePreload: { polyfill: false }, // the polyfill is an inline script
    chunkSizeWarningLimit: 800,
  },
  server: { proxy: { "/v1": "http://127.0.0.1:8088", "/sip": { target: "ws://127.0.0.1:8088", ws: true }, "/console/login": "http://127.0.0.1:8088" } },
  test: { environment: "node", include: ["src/**/*.test.ts"] },
});
