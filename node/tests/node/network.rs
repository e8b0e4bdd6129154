//! Two validators that need each other.

use crate::process::{Folder, Node};
use serde_json::Value;

/// GRANDPA needs the votes of both of two validators, so a finalised block proves that blocks and
/// votes travel between them.
#[tokio::test]
async fn two_validators_finalise_the_same_blocks() {
	let (alice_folder, bob_folder) = (Folder::new(), Folder::new());
	let chain = alice_folder.specification("local");
	let common = [
		"--chain",
		&chain,
		"--unsafe-force-node-key-generation",
		"--allow-private-ip",
		"--no-mdns",
	];
	let alice = Node::start(
		&[
			&common[..],
			&["--alice", "--base-path", alice_folder.text()],
		]
		.concat(),
	)
	.await;
	let address = loopback_address(&alice).await;
	let bob = Node::start(
		&[
			&common[..],
			&[
				"--bob",
				"--base-path",
				bob_folder.text(),
				"--bootnodes",
				&address,
			],
		]
		.concat(),
	)
	.await;
	alice.finalised_reaches(2).await;
	bob.finalised_reaches(2).await;

	let ours = alice.call("chain_getBlockHash", vec![2.into()]).await;
	let theirs = bob.call("chain_getBlockHash", vec![2.into()]).await;
	assert_eq!(ours, theirs, "both finalised the same block");
}

/// A multiaddress at which the node can be dialled from this machine, with its peer id.
async fn loopback_address(node: &Node) -> String {
	let addresses = node.call("system_localListenAddresses", vec![]).await;
	let addresses = addresses
		.as_array()
		.expect("a list")
		.iter()
		.filter_map(Value::as_str);
	let mut loopback = addresses.filter(|address| address.starts_with("/ip4/127.0.0.1/tcp/"));
	loopback
		.next()
		.expect("the node listens on loopback")
		.to_string()
}
