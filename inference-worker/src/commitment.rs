//! What a worker has to say of its part in a job: the log of its rows, and the ledger of its openings.
//!
//! While a stage runs, every row that crosses one of its ends is hashed to a leaf and written to a file.
//! When it ends, the roots, a random salt and the key of the digests are written as the stage's record;
//! from it come the commitment, the later opening, the rows for the checkers, and those that the chain compares
//! between numerics classes. Beside the rows of a side lies the receipt of its hop. All of it survives a restart:
//! a record is either absent or complete, and so is a receipt.

use crate::network::{frame::Side, Dtype};
use codec::{Decode, Encode};
use dllm_primitives::{
	api::{AccountId32, Route},
	commitment::{commitment, merkle_root, row_leaf, Opening, Roots},
	hop::HopReceipt,
	ids::{Digest, JobId, StageIndex},
};
use libp2p::identity::ed25519::SecretKey;
use std::{
	fs::{self, File},
	io::{self, BufWriter, Read, Seek, SeekFrom, Write},
	path::{Path, PathBuf},
	sync::Arc,
};
use tokio::task::spawn_blocking;

const RECORD: &str = "record.scale";
const INPUT: &str = "input.rows";
const OUTPUT: &str = "output.rows";
const COMPUTED: &str = "computed.rows";
const INPUT_RECEIPT: &str = "input.receipt";
const OUTPUT_RECEIPT: &str = "output.receipt";

/// Why something cannot be recorded or looked up.
#[derive(thiserror::Error, Debug)]
pub enum LedgerError {
	/// The file system failed.
	#[error("the ledger cannot use {path}: {source}; free space on the disk, or give the worker's account the right to write there")]
	Io { path: PathBuf, source: io::Error },
	/// The record cannot be read.
	#[error("{path} is damaged: remove the job's folder; the job counts as not run")]
	Damaged { path: PathBuf },
	/// Rows do not follow one another.
	#[error("rows from position {found} on do not follow position {expected}: the job cannot be recorded and is refunded; report it with the log if no peer is to blame")]
	WrongPosition { found: u32, expected: u32 },
	/// Bytes are no whole rows.
	#[error("{bytes} bytes are no whole rows of {row_bytes}: all workers of a ring need the same version of this program")]
	WrongWidth { bytes: usize, row_bytes: usize },
	/// The worker is being shut down, or a thread died.
	#[error("the ledger was interrupted: start the worker again, it goes on from what is on disk")]
	Interrupted,
}

impl LedgerError {
	/// Whether it is only that a file is not there, or ends too early.
	pub fn is_missing(&self) -> bool {
		let Self::Io { source, .. } = self else {
			return false;
		};
		matches!(
			source.kind(),
			io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof
		)
	}
}

/// As whom a worker made a record.
#[derive(Encode, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MadeBy {
	/// It led the stage: its rows went on to the next one, and are served.
	Lead,
	/// It executed the stage again: its rows are nobody's but its own until the chain asks for some of them.
	Checker,
}

impl Decode for MadeBy {
	/// The last part of a record. Those of earlier versions end before it; of the rows that left a stage they hold
	/// only a lead's, so they count as such.
	fn decode<I: codec::Input>(input: &mut I) -> Result<Self, codec::Error> {
		match input.read_byte() {
			Ok(0) | Err(_) => Ok(Self::Lead),
			Ok(1) => Ok(Self::Checker),
			Ok(_) => Err("made by neither a lead nor a checker".into()),
		}
	}
}

/// Everything that is kept of a stage that this worker ran or checked.
#[derive(Encode, Decode, Clone, Debug, PartialEq)]
pub struct StageRecord {
	/// What was asked, as [`origin`] names it: a fork may give the number of a job to another one.
	pub origin: Digest,
	/// Salt and roots.
	pub opening: Opening,
	/// Key of the row digests.
	pub job_key: [u8; 32],
	/// Values in a row.
	pub width: u32,
	/// Number of the codec.
	dtype: u8,
	/// Sampled tokens; none for segments.
	pub tokens: Vec<u32>,
	/// Text of the reply; empty for segments.
	pub reply: String,
	/// As whom it was made.
	pub made_by: MadeBy,
}

