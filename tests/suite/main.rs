//! The test suite: one binary, one module for each subject.
