//! tagwatch
