//! The release engineer's and the pipeline's tool.
