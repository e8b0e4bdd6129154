//! What the runtime is made of holds together: presets, prices, fees, weights, bounds.

mod economy;
mod presets;
mod proxies;
mod weights;
