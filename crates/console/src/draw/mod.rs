//! Numbers for the SVG drawings of the templates. The content security policy allows no inline styles, so everything
//! that depends on data is an attribute.

mod bar;
mod donut;
mod timeline;
mod trend;

pub(crate) use bar::Bar;
pub(crate) use donut::{Donut, Share};
pub(crate) use timeline::Timeline;
pub(crate) use trend::Trend;
