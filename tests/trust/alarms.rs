//! Neighbours who mean no harm, and what we take for one; and scripts that take their time.
mod flushing;
mod harmless;
mod scripts;
