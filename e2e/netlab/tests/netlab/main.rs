//! Links, topologies and placements of the lab, without its namespaces and processes.

mod links;
mod methods;
mod topologies;

/// Two machines and a user; `h2` is near, `h1` is far and fast.
pub const TOPOLOGY: &str = r#"
[hosts.user]
[hosts.h1]
share = 1.0
layers = 8
[hosts.h2]
share = 0.5
layers = 12
[[links]]
between = ["user", "h1"]
rttMs = 200.0
mbitPerSecond = 100.0
[[links]]
between = ["h2", "user"]
rttMs = 10.0
jitterMs = 4.0
loss = 0.01
mbitPerSecond = 20.0
[[links]]
between = ["h1", "h2"]
rttMs = 100.0
mbitPerSecond = 100.0
"#;
