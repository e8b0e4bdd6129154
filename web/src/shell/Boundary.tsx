// Keeps an error of one page from taking the frame with it.

import { Component, type ReactNode } from 'react';
import { Problem } from '../parts/Page';

interface Props {
	/** Another page starts afresh. */
	page: string;
	children: ReactNode;
}

export class Boundary extends Component<Props, { error?: Error; page?: string }> {
	state: { error?: Error; page?: string } = {};

	static getDerivedStateFromError(error: Error) {
		return { error };
	}

	static getDerivedStateFromProps({ page }: Props, state: { error?: Error; page?: string }) {
		return state.page === page ? null : { page, error: undefined };
	}

	render() {
		const { error } = this.state;
		return error ? <Problem title="This page could not be shown">{error.message}. Reload it, or choose another node in the settings.</Problem> : this.props.children;
	}
}
