//! What can be said of a worker's part in a job, and of the job.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Verdict on one worker in one stage of one job.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
	/// Its roots agree with those of another operator.
	Pass,
	/// Its roots were outvoted or disproved, its commitment was another's, or its signature for the rows of a hop
	/// is under another root than it opened: the bond is slashed.
	Cheat,
	/// It was late or silent: this costs the pay, never the bond.
	WorkerFault,
	/// A checker was late or silent.
	VerifierFault,
	/// Nothing could be proved.
	Indeterminate,
	/// The draw left its job unchecked, and what it opened fits the rest of the ring: it is paid, and
	/// nothing is counted for or against it.
	Unchecked,
	/// The judgement blames it, and governance found a fault that many had in common: nothing is taken, and
	/// nothing is counted for or against it.
	Pardoned,
}

/// A worker's part in a stage.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum Part {
	/// Executed it live.
	Lead,
	/// Executes it again, blind.
	Replica,
	/// Executes it when the two do not agree.
	Tiebreak,
}

/// Where the trial of a job stands; every phase has a deadline.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	PartialOrd,
	Ord,
)]
#[serde(rename_all = "camelCase")]
pub enum Phase {
	/// Leads run and commit.
	Running,
	/// Not all of them did: those that did not tell how far they came.
	Tallying,
	/// The randomness is awaited that draws who is checked, and by whom.
	Drawing,
	/// The chain does not have the job checked: holders of its stages that drew a winning lot say so.
	Summoning,
	/// Replicas execute again and commit blind.
	Verifying,
	/// Leads and replicas reveal.
	Revealing,
	/// Two of them tell other rows of one hop: who has its receipt shows who lied.
	Reconciling,
	/// Lead and replica of a stage that sent other rows look for the first value in which they differ.
	Disputing,
	/// The randomness is awaited that draws rows to compare, or third workers, for the stages that do not agree.
	Appointing,
	/// Lead and replica of a stage, in unlike numerics classes, show some of their rows.
	Comparing,
	/// Third workers decide these.
	Tiebreak,
	/// Everything is shown, but a breaker has tripped: verdicts wait for governance.
	Held,
	/// Verdicts stand.
	Closed,
}