impl StageRecord {
	/// A lead's record with a salt of its own.
	pub fn new(origin: Digest, roots: Roots, job_key: [u8; 32], width: u32, dtype: Dtype) -> Self {
		let opening = Opening {
			salt: Digest::from(random_bytes()),
			roots,
		};
		let (tokens, reply) = (Vec::new(), String::new());
		Self {
			origin,
			opening,
			job_key,
			width,
			dtype: dtype.code(),
			tokens,
			reply,
			made_by: MadeBy::Lead,
		}
	}

	/// How values were sent.
	pub fn dtype(&self) -> Dtype {
		Dtype::from_code(self.dtype).unwrap_or(Dtype::F32)
	}

	/// Bytes of a row.
	pub fn row_bytes(&self) -> usize {
		self.width as usize * self.dtype().bytes()
	}
}

/// Names what a stage was asked to do: blake3 of the job, its model, its adapter, its ceiling of rows and the
/// members of its ring, followed by `what`, which stands for the body of the job. Addresses and the block by which
/// it is due are left out: they may change while the work stays the same.
pub fn origin(route: &Route, what: &[u8]) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(&(route.job, route.model, route.adapter, route.rows_ceiling).encode());
	for member in &route.members {
		let of = (member.stage, member.layers, &member.worker, &member.peer_id);
		hasher.update(&of.encode());
	}
	hasher.update(what);
	Digest::from(*hasher.finalize().as_bytes())
}

/// The folder of all records: one folder a job, in it one a stage.
#[derive(Clone, Debug)]
pub struct Ledger {
	folder: Arc<PathBuf>,
}

impl Ledger {
	/// The ledger in `folder`, which is made where it is missing.
	pub fn open(folder: impl Into<PathBuf>) -> Result<Self, LedgerError> {
		let folder = folder.into();
		fs::create_dir_all(&folder).map_err(at(&folder))?;
		Ok(Self {
			folder: Arc::new(folder),
		})
	}

