//! A plan as a picture: the hosts of every segment with their layers, the rings through them, and what is known
//! of the links.
//!
//! Segments stand in columns from left to right, their replicas below each other: replica `k` of every segment
//! is ring `k`. A ring leaves the entry at the left and comes back below. Hosts without layers stand at the
//! bottom. Every line tells the figures of its link when a pointer rests on it.

use dllm_planning::{
	replicas::Placement,
	what_if::{Host, WhatIf, ENTRY},
};
use dllm_primitives::cost::{link::LinkFigures, Measurements};
use std::fmt::Write;

/// Colours of the rings, apart from each other for those who see few colours (Okabe and Ito 2008).
const RINGS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const INK: &str = "#1a1a1a";
const FAINT: &str = "#9a9a9a";
/// Pixels: of a host, between the left edges of columns and the top edges of rows, and around everything.
const HOST: (f64, f64) = (150.0, 62.0);
const COLUMN: f64 = 290.0;
const ROW: f64 = 128.0;
const MARGIN: f64 = 24.0;
/// Above the first row: the title.
const HEAD: f64 = 76.0;
/// Between the lines on which rings come back.
const BACK: f64 = 40.0;
/// Characters of a name that a host has room for.
const NAME: usize = 18;
/// Lines that no ring uses are left out where there are more: nobody could tell them apart.
const MOST_UNUSED: usize = 40;

/// The middle of something.
type Point = (f64, f64);

/// A plan to be drawn.
pub struct Drawing<'a> {
	what_if: &'a WhatIf,
	placement: &'a Placement,
	caption: String,
}

impl<'a> Drawing<'a> {
	/// The picture of a placement; `caption` stands below the model's name.
	pub fn new(what_if: &'a WhatIf, placement: &'a Placement, caption: String) -> Self {
		Self {
			what_if,
			placement,
			caption,
		}
	}

	/// The picture as SVG.
	pub fn svg(&self) -> String {
		let (width, height) = self.size();
		let mut svg = format!(
			"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"sans-serif\" font-size=\"12\" fill=\"{INK}\" role=\"img\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n",
			escaped(&self.title()),
		);
		self.heading(&mut svg);
		self.unused_links(&mut svg);
		for ring in 0..self.rings() {
			self.ring(&mut svg, ring);
		}
		draw_host(
			&mut svg,
			self.entry(),
			INK,
			&[ENTRY.into(), "prompts and replies".into()],
		);
		for (at, host) in self.what_if.hosts.iter().enumerate() {
			let colour = if self.segment_of(at).is_some() {
				INK
			} else {
				FAINT
			};
			draw_host(&mut svg, self.place(at), colour, &self.lines(at, host));
		}
		svg.push_str("</svg>\n");
		svg
	}

	fn title(&self) -> String {
		let layers = self.what_if.spec.layers.len();
		match self.what_if.model.as_str() {
			"" => format!("{layers} layers"),
			name => format!("{name}, {layers} layers"),
		}
	}

	/// Title, caption, and which colour is which ring.
	fn heading(&self, svg: &mut String) {
		text(
			svg,
			(MARGIN, MARGIN + 8.0),
			"font-size=\"16\" font-weight=\"bold\"",
			&self.title(),
		);
		text(svg, (MARGIN, MARGIN + 28.0), "", &self.caption);
		for (ring, colour) in RINGS.iter().enumerate().take(self.rings()) {
			let (x, y) = (MARGIN + 220.0 + 80.0 * ring as f64, MARGIN + 24.0);
			let style = format!("stroke=\"{colour}\" stroke-width=\"2.5\"");
			line(svg, &format!("M{x:.1} {y:.1}h24"), &style, None);
			text(svg, (x + 30.0, y + 4.0), "", &format!("ring {}", ring + 1));
		}
	}

	/// The hops of a ring, and what is known of each link.
	fn ring(&self, svg: &mut String, ring: usize) {
		let stages = self.placement.segments.iter();
		let stages = stages.map(|(_, _, team)| team[ring]).collect::<Vec<_>>();
		let style = format!("stroke=\"{}\" stroke-width=\"2.5\"", RINGS[ring]);
		let mut from = None;
		for at in &stages {
			let [start, end] = [from, Some(*at)].map(|end| self.middle(end));
			let (start, end) = (
				(start.0 + HOST.0 / 2.0, start.1),
				(end.0 - HOST.0 / 2.0, end.1),
			);
			let path = format!("M{:.1} {:.1}L{:.1} {:.1}", start.0, start.1, end.0, end.1);
			let link = self.link(from, Some(*at));
			line(svg, &path, &style, Some(&self.told(from, Some(*at))));
			let label = ((start.0 + end.0) / 2.0, (start.1 + end.1) / 2.0);
			label_link(svg, label, RINGS[ring], &link);
			from = Some(*at);
		}
		let (start, end) = (self.middle(from), self.entry());
		let depth = self.back(ring);
		let (right, left) = (
			start.0 + HOST.0 / 2.0 + 18.0 + 10.0 * ring as f64,
			end.0 - 12.0 + 24.0 * ring as f64,
		);
		let path = format!(
			"M{:.1} {:.1}H{right:.1}V{depth:.1}H{left:.1}V{:.1}",
			start.0 + HOST.0 / 2.0,
			start.1,
			end.1 + HOST.1 / 2.0,
		);
		line(svg, &path, &style, Some(&self.told(from, None)));
		label_link(
			svg,
			((left + right) / 2.0, depth),
			RINGS[ring],
			&self.link(from, None),
		);
	}

