//! The HTTP contract that server, command line and vehicle share.
