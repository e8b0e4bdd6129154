// What the linter asks of the page: sound TypeScript, the rules of hooks, and markup that everybody can use.

import a11y from 'eslint-plugin-jsx-a11y';
import hooks from 'eslint-plugin-react-hooks';
import typescript from 'typescript-eslint';

export default typescript.config(
	{ ignores: ['dist', 'node_modules'] },
	...typescript.configs.recommended,
	{
		files: ['src/**/*.{ts,tsx}'],
		...a11y.flatConfigs.recommended,
	},
	{
		files: ['src/**/*.{ts,tsx}'],
		plugins: { 'react-hooks': hooks },
		rules: { ...hooks.configs.recommended.rules, eqeqeq: 'error' },
	},
);
