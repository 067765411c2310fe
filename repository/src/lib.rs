//! An Image repository on an object store: names, publishing as a transaction, the trust walk over it.

pub mod backend;
pub mod check;
mod error;
mod path;
pub mod paths;
pub mod publish;
mod store;
mod upload;
mod url;
mod walk;

pub use check::{CheckOptions, Code, Depth, Finding, Report, Severity, check};
pub use error::{BoxError, StoreError};
pub use path::StorePath;
pub use publish::{
    Change, ChangeError, Due, InitError, Lifetimes, Operation, PublishError, Published, Publisher, Signers,
    TargetMap,
};
pub use store::{Object, Store, Written};
pub use upload::{Content, ObjectUpload, Upload, UploadError, UploadWriter, upload_bytes};
pub use url::{RepositoryUrl, UrlError};
pub use walk::{Walk, WalkError, trust_walk, walk};
