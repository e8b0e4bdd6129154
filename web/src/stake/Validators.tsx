// Who makes blocks: weight and share by AI work, stake by money. Nominators choose here.

import { BarChart } from '@mantine/charts';
import { Checkbox, Stack, Table, Text } from '@mantine/core';
import { plural, shorten } from '../format/text';
import { Address, Money } from '../parts/Named';
import { Section } from '../parts/Page';
import { State } from '../parts/State';
import type { StakeView, Validator } from './reads';

interface Props {
	view: StakeView;
	/** Chosen to be nominated; nothing where nobody can be. */
	chosen?: string[];
	onChosen: (addresses: string[]) => void;
}

export function Validators({ view, chosen, onChosen }: Props) {
	const { validators, hasStaking, poaw } = view;
	return (
		<Section title="Validators" about={poaw ? `Session ${poaw.session}. Weight follows verified AI work once ${plural(poaw.params.minValidators, 'validator')} ${poaw.params.minValidators === 1 ? 'stands' : 'stand'}.` : undefined}>
			<Stack gap="lg">
				{poaw && <Shares validators={validators} />}
				<Table.ScrollContainer minWidth={hasStaking ? 760 : 320} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
					<Table aria-label="Validators" highlightOnHover>
						<Table.Thead>
							<Table.Tr>
								{chosen && <Table.Th>Nominate</Table.Th>}
								<Table.Th>Validator</Table.Th><Table.Th>State</Table.Th>
								{poaw && <><Table.Th ta="right">Weight</Table.Th><Table.Th ta="right">Share</Table.Th><Table.Th ta="right">AI work</Table.Th></>}
								{hasStaking && <><Table.Th ta="right">Stake</Table.Th><Table.Th ta="right">Own</Table.Th><Table.Th ta="right">Nominators</Table.Th><Table.Th ta="right">Commission</Table.Th></>}
							</Table.Tr>
						</Table.Thead>
						<Table.Tbody>
							{validators.map((validator) => <Row key={validator.address} validator={validator} view={view} chosen={chosen} onChosen={onChosen} />)}
						</Table.Tbody>
					</Table>
				</Table.ScrollContainer>
			</Stack>
		</Section>
	);
}

function Row({ validator, view: { hasStaking, poaw }, chosen, onChosen }: Props & { validator: Validator }) {
	const { address, current, weight, share, credit, stake, own, nominators, commission, blocked } = validator;
	const toggle = () => chosen && onChosen(chosen.includes(address) ? chosen.filter((one) => one !== address) : [...chosen, address]);
	return (
		<Table.Tr>
			{chosen && <Table.Td><Checkbox aria-label={`Nominate ${shorten(address)}`} checked={chosen.includes(address)} onChange={toggle} disabled={blocked || commission === undefined} /></Table.Td>}
			<Table.Td><Address address={address} /></Table.Td>
			<Table.Td><State of={current ? 'active' : 'waiting'} /></Table.Td>
			{poaw && (
				<>
					<Table.Td ta="right" className="digits">{weight?.toLocaleString('en-US') ?? '–'}</Table.Td>
					<Table.Td ta="right" className="digits">{share === undefined ? '–' : `${(100 * share).toFixed(1)} %`}</Table.Td>
					<Table.Td ta="right">{credit === undefined ? '–' : <Money planck={credit} />}</Table.Td>
				</>
			)}
			{hasStaking && (
				<>
					<Table.Td ta="right">{stake === undefined ? '–' : <Money planck={stake} />}</Table.Td>
					<Table.Td ta="right">{own === undefined ? '–' : <Money planck={own} />}</Table.Td>
					<Table.Td ta="right" className="digits">{nominators ?? '–'}</Table.Td>
					<Table.Td ta="right" className="digits">{commission === undefined ? '–' : `${(100 * commission).toFixed(1)} %`}</Table.Td>
				</>
			)}
		</Table.Tr>
	);
}

function Shares({ validators }: { validators: Validator[] }) {
	const data = validators.flatMap(({ address, share }) => (share === undefined ? [] : [{ validator: shorten(address, 5, 3), 'Blocks (%)': Math.round(share * 1000) / 10 }]));
	if (data.length === 0) return null;
	return (
		<div>
			<Text size="sm" fw={550} mb="xs">Expected part of blocks, in percent</Text>
			<BarChart h={170} dataKey="validator" data={data} series={[{ name: 'Blocks (%)', color: 'indigo.6' }]} tickLine="none" gridAxis="x" maxBarWidth={42} />
		</div>
	);
}