	/// Links that the file names and no ring uses.
	fn unused_links(&self, svg: &mut String) {
		let hosts = self.what_if.hosts.len();
		let ends = || std::iter::once(None).chain((0..hosts).map(Some));
		let pairs = ends().flat_map(|from| ends().map(move |to| (from, to)));
		let unused = pairs.filter(|(from, to)| {
			let named = |a, b| self.what_if.names(self.name(a), self.name(b));
			from < to
				&& (named(*from, *to) || named(*to, *from))
				&& !self.is_used(*from, *to)
				&& !self.is_used(*to, *from)
		});
		let unused = unused.take(MOST_UNUSED + 1).collect::<Vec<_>>();
		if unused.len() > MOST_UNUSED {
			return;
		}
		let style = format!("stroke=\"{FAINT}\" stroke-width=\"1\" stroke-dasharray=\"3 4\"");
		for (from, to) in unused {
			let (start, end) = (self.middle(from), self.middle(to));
			let path = format!("M{:.1} {:.1}L{:.1} {:.1}", start.0, start.1, end.0, end.1);
			line(svg, &path, &style, Some(&self.told(from, to)));
		}
	}

	/// Whether a ring goes from one to the other; none is the entry.
	fn is_used(&self, from: Option<usize>, to: Option<usize>) -> bool {
		(0..self.rings()).any(|ring| {
			let stages = self.placement.segments.iter();
			let stages = stages.map(|(_, _, team)| Some(team[ring]));
			let ring = [None].into_iter().chain(stages).chain([None]);
			let ring = ring.collect::<Vec<_>>();
			ring.windows(2).any(|hop| (hop[0], hop[1]) == (from, to))
		})
	}

	/// The figures of a link in words, with its ends.
	fn told(&self, from: Option<usize>, to: Option<usize>) -> String {
		let link = self.link(from, to);
		format!(
			"{} to {}: {} ms one way, {} ms of jitter, {} % of loss, {} Mbit/s",
			self.name(from),
			self.name(to),
			f64::from(link.latency_us) / 1e3,
			f64::from(link.jitter_us) / 1e3,
			f64::from(link.loss_ppm) / 1e4,
			link.bytes_per_second as f64 / 125e3,
		)
	}

	fn link(&self, from: Option<usize>, to: Option<usize>) -> LinkFigures {
		let number = |end: Option<usize>| end.map(|at| at as u32);
		Measurements::link(self.what_if, number(from).as_ref(), number(to).as_ref())
	}

	fn name(&self, end: Option<usize>) -> &str {
		end.map_or(ENTRY, |at| &self.what_if.hosts[at].name)
	}

	/// What stands in a host.
	fn lines(&self, at: usize, host: &Host) -> Vec<String> {
		let layers = self.segment_of(at).map_or("no layers".into(), |segment| {
			let (start, end, _) = &self.placement.segments[segment];
			match end - start {
				1 => format!("layer {start}"),
				_ => format!("layers {start} to {}", end - 1),
			}
		});
		let device = self.what_if.device(&(at as u32));
		let speed = device.map_or(0, |device| device.flops_per_second) as f64 / 1e9;
		let memory = host.memory as f64 / 1e9;
		vec![
			shortened(&host.name),
			layers,
			format!("{memory} GB · {speed} GFLOP/s"),
		]
	}

	fn rings(&self) -> usize {
		let teams = self.placement.segments.iter();
		teams
			.map(|(_, _, team)| team.len())
			.min()
			.unwrap_or(0)
			.min(RINGS.len())
	}

	fn segment_of(&self, at: usize) -> Option<usize> {
		let mut segments = self.placement.segments.iter();
		segments.position(|(_, _, team)| team.contains(&at))
	}

	fn middle(&self, end: Option<usize>) -> Point {
		end.map_or(self.entry(), |at| self.place(at))
	}

	fn entry(&self) -> Point {
		let rows = self.rings() as f64;
		(
			MARGIN + HOST.0 / 2.0,
			HEAD + HOST.1 / 2.0 + (rows - 1.0) * ROW / 2.0,
		)
	}

