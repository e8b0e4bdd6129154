// How the page is built: static files with relative addresses, so that any server and any path will do.

import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

export default defineConfig({
	base: './',
	plugins: [react()],
	build: {
		// The chain library is one large dependency that every page needs; splitting it would save nothing.
		chunkSizeWarningLimit: 2_000,
	},
	test: { include: ['tests/unit/**/*.test.ts'] },
});
