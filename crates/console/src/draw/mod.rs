//! Drawings: numbers for the SVG of the templates. A strict content security policy allows no inline style, so
//! everything that depends on data is an attribute.

mod bar;
mod donut;
mod timeline;

pub(crate) use bar::Bar;
pub(crate) use donut::{Donut, Share};
pub(crate) use timeline::{Mark, Timeline};
