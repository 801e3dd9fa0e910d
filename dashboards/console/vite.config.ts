import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { defineConfig, type Plugin } from 'vite'
import { createMock } from './dev/mock.mjs'

/** Writes NAME.gz beside every text asset, so that the Go handler never compresses at run time. */
function precompress(): Plugin {
  let out = 'dist'
  return {
    name: 'weir-precompress',
    apply: 'build',
    configResolved: (c) => { out = c.build.outDir },
    closeBundle() {
      for (const entry of readdirSync(out, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile() || !/\.(js|css|html|svg)$/.test(entry.name)) continue
        const file = join(entry.parentPath, entry.name)
        writeFileSync(file + '.gz', gzipSync(readFileSync(file), { level: 9 }))
      }
    },
  }
}

/** Answers /api/v1/* with the deterministic mock, unless WEIR_URL names a running weir to proxy to. */
function mockApi(): Plugin {
  return {
    name: 'weir-mock-api',
    apply: 'serve',
    configureServer(server) {
      if (!process.env.WEIR_URL) server.middlewares.use(createMock({ mode: process.env.MOCK ?? '' }))
    },
  }
}

export default defineConfig({
  plugins: [mockApi(), precompress()],
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    // The rooms that are loaded when they are entered come in two parts: many small ones compress much worse.
    rolldownOptions: { output: { codeSplitting: { includeDependenciesRecursively: false, groups: [
      { name: 'experiments', test: /src\/(pages\/(experiments?|scores)\.|ui\/(experiment|effects|bandchart|scorefilters|scorelist|scoreof)|lib\/yaml\.)/ }, // lib/experiments is of the overview too
      { name: 'prompts', test: /src\/(pages\/(prompts?|changes|playground|members)\.|ui\/(prompt|change)|lib\/(playground|template|variables)\.)/ },
    ] } } },
  },
  server: process.env.WEIR_URL ? { proxy: { '/api': process.env.WEIR_URL } } : {},
})
