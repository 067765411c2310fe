//! The sealed-image format: framing, key schedule, recipients.
