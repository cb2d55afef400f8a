//! The reasons in words.