	/// Does something with the ledger on a thread that may wait for the disk.
	pub async fn blocking<T: Send + 'static>(
		&self,
		work: impl FnOnce(&Self) -> Result<T, LedgerError> + Send + 'static,
	) -> Result<T, LedgerError> {
		let ledger = self.clone();
		let done = spawn_blocking(move || work(&ledger)).await;
		done.unwrap_or(Err(LedgerError::Interrupted))
	}

	/// Begins the log of one side of a stage; an unfinished earlier one is overwritten.
	pub fn log(
		&self,
		job: JobId,
		stage: StageIndex,
		side: Side,
		leaves: Leaves,
	) -> Result<RowLog, LedgerError> {
		self.begin(job, stage, file_name(side), leaves)
	}

	/// Begins the log of the rows that a checker computes. It is a file of its own: after a fork the same worker
	/// may have led the stage, and what it serves as that lead stays as it is.
	pub fn computed(
		&self,
		job: JobId,
		stage: StageIndex,
		leaves: Leaves,
	) -> Result<RowLog, LedgerError> {
		self.begin(job, stage, COMPUTED, leaves)
	}

	fn begin(
		&self,
		job: JobId,
		stage: StageIndex,
		name: &str,
		leaves: Leaves,
	) -> Result<RowLog, LedgerError> {
		let folder = self.stage_folder(job, stage);
		fs::create_dir_all(&folder).map_err(at(&folder))?;
		let path = folder.join(name);
		let file = BufWriter::new(File::create(&path).map_err(at(&path))?);
		Ok(RowLog { leaves, file, path })
	}

	/// Writes the record of a stage, after its logs were finished.
	pub fn close(
		&self,
		job: JobId,
		stage: StageIndex,
		record: &StageRecord,
	) -> Result<(), LedgerError> {
		self.write(job, stage, RECORD, &record.encode())
	}

	/// Writes the receipt of the hop on one side of a stage.
	pub fn keep_receipt(
		&self,
		job: JobId,
		stage: StageIndex,
		side: Side,
		receipt: &HopReceipt,
	) -> Result<(), LedgerError> {
		self.write(job, stage, receipt_name(side), &receipt.encode())
	}

	/// The receipt of the hop on one side of a stage.
	pub fn receipt(
		&self,
		job: JobId,
		stage: StageIndex,
		side: Side,
	) -> Result<Option<HopReceipt>, LedgerError> {
		self.read(job, stage, receipt_name(side))
	}

	/// Writes a file of a stage whole, or not at all.
	fn write(
		&self,
		job: JobId,
		stage: StageIndex,
		name: &str,
		bytes: &[u8],
	) -> Result<(), LedgerError> {
		let folder = self.stage_folder(job, stage);
		fs::create_dir_all(&folder).map_err(at(&folder))?;
		let (path, beside) = (folder.join(name), folder.join(format!("{name}.new")));
		let mut file = File::create(&beside).map_err(at(&beside))?;
		file.write_all(bytes)
			.and_then(|()| file.sync_all())
			.map_err(at(&beside))?;
		fs::rename(&beside, &path).map_err(at(&path))
	}

	/// What a file of a stage holds; none where there is no such file.
	fn read<T: Decode>(
		&self,
		job: JobId,
		stage: StageIndex,
		name: &str,
	) -> Result<Option<T>, LedgerError> {
		let path = self.stage_folder(job, stage).join(name);
		let bytes = match fs::read(&path) {
			Ok(bytes) => bytes,
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
			Err(error) => return Err(at(&path)(error)),
		};
		let held = T::decode(&mut &bytes[..]);
		held.map(Some).map_err(|_| LedgerError::Damaged { path })
	}

	/// The record of a stage, once it is over.
	pub fn record(
		&self,
		job: JobId,
		stage: StageIndex,
	) -> Result<Option<StageRecord>, LedgerError> {
		self.read(job, stage, RECORD)
	}

	/// The record of a stage, where it is over and was asked the same.
	pub fn record_of(
		&self,
		job: JobId,
		stage: StageIndex,
		origin: Digest,
	) -> Result<Option<StageRecord>, LedgerError> {
		let record = self.record(job, stage)?;
		Ok(record.filter(|record| record.origin == origin))
	}

	/// What the commitment of a stage opens to, once the stage is over.
	pub fn opening(&self, job: JobId, stage: StageIndex) -> Result<Option<Opening>, LedgerError> {
		Ok(self.record(job, stage)?.map(|record| record.opening))
	}

	/// The commitment that `account` posts for a stage, once the stage is over.
	pub fn commitment(
		&self,
		job: JobId,
		stage: StageIndex,
		account: &AccountId32,
	) -> Result<Option<Digest>, LedgerError> {
		let opening = self.opening(job, stage)?;
		Ok(opening.map(|opening| commitment(job, stage, &account.encode(), &opening)))
	}

	/// Opens the rows of one side for reading, from the first one on.
	pub fn rows(&self, job: JobId, stage: StageIndex, side: Side) -> Result<RowFile, LedgerError> {
		self.open_rows(job, stage, file_name(side))
	}

	/// The same of the rows to whose root a worker committed, as whom it made its record: those that a lead sent,
	/// or those that a checker computed.
	pub fn committed_rows(
		&self,
		job: JobId,
		stage: StageIndex,
		made_by: MadeBy,
	) -> Result<RowFile, LedgerError> {
		let name = match made_by {
			MadeBy::Lead => OUTPUT,
			MadeBy::Checker => COMPUTED,
		};
		self.open_rows(job, stage, name)
	}

	fn open_rows(&self, job: JobId, stage: StageIndex, name: &str) -> Result<RowFile, LedgerError> {
		let path = self.stage_folder(job, stage).join(name);
		let file = File::open(&path).map_err(at(&path))?;
		Ok(RowFile { file, path })
	}

	/// Removes everything of a job.
	pub fn forget(&self, job: JobId) -> Result<(), LedgerError> {
		let folder = self.folder.join(job.to_string());
		match fs::remove_dir_all(&folder) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => Err(at(&folder)(error)),
			_ => Ok(()),
		}
	}

	fn stage_folder(&self, job: JobId, stage: StageIndex) -> PathBuf {
		self.folder.join(job.to_string()).join(stage.to_string())
	}
}

