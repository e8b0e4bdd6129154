// Says when the node does not answer, and that the page goes on by itself.

import { Alert, Loader } from '@mantine/core';
import { useChainState } from '../chain/ChainProvider';
import { useSettings } from '../settings';

export function ConnectionBanner() {
	const { status, problem } = useChainState();
	const { settings } = useSettings();
	// Connecting is ordinary until something has failed.
	const shown = status === 'lost' || (status === 'connecting' && problem);
	return (
		<div role="status" aria-live="polite">
			{shown && (
				<Alert mb="md" color="orange" variant="outline" icon={<Loader size={18} color="orange" />} title={status === 'lost' ? 'Connection to the node lost' : 'The node does not answer yet'} c="var(--mantine-color-text)">
					{status === 'lost' ? 'What you see is from before the break. The page connects again by itself; nothing that was sent is lost.' : `Trying ${settings.node}. If this is the wrong address, change it in the settings.`}
				</Alert>
			)}
		</div>
	);
}