	/// Where a host stands.
	fn place(&self, at: usize) -> Point {
		let (column, row, top) = match self.segment_of(at) {
			Some(segment) => {
				let team = &self.placement.segments[segment].2;
				let row = team.iter().position(|member| *member == at);
				(
					(segment + 1) as f64 * COLUMN,
					row.unwrap_or(0) as f64 * ROW,
					HEAD,
				)
			}
			None => {
				let idle = (0..at).filter(|other| self.segment_of(*other).is_none());
				let (idle, wide) = (idle.count(), self.idle_in_a_row());
				let column = (idle % wide) as f64 * (HOST.0 + MARGIN);
				let row = (idle / wide) as f64 * (HOST.1 + MARGIN);
				(column, row, self.back(self.rings()))
			}
		};
		(MARGIN + HOST.0 / 2.0 + column, top + HOST.1 / 2.0 + row)
	}

	/// Height at which a ring comes back.
	fn back(&self, ring: usize) -> f64 {
		HEAD + self.rings() as f64 * ROW - ROW + HOST.1 + BACK * (ring as f64 + 0.8)
	}

	fn idle_in_a_row(&self) -> usize {
		let columns = self.width() - 2.0 * MARGIN + MARGIN;
		(columns / (HOST.0 + MARGIN)).max(1.0) as usize
	}

	fn width(&self) -> f64 {
		let columns = self.placement.segments.len() as f64;
		// The rings turn back beside the last column.
		2.0 * MARGIN + columns * COLUMN + HOST.0 + 40.0
	}

	fn size(&self) -> Point {
		let idle = self.what_if.hosts.len();
		let idle = (0..idle)
			.filter(|at| self.segment_of(*at).is_none())
			.count();
		let rows = idle.div_ceil(self.idle_in_a_row()) as f64;
		(
			self.width(),
			self.back(self.rings()) + rows * (HOST.1 + MARGIN) + MARGIN / 2.0,
		)
	}
}

fn draw_host(svg: &mut String, middle: Point, colour: &str, lines: &[String]) {
	let (x, y) = (middle.0 - HOST.0 / 2.0, middle.1 - HOST.1 / 2.0);
	let _ = writeln!(
		svg,
		"<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{}\" height=\"{}\" rx=\"6\" fill=\"#f6f8fa\" stroke=\"{colour}\"/>",
		HOST.0, HOST.1,
	);
	let first = middle.1 + 4.0 - (lines.len() as f64 - 1.0) * 8.5;
	for (at, words) in lines.iter().enumerate() {
		let weight = if at == 0 { "font-weight=\"bold\" " } else { "" };
		let style = format!("{weight}text-anchor=\"middle\"");
		text(svg, (middle.0, first + 17.0 * at as f64), &style, words);
	}
}

/// Latency and bandwidth on a line.
fn label_link(svg: &mut String, at: Point, colour: &str, link: &LinkFigures) {
	let style = format!(
		"font-size=\"11\" text-anchor=\"middle\" fill=\"{colour}\" stroke=\"#ffffff\" stroke-width=\"4\" paint-order=\"stroke\""
	);
	let latency = format!("{} ms", f64::from(link.latency_us) / 1e3);
	let speed = format!("{} Mbit/s", link.bytes_per_second as f64 / 125e3);
	text(svg, (at.0, at.1 - 5.0), &style, &latency);
	text(svg, (at.0, at.1 + 12.0), &style, &speed);
}

fn line(svg: &mut String, path: &str, style: &str, told: Option<&str>) {
	let told = told.map_or(String::new(), |told| {
		format!("<title>{}</title>", escaped(told))
	});
	let _ = writeln!(
		svg,
		"<path d=\"{path}\" fill=\"none\" {style}>{told}</path>"
	);
}

fn text(svg: &mut String, at: Point, style: &str, words: &str) {
	let _ = writeln!(
		svg,
		"<text x=\"{:.1}\" y=\"{:.1}\" {style}>{}</text>",
		at.0,
		at.1,
		escaped(words)
	);
}

fn shortened(name: &str) -> String {
	match name.chars().count() > NAME {
		true => name.chars().take(NAME - 1).chain(['…']).collect(),
		false => name.into(),
	}
}

/// Text as XML holds it: no markup, and no control characters, which no XML file may have.
fn escaped(text: &str) -> String {
	let mut escaped = String::new();
	for letter in text.chars().filter(|letter| !letter.is_control()) {
		match letter {
			'&' => escaped.push_str("&amp;"),
			'<' => escaped.push_str("&lt;"),
			'>' => escaped.push_str("&gt;"),
			'"' => escaped.push_str("&quot;"),
			other => escaped.push(other),
		}
	}
	escaped
}