/// Leaves of the rows that cross one boundary.
#[derive(Clone, Debug)]
pub struct Leaves {
	job: JobId,
	job_key: [u8; 32],
	boundary: StageIndex,
	row_bytes: usize,
	digests: Vec<Digest>,
}

impl Leaves {
	/// No rows yet.
	pub fn new(job: JobId, job_key: [u8; 32], boundary: StageIndex, row_bytes: usize) -> Self {
		Self {
			job,
			job_key,
			boundary,
			row_bytes,
			digests: Vec::new(),
		}
	}

	/// Hashes whole rows from `position` on.
	pub fn append(&mut self, position: u32, bytes: &[u8]) -> Result<(), LedgerError> {
		let expected = self.rows();
		if position != expected {
			return Err(LedgerError::WrongPosition {
				found: position,
				expected,
			});
		}
		if bytes.is_empty() || !bytes.len().is_multiple_of(self.row_bytes) {
			let (bytes, row_bytes) = (bytes.len(), self.row_bytes);
			return Err(LedgerError::WrongWidth { bytes, row_bytes });
		}
		for (position, row) in (position..).zip(bytes.chunks(self.row_bytes)) {
			self.digests.push(row_leaf(
				&self.job_key,
				self.job,
				self.boundary,
				position,
				row,
			));
		}
		Ok(())
	}

	/// Rows so far.
	pub fn rows(&self) -> u32 {
		self.digests.len() as u32
	}

	/// Root over all rows.
	pub fn root(&self) -> Digest {
		merkle_root(&self.digests)
	}

	/// The leaf of every row.
	pub fn into_digests(self) -> Vec<Digest> {
		self.digests
	}
}

/// Rows of one side of a stage on their way to disk.
#[derive(Debug)]
pub struct RowLog {
	leaves: Leaves,
	file: BufWriter<File>,
	path: PathBuf,
}

impl RowLog {
	/// Hashes and writes whole rows from `position` on.
	pub fn append(&mut self, position: u32, bytes: &[u8]) -> Result<(), LedgerError> {
		self.leaves.append(position, bytes)?;
		self.file.write_all(bytes).map_err(at(&self.path))
	}

	/// Makes the file durable and gives the root and the number of rows.
	pub fn finish(self) -> Result<(Digest, u32), LedgerError> {
		let (root, rows, path) = (self.leaves.root(), self.leaves.rows(), self.path);
		let file = self
			.file
			.into_inner()
			.map_err(|error| at(&path)(error.into_error()))?;
		file.sync_all().map_err(at(&path))?;
		Ok((root, rows))
	}
}

/// Recorded rows, read in order.
#[derive(Debug)]
pub struct RowFile {
	file: File,
	path: PathBuf,
}

impl RowFile {
	/// `count` rows from `position` on.
	pub fn read(
		&mut self,
		position: u32,
		count: usize,
		row_bytes: usize,
	) -> Result<Vec<u8>, LedgerError> {
		let mut rows = vec![0; count * row_bytes];
		let start = u64::from(position) * row_bytes as u64;
		self.file
			.seek(SeekFrom::Start(start))
			.and_then(|_| self.file.read_exact(&mut rows))
			.map_err(at(&self.path))?;
		Ok(rows)
	}
}

/// 32 bytes from the system's random source; a secret key is exactly that.
pub fn random_bytes() -> [u8; 32] {
	let mut bytes = [0; 32];
	bytes.copy_from_slice(SecretKey::generate().as_ref());
	bytes
}

fn file_name(side: Side) -> &'static str {
	match side {
		Side::Input => INPUT,
		Side::Output => OUTPUT,
	}
}

fn receipt_name(side: Side) -> &'static str {
	match side {
		Side::Input => INPUT_RECEIPT,
		Side::Output => OUTPUT_RECEIPT,
	}
}

fn at(path: &Path) -> impl Fn(io::Error) -> LedgerError + '_ {
	move |source| LedgerError::Io {
		path: path.into(),
		source,
	}
}
