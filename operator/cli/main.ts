#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// What Node has compiled is kept in the system's temporary folder (or in NODE_COMPILE_CACHE): the next call answers sooner.
enableCompileCache()
await import('./process.ts')
