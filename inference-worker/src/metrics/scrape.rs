//! Reads the numbers of a worker of this machine back, as `status --watch` shows them.

use super::PREFIX;
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
	io::{AsyncReadExt, AsyncWriteExt},
	net::TcpStream,
	time::timeout,
};

/// A worker of this machine answers within this time, or is not there.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes of an answer at most: some fifty series have 5 KiB.
const MAX_ANSWER: u64 = 1 << 20;

/// The numbers of a worker at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers(Vec<(String, f64)>);

/// Asks a worker for its numbers.
pub async fn scrape(address: SocketAddr) -> io::Result<Numbers> {
	let asked = async {
		let mut stream = TcpStream::connect(address).await?;
		let request =
			format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
		stream.write_all(request.as_bytes()).await?;
		let mut answer = String::new();
		stream.take(MAX_ANSWER).read_to_string(&mut answer).await?;
		Ok(answer)
	};
	let late = |_| io::Error::from(io::ErrorKind::TimedOut);
	let answer: io::Result<String> = timeout(PATIENCE, asked).await.map_err(late)?;
	let answer = answer?;
	match answer.split_once("\r\n\r\n") {
		Some((head, body)) if head.starts_with("HTTP/1.1 200") => Ok(Numbers::read(body)),
		_ => Err(io::Error::new(
			io::ErrorKind::InvalidData,
			"no metrics there",
		)),
	}
}

impl Numbers {
	/// Reads Prometheus' text format; what is no sample of a worker is left out.
	pub fn read(text: &str) -> Self {
		let sample = |line: &str| {
			let (series, value) = line.rsplit_once(' ')?;
			let series = series.strip_prefix(PREFIX)?.strip_prefix('_')?;
			Some((series.to_string(), value.parse().ok()?))
		};
		Self(text.lines().filter_map(sample).collect())
	}

	/// Sum over the series of a metric, named without its prefix; only those with `label`, like
	/// `outcome="settled"`, where one is given.
	pub fn sum(&self, name: &str, label: Option<&str>) -> f64 {
		let series = self.0.iter().filter(|(series, _)| {
			let (of, labels) = series.split_once('{').unwrap_or((series, ""));
			of == name && label.is_none_or(|label| labels.contains(label))
		});
		series.map(|(_, value)| value).sum()
	}
}
