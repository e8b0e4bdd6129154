//! What the runtime is made of holds together: presets, prices, fees, bounds.

mod economy;
mod presets;
mod proxies;
