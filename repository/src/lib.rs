//! An Image repository on an object store: names, publishing as a transaction, the trust walk over it.
