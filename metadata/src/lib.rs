//! TUF and Uptane documents, signatures, trust rules, authoring.
