// One job: what was asked and answered, its way through the chain, and its receipt.

import { Anchor, Stack, Text } from '@mantine/core';
import { Link, useParams } from 'react-router';
import { useLive } from '../chain/ChainProvider';
import { readCourse, readModels, readPrompt, readReceipt } from '../chain/reads';
import type { Job as JobView } from '../chain/views';
import { plural } from '../format/text';
import { adapterOf } from '../models/named';
import { Figure, Figures } from '../parts/Figure';
import { Address, Money } from '../parts/Named';
import { Loaded, Page, Section } from '../parts/Page';
import { JobStateBadge, rerunBy } from '../parts/State';
import { ReceiptView } from '../receipt/ReceiptView';
import { Course } from './Course';
import { checkOf } from './course';

export default function Job() {
	const id = Number(useParams().id);
	const live = useLive(`explorer ${id}`, async (chain) => {
		const [receipt, models, prompt, course] = await Promise.all([readReceipt(chain, id), readModels(chain), readPrompt(chain, id), readCourse(chain, id)]);
		return { receipt, prompt, course, model: models.find((model) => model.id === receipt.job.model) };
	});
	return (
		<Page title={`Job ${id}`} aside={live.data && <JobStateBadge job={live.data.receipt.job} />}>
			<Loaded live={live} rows={8}>
				{({ receipt, model, prompt, course }) => (
					<Stack gap="lg">
						<Summary job={receipt.job} />
						<Runs job={receipt.job} />
						<Section title="Prompt and reply" about={receipt.job.sealed ? 'Sealed: only the user has the text.' : 'Public: anyone can read it.'}>
							<Conversation job={receipt.job} prompt={prompt} />
						</Section>
						<Section title="Way through the chain" about={checkOf(receipt)}><Course job={receipt.job} happenings={course} /></Section>
						<Section title="Receipt" about={model && <>of <Anchor component={Link} to={`/models/${model.id}`} underline="always" inherit>{model.name}</Anchor>{adapterOf(receipt.job, model)}{receipt.pipeline !== null && `, run by pipeline ${receipt.pipeline}`}</>}>
							<ReceiptView receipt={receipt} model={model} />
						</Section>
					</Stack>
				)}
			</Loaded>
		</Page>
	);
}

function Summary({ job }: { job: JobView }) {
	return (
		<Figures>
			<Figure name="Charged" value={job.fee === '0' ? '–' : <Money planck={job.fee} />} note={<>ceiling <Money planck={job.maxPrice} /></>} />
			<Figure name="Reply" value={job.tokens ? plural(job.tokens, 'token') : '–'} note={job.rows ? plural(job.rows, 'row') : undefined} />
			<Figure name="Took" value={job.ended ? plural(job.ended - job.submitted, 'block') : 'open'} note={`deadline block ${job.deadline}, ${job.assurance === 'full' ? 'always checked' : 'checked by draw'}`} />
			<Figure name="Paid by" value={<Text span fz="md"><Address address={job.client} /></Text>} />
		</Figures>
	);
}

/** The jobs before and after it that ask the same, where its workers or those before them failed. */
function Runs({ job }: { job: JobView }) {
	const next = rerunBy(job);
	if (job.rerunOf === null && !next) return null;
	return (
		<Text size="sm" data-testid="runs">
			{job.rerunOf !== null && <>Runs <Other job={job.rerunOf} /> again, whose workers failed. </>}
			{next && <>Nothing was charged: {next.reason}. <Other job={next.by} /> runs it again, with the same price on hold.</>}
		</Text>
	);
}

function Other({ job }: { job: number }) {
	return <Anchor component={Link} to={`/jobs/${job}`} underline="always" inherit>job {job}</Anchor>;
}

function Conversation({ job, prompt }: { job: JobView; prompt?: string }) {
	if (job.sealed) return <Text c="dimmed">The chain holds a digest of the prompt and nothing of the reply.</Text>;
	return (
		<Stack gap="sm">
			{prompt !== undefined && <div className="bubble user">{prompt}</div>}
			{job.reply === null ? <Text c="dimmed" size="sm">No reply was posted{job.ended ? '.' : ' yet.'}</Text> : <div className="bubble reply">{job.reply}</div>}
		</Stack>
	);
}
