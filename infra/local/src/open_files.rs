//! Raises the limit of open files. Many systems start programs with a limit of 256 or 1,024, and each connection and
//! each call to the table engine takes one.

/// Raises the limit to the highest value that the system allows.
#[cfg(unix)]
pub fn raise_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    /// macOS refuses more than this, even if it reports no limit.
    const ENOUGH: u64 = 10_240;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.map_or(ENOUGH, |maximum| maximum.min(ENOUGH));
    if current.is_some_and(|current| current < wanted) {
        let raised = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum });
        if let Err(error) = raised {
            tracing::warn!(%error, "could not raise the limit of open files, which stays {current:?}");
        }
    }
}

#[cfg(not(unix))]
pub const fn raise_limit() {}
