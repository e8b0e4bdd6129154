//! The file of keys.

use dllm_worker::gateway::keys::{KeyError, Keys};
use std::{fs, path::Path};

fn open(folder: &Path) -> Keys {
	Keys::open(folder.join("keys.json")).unwrap()
}

#[test]
fn a_key_opens_what_it_was_made_for_and_nothing_else() {
	let folder = tempfile::tempdir().unwrap();
	let keys = open(folder.path());
	let text = keys.add("web", Some(5), Some(60)).unwrap();
	let other = keys.add("bot", None, None).unwrap();
	let key = keys.find(&text).unwrap();
	assert_eq!(
		(key.name.as_str(), key.budget, key.rate),
		("web", Some(5), Some(60))
	);
	assert_eq!(keys.find(&other).unwrap().name, "bot");

	let (id, secret) = text.rsplit_once('-').unwrap();
	let (other_id, _) = other.rsplit_once('-').unwrap();
	let flipped = match secret.strip_prefix('0') {
		Some(rest) => format!("1{rest}"),
		None => format!("0{}", &secret[1..]),
	};
	let wrong = [
		String::new(),
		secret.into(),
		format!("{id}-"),
		format!("{id}-{flipped}"),
		format!("{other_id}-{secret}"),
		format!("{text}00"),
	];
	for wrong in wrong {
		assert_eq!(keys.find(&wrong), None, "{wrong}");
	}
}

#[test]
fn the_file_does_not_hold_the_secret() {
	let folder = tempfile::tempdir().unwrap();
	let text = open(folder.path()).add("web", None, None).unwrap();
	let (_, secret) = text.rsplit_once('-').unwrap();
	let path = folder.path().join("keys.json");
	assert!(!fs::read_to_string(&path).unwrap().contains(secret));
	#[cfg(unix)]
	{
		use std::os::unix::fs::PermissionsExt;
		assert_eq!(
			fs::metadata(&path).unwrap().permissions().mode() & 0o777,
			0o600
		);
	}
}

#[test]
fn a_running_gateway_notices_changes_of_the_file() {
	let folder = tempfile::tempdir().unwrap();
	let running = open(folder.path());
	let text = open(folder.path()).add("late", None, None).unwrap();
	assert!(running.find(&text).is_some());
	open(folder.path()).remove("late").unwrap();
	assert!(running.find(&text).is_none());
}

#[test]
fn names_are_unique_and_plain() {
	let folder = tempfile::tempdir().unwrap();
	let keys = open(folder.path());
	keys.add("web", None, None).unwrap();
	assert!(matches!(
		keys.add("web", None, None),
		Err(KeyError::NameTaken { .. })
	));
	for name in ["", "with space", "line\nbreak", &"x".repeat(65)] {
		assert!(
			matches!(keys.add(name, None, None), Err(KeyError::BadName { .. })),
			"{name:?}"
		);
	}
	assert!(matches!(
		keys.add("zero", None, Some(0)),
		Err(KeyError::NoRate)
	));
	assert!(matches!(
		keys.remove("nobody"),
		Err(KeyError::Unknown { .. })
	));
}

#[test]
fn a_damaged_file_is_named_and_left_alone() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("keys.json");
	fs::write(&path, "{ broken").unwrap();
	let error = Keys::open(path.clone()).err().unwrap().to_string();
	assert!(error.contains("keys.json"), "{error}");
	assert_eq!(fs::read_to_string(&path).unwrap(), "{ broken");
}
