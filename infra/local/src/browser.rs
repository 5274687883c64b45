//! Opens the console in the desktop's browser, if there is a desktop and its user agrees.

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::{fs, thread};

use tempfile::NamedTempFile;

use crate::environment;

/// Offers to open `link` in the browser, if this is a terminal on a desktop. Returns at once.
///
/// The link contains a token, and other users of this machine can see the arguments of a command. So the browser gets a
/// file that only this user can read, and that redirects to the link.
pub fn offer(link: &str, folder: &Path) {
    let Some(command) = opener().filter(|_| io::stdin().is_terminal() && io::stdout().is_terminal()) else {
        return;
    };
    let Ok(file) = write_page(link, folder) else { return };
    println!("Press Enter to open the console in your browser.");
    thread::spawn(move || {
        let mut line = String::new();
        // At the end of standard input, no bytes are read and nobody has pressed Enter.
        if io::stdin().lock().read_line(&mut line).unwrap_or_default() > 0 && open(command, &file).is_err() {
            eprintln!("cannot start {command}; open the link above instead");
        }
    });
}

/// The command that opens a file in the browser.
fn opener() -> Option<&'static str> {
    if cfg!(target_os = "macos") {
        return Some("open");
    }
    environment::has_desktop().then_some("xdg-open")
}

fn open(command: &str, file: &Path) -> io::Result<()> {
    Command::new(command)
        .arg(file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?
        .wait()?;
    Ok(())
}

/// Writes a page that redirects to `link`. It is deleted with the folder of a temporary stack, or replaced at the next
/// start.
fn write_page(link: &str, folder: &Path) -> io::Result<std::path::PathBuf> {
    let path = folder.join("console.html");
    // A temporary file is readable by its owner only.
    let mut file = NamedTempFile::new_in(folder)?;
    write!(
        file,
        "<!doctype html><title>Fleetledger</title><meta http-equiv=\"refresh\" content=\"0;url={link}\">"
    )?;
    file.persist(&path).map_err(|error| error.error)?;
    fs::canonicalize(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_leads_to_the_link_and_only_its_owner_can_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_page("http://127.0.0.1:1/console#token=a.b.c", folder.path()).unwrap();
        assert!(fs::read_to_string(&path).unwrap().contains("url=http://127.0.0.1:1/console#token=a.b.c\""));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
}
