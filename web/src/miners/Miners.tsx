// The pool: everybody who runs a part of the models, with their record.

import { Table } from '@mantine/core';
import { IconServer2 } from '@tabler/icons-react';
import { useLive } from '../chain/ChainProvider';
import { readWorkers } from '../chain/reads';
import { formatBytes } from '../format/text';
import { Address, Money } from '../parts/Named';
import { Empty, Loaded, Page, Section } from '../parts/Page';
import { State } from '../parts/State';
import { rolesOf } from './roles';

export default function Miners() {
	const live = useLive('workers', readWorkers);
	return (
		<Page title="Miners" about="Workers with their bond and record. Choose one for its earnings and jobs.">
			<Section title="Pool">
				<Loaded live={live} rows={6}>
					{(workers) => (workers.length === 0 ? <Empty icon={IconServer2} title="No worker is registered">Start one with dllm-worker register and dllm-worker serve.</Empty> : (
						<Table.ScrollContainer minWidth={760} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
							<Table aria-label="Workers" highlightOnHover>
								<Table.Thead>
									<Table.Tr><Table.Th>Worker</Table.Th><Table.Th>State</Table.Th><Table.Th>Roles</Table.Th><Table.Th ta="right">Bond</Table.Th><Table.Th ta="right">Memory</Table.Th><Table.Th ta="right">Price a GFLOP</Table.Th><Table.Th ta="right">Passed</Table.Th><Table.Th ta="right">Faults</Table.Th><Table.Th ta="right">Convictions</Table.Th></Table.Tr>
								</Table.Thead>
								<Table.Tbody>
									{[...workers].sort((one, other) => other.passed - one.passed || one.account.localeCompare(other.account)).map((worker) => (
										<Table.Tr key={worker.account} data-worker={worker.account} data-faults={worker.faults}>
											<Table.Td><Address address={worker.account} worker /></Table.Td>
											<Table.Td><State of={worker.state} /></Table.Td>
											<Table.Td>{rolesOf(worker)}</Table.Td>
											<Table.Td ta="right"><Money planck={worker.bond} /></Table.Td>
											<Table.Td ta="right" className="digits">{formatBytes(worker.memory)}</Table.Td>
											<Table.Td ta="right"><Money planck={worker.price} /></Table.Td>
											<Table.Td ta="right" className="digits">{worker.passed}</Table.Td>
											<Table.Td ta="right" className="digits">{worker.faults}</Table.Td>
											<Table.Td ta="right" className="digits">{worker.cheats}</Table.Td>
										</Table.Tr>
									))}
								</Table.Tbody>
							</Table>
						</Table.ScrollContainer>
					))}
				</Loaded>
			</Section>
		</Page>
	);
}
