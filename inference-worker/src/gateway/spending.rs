//! What every key has spent: the fees of its settled jobs, and nothing for what came back.
//!
//! The ceiling of a job's price counts against the budget from before it is bought until the chain says
//! what it cost. Jobs in between stand in the file too, so that a gateway that was stopped, or died, asks
//! the chain for their end when it starts again.

use super::{files, keys::Key, ApiError, FileError};
use dllm_primitives::{api::planck, ids::JobId};
use serde::{Deserialize, Serialize};
use std::{
	collections::BTreeMap,
	path::PathBuf,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The file of spending.
pub struct Spending {
	path: PathBuf,
	book: Mutex<Book>,
	/// Held while the file is written, so that an older state never replaces a newer one.
	writing: Mutex<()>,
}

#[derive(Default)]
struct Book {
	kept: Kept,
	/// By key: ceilings of requests that have no job yet.
	held: BTreeMap<String, u128>,
}

/// What the file holds.
#[derive(Serialize, Deserialize, Default, Clone)]
#[serde(default)]
struct Kept {
	/// Fees by the id of the key.
	spent: BTreeMap<String, Planck>,
	/// Jobs whose fee is not known yet.
	open: BTreeMap<JobId, Open>,
}

#[derive(Serialize, Deserialize, Default, Clone, Copy)]
#[serde(transparent)]
struct Planck(#[serde(with = "planck")] u128);

/// A job whose fee is not known yet.
#[derive(Serialize, Deserialize, Clone)]
struct Open {
	/// Id of the key.
	key: String,
	/// What it costs at most.
	#[serde(with = "planck")]
	ceiling: u128,
}

/// The ceiling of one request, counted against its key until it is settled or dropped.
pub struct Hold {
	spending: Arc<Spending>,
	key: String,
	ceiling: u128,
	/// Set once the job is in the file; from then on only [`Hold::settle`] takes it out again.
	job: Option<JobId>,
}

impl Spending {
	/// Opens a file of spending; nothing is spent where it does not exist.
	pub fn open(path: PathBuf) -> Result<Arc<Self>, FileError> {
		let kept = files::read(&path)?.unwrap_or_default();
		let book = Mutex::new(Book {
			kept,
			held: BTreeMap::new(),
		});
		let writing = Mutex::default();
		Ok(Arc::new(Self {
			path,
			book,
			writing,
		}))
	}

	/// What a key has spent, in planck.
	pub fn spent(&self, key: &str) -> u128 {
		self.book().kept.spent.get(key).map_or(0, |spent| spent.0)
	}

	/// Counts `ceiling` planck against a key, if its budget covers them.
	pub fn hold(self: &Arc<Self>, key: &Key, ceiling: u128) -> Result<Hold, ApiError> {
		let mut book = self.book();
		if let Some(budget) = key.budget {
			let left = budget.saturating_sub(book.counted(&key.id));
			if ceiling > left {
				let price = ceiling;
				return Err(ApiError::BudgetSpent { left, price });
			}
		}
		let held = book.held.entry(key.id.clone()).or_default();
		*held = held.saturating_add(ceiling);
		Ok(Hold {
			spending: self.clone(),
			key: key.id.clone(),
			ceiling,
			job: None,
		})
	}

	/// The jobs of which a gateway before this one did not see the end.
	pub fn left_open(self: &Arc<Self>) -> Vec<(JobId, Hold)> {
		let open = self.book().kept.open.clone();
		let hold = |(job, open): (JobId, Open)| {
			let hold = Hold {
				spending: self.clone(),
				key: open.key,
				ceiling: open.ceiling,
				job: Some(job),
			};
			(job, hold)
		};
		open.into_iter().map(hold).collect()
	}

	/// Changes what is kept, and writes it before it returns.
	async fn change(
		self: &Arc<Self>,
		change: impl FnOnce(&mut Book) + Send + 'static,
	) -> Result<(), FileError> {
		let spending = self.clone();
		let written = tokio::task::spawn_blocking(move || {
			let _one_at_a_time = spending
				.writing
				.lock()
				.unwrap_or_else(PoisonError::into_inner);
			let kept = {
				let mut book = spending.book();
				change(&mut book);
				book.kept.clone()
			};
			files::replace(&spending.path, &kept)
		});
		written.await.unwrap_or_else(|error| {
			Err(FileError::Io {
				path: self.path.clone(),
				source: error.into(),
			})
		})
	}

	fn book(&self) -> MutexGuard<'_, Book> {
		self.book.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Book {
	/// Fees and ceilings of a key.
	fn counted(&self, key: &str) -> u128 {
		let spent = self.kept.spent.get(key).map_or(0, |spent| spent.0);
		let held = self.held.get(key).copied().unwrap_or_default();
		let open = self.kept.open.values().filter(|open| open.key == key);
		open.fold(spent.saturating_add(held), |sum, open| {
			sum.saturating_add(open.ceiling)
		})
	}

	fn release(&mut self, key: &str, ceiling: u128) {
		if let Some(held) = self.held.get_mut(key) {
			*held = held.saturating_sub(ceiling);
		}
	}
}

impl Hold {
	/// Keeps the job in the file from now on, under the number that it has now.
	pub async fn keep(&mut self, job: JobId) -> Result<(), FileError> {
		let earlier = self.job.replace(job);
		let (key, ceiling) = (self.key.clone(), self.ceiling);
		let change = move |book: &mut Book| {
			match earlier {
				Some(earlier) => drop(book.kept.open.remove(&earlier)),
				None => book.release(&key, ceiling),
			}
			book.kept.open.insert(job, Open { key, ceiling });
		};
		self.spending.change(change).await
	}

	/// Counts what the job came to cost instead of its ceiling.
	pub async fn settle(mut self, fee: u128) -> Result<(), FileError> {
		let Some(job) = self.job.take() else {
			return Ok(());
		};
		let key = self.key.clone();
		let spending = self.spending.clone();
		// Nothing is held any more when this hold is dropped.
		self.ceiling = 0;
		let change = move |book: &mut Book| {
			book.kept.open.remove(&job);
			let spent = book.kept.spent.entry(key).or_default();
			spent.0 = spent.0.saturating_add(fee);
		};
		spending.change(change).await
	}
}

impl Drop for Hold {
	fn drop(&mut self) {
		if self.job.is_none() {
			self.spending.book().release(&self.key, self.ceiling);
		}
	}
}
