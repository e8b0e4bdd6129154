// Names of models with and without adapters, as the gateway and people write them.

import type { Job, Model } from '../chain/views';

/** The model that a gateway's name stands for: `model`, or `model+adapter`. */
export function baseOf(models: Model[], name: string | null): Model | undefined {
	return models.find((model) => model.name === name) ?? models.find((model) => model.adapters.some((adapter) => `${model.name}+${adapter.name}` === name));
}

/** What a job adds to its model, in words; nothing for the plain model. */
export function adapterOf({ adapter }: Job, { adapters }: Model): string {
	if (adapter === null) return '';
	return ` with the adapter ${adapters.find(({ id }) => id === adapter)?.name ?? adapter}`;
}
