// The receipt behind a reply, beside the conversation.

import { Anchor, Stack, Text } from '@mantine/core';
import { Link } from 'react-router';
import { useLive } from '../chain/ChainProvider';
import { readModels, readReceipt } from '../chain/reads';
import { SidePanel } from '../parts/Dialog';
import { Loaded } from '../parts/Page';
import { JobStateBadge } from '../parts/State';
import { ReceiptView } from './ReceiptView';

export function ReceiptDrawer({ job, onClose }: { job?: number; onClose: () => void }) {
	return (
		<SidePanel opened={job !== undefined} onClose={onClose} title={job === undefined ? '' : `Receipt of job ${job}`}>
			{job !== undefined && <Content job={job} />}
		</SidePanel>
	);
}

function Content({ job }: { job: number }) {
	const live = useLive(`receipt ${job}`, async (chain) => {
		const [receipt, models] = await Promise.all([readReceipt(chain, job), readModels(chain)]);
		return { receipt, model: models.find(({ id }) => id === receipt.job.model) };
	});
	return (
		<Loaded live={live} rows={8}>
			{({ receipt, model }) => (
				<Stack gap="md" data-testid="receipt">
					<div><JobStateBadge job={receipt.job} /></div>
					<Text size="sm" c="dimmed">
						Asked in block {receipt.job.submitted}{receipt.job.ended && `, ended in block ${receipt.job.ended}`}.{' '}
						<Anchor component={Link} to={`/jobs/${job}`} underline="always" inherit>Open in the job explorer</Anchor>
					</Text>
					<ReceiptView receipt={receipt} model={model} />
				</Stack>
			)}
		</Loaded>
	);
}
