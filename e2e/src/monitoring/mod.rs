//! A real Prometheus beside tagwatch, and the queries of the dashboards for it.

mod panels;
mod prometheus;
mod server;

pub use panels::{Panel, Query, filled, panels};
pub use prometheus::{Prometheus, scrape_config};
pub use server::Server;
