//! The closed list of problem types.

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:literal, $slug:literal, $title:literal;)+) => {
        /// A problem type: slug, status and title belong together.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ProblemKind { $($(#[$doc])* $name,)+ }

        impl ProblemKind {
            /// Every kind there is.
            pub const ALL: [Self; [$($status),+].len()] = [$(Self::$name),+];

            /// Last part of the type URI.
            pub fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)+ }
            }

            /// HTTP status.
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)+ }
            }

            /// One sentence, the same every time.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

kinds! {
    /// Not HTTP as this server speaks it: bad JSON, a bad header, a bad query.
    MalformedRequest = 400, "malformed-request", "The request could not be read.";
    /// No token, or one that is unknown, expired or revoked.
    Unauthenticated = 401, "unauthenticated", "A valid bearer token is needed.";
    /// The token is good but not for this.
    MissingScope = 403, "missing-scope", "The token lacks a scope.";
    /// The client certificate does not name exactly one vehicle, or not one of this fleet.
    CertificateRefused = 403, "certificate-refused", "The client certificate is not accepted.";
    /// The vehicle was revoked.
    VehicleRevoked = 403, "vehicle-revoked", "The vehicle is revoked.";
    /// Certificate and body name different vehicles.
    WrongVehicle = 403, "wrong-vehicle", "The request is about another vehicle than the certificate.";
    /// Nothing here.
    NotFound = 404, "not-found", "There is nothing here.";
    /// The resource does not know the method.
    MethodNotAllowed = 405, "method-not-allowed", "The method is not allowed here.";
    /// The request did not arrive in time.
    RequestTimeout = 408, "request-timeout", "The request took too long to arrive.";
    /// The id, serial or key is taken.
    Exists = 409, "exists", "It already exists.";
    /// A report counter that was already used, with other bytes.
    ManifestReplay = 409, "manifest-replay", "A report counter was used before.";
    /// Somebody else changed it first.
    Conflict = 409, "conflict", "It changed in the meantime.";
    /// Larger than the cap.
    BodyTooLarge = 413, "body-too-large", "The body is too large.";
    /// Not JSON.
    UnsupportedMediaType = 415, "unsupported-media-type", "The body must be application/json.";
    /// RFC 9110 §14.4.
    RangeNotSatisfiable = 416, "range-not-satisfiable", "The range lies outside the object.";
    /// Readable, but a value is not acceptable.
    Invalid = 422, "invalid", "A value is not acceptable.";
    /// A signature, a sender, an ECU or a time in the manifest is wrong.
    ManifestRefused = 422, "manifest-refused", "The manifest was refused.";
    /// The Image repository does not list the target.
    TargetUnknown = 422, "target-unknown", "The Image repository does not list this target.";
    /// The target is for other hardware.
    HardwareMismatch = 422, "hardware-mismatch", "The target is not for this ECU's hardware.";
    /// The ECU has a newer release and would refuse this one (Uptane 5.4.3.4).
    ReleaseOlder = 422, "release-older", "The ECU has a newer release than this target.";
    /// The ECU has no sealing key and the image is sealed.
    SealingKeyMissing = 422, "sealing-key-missing", "The ECU has no sealing key for a sealed image.";
    /// The image is not sealed and the ECU demands it.
    SealingRequired = 422, "sealing-required", "The ECU accepts sealed images only.";
    /// The content key could not be had for this path: no key file, no stanza for our keys, or one bound elsewhere.
    ContentKeyRefused = 422, "content-key-refused", "The content key of this target cannot be used.";
    /// Slow down.
    TooManyRequests = 429, "too-many-requests", "Too many requests.";
    /// Our fault.
    Internal = 500, "internal", "The server failed.";
    /// Our fault, and it may pass.
    Unavailable = 503, "unavailable", "The server cannot answer just now.";
    /// The Image repository in the store does not verify.
    RepositoryUntrusted = 503, "repository-untrusted", "The Image repository does not verify.";
}

impl ProblemKind {
    /// The kind with this slug, if there is one.
    pub fn from_slug(slug: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.slug() == slug)
    }
}
